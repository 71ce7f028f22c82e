//! Mutations are recorded before they run: the engine holds them until the shell
//! says that they are on the disk.

use std::time::Instant;

use super::memory::{CommandKey, RecordedCommand};
use super::{Action, Link};
use crate::accounting::DropReason;
use crate::message::{Message, PayloadType};

/// One command that waits to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub(crate) u64);

/// What is to be entered in the journal of commands, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalEntry {
    /// The command is to be on the disk before it runs; then
    /// [`Link::handle_recorded`].
    Started {
        /// To be given back.
        record: RecordId,
        /// The command.
        command: RecordedCommand,
    },
    /// The command was answered. This need not be on the disk at once.
    Finished(CommandKey),
    /// The command did not run after all.
    Forgotten(CommandKey),
}

impl Link {
    /// A command of the journal, read when the engine was made: it is not run
    /// again. Oldest first.
    pub fn restore_command(&mut self, now: Instant, command: RecordedCommand) {
        if let Some(memory) = &mut self.memory {
            memory.restore(now, &self.budget, command);
        }
    }

    /// A state file was damaged; `text` says which, and what that means.
    pub fn handle_damaged_state(&mut self, text: String) {
        log::error!("{text}");
        self.counted.state_files_damaged += 1;
        self.note(text);
    }

    /// Holds a mutation until it is on the disk.
    pub(super) fn record(&mut self, command: RecordedCommand, message: Message) {
        let record = RecordId(self.next_record);
        self.next_record += 1;
        self.recording.insert(record, message);
        let started = JournalEntry::Started { record, command };
        self.actions.push_back(Action::Journal(started));
    }

    /// Whether one more mutation may wait to be recorded; those that no handler
    /// would take are not recorded in vain.
    pub(super) fn may_record(&self, payload_type: PayloadType) -> bool {
        let waiting = self.recording.len();
        let most = self.config.handlers_max + self.config.handler_queue_messages_max;
        let held = match payload_type {
            PayloadType::Udp => waiting,
            _ => waiting + self.handlers.held(),
        };
        held < most
    }

    /// A [`JournalEntry::Started`] is on the disk, or could not be written.
    pub fn handle_recorded(&mut self, now: Instant, record: RecordId, result: Result<(), String>) {
        let Some(message) = self.recording.remove(&record) else {
            return;
        };
        let key = CommandKey::of(&message.head);
        let error = match result {
            Ok(()) => {
                if let (Some(memory), Some(key)) = (&mut self.memory, key) {
                    memory.recorded(&key);
                }
                return self.pass_on(now, message);
            }
            Err(error) => error,
        };
        // Perhaps it is on the disk nevertheless.
        let forgotten = key.map(JournalEntry::Forgotten).map(Action::Journal);
        self.actions.extend(forgotten);
        let Message { head, payload } = message;
        drop(payload);
        self.drop_message(DropReason::StorageFailed, &head);
        self.note(format!("a command could not be recorded: {error}"));
        if head.payload_type == PayloadType::GraphQl {
            let text = super::recall::refusal(DropReason::StorageFailed, &head);
            self.answer_with_error(&head, DropReason::StorageFailed, &text);
        }
    }
}
