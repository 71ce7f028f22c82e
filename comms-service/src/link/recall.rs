//! Commands at most once: what comes is held against what is remembered.

use std::time::Instant;

use super::memory::{CommandKey, Recall};
use super::{Action, JournalEntry, Link, ServiceFailure};
use crate::accounting::DropReason;
use crate::budget::HeldBytes;
use crate::message::{Head, Message, PayloadType};

impl Link {
    /// A command came: runs it, or answers from memory, or neither.
    pub(super) fn recall_command(&mut self, now: Instant, message: Message) {
        let Message { head, payload } = message;
        let recall = match (&mut self.memory, CommandKey::of(&head)) {
            (Some(memory), Some(key)) => memory.recall(now, &self.budget, key, &payload),
            _ => Recall::Run(None),
        };
        match recall {
            Recall::Run(command) => {
                let message = Message { head, payload };
                let recorded = command.filter(|_| self.config.records_commands);
                match (self.let_in(now, &head), recorded) {
                    (Err(reason), _) => self.refuse(reason, &head),
                    (Ok(()), None) => self.pass_on(now, message),
                    (Ok(()), Some(command)) if self.may_record(head.payload_type) => {
                        self.record(command, message);
                    }
                    (Ok(()), Some(_)) => self.refuse_unrecorded(message),
                }
            }
            Recall::Repeated(reason) => self.drop_retry(reason, &head),
            // The ground lost patience before the answer got to it.
            Recall::Answer(_) if self.transmit.iter().any(|queue| queue.has_answer(&head)) => {
                self.drop_retry(DropReason::CommandJoined, &head);
            }
            Recall::Answer(stored) => {
                self.drop_retry(DropReason::AnsweredFromMemory, &head);
                drop(payload);
                let Some(octets) = self.budget.stored(stored) else {
                    return;
                };
                match HeldBytes::copy_of(&self.budget, &octets) {
                    Ok(answer) => self.answer(&head, answer),
                    Err(spent) => {
                        let reason = DropReason::MemorySpent;
                        self.answer_with_error(&head, reason, &spent.to_string());
                    }
                }
            }
            Recall::Refuse(reason) => {
                self.drop_retry(reason, &head);
                if head.payload_type == PayloadType::GraphQl {
                    let text = refusal(reason, &head);
                    self.answer_with_error(&head, reason, &text);
                }
            }
        }
    }

    /// A mutation that cannot wait to be recorded: nobody would take a query then.
    fn refuse_unrecorded(&mut self, message: Message) {
        match message.head.payload_type {
            PayloadType::Udp => self.drop_message(DropReason::StorageFailed, &message.head),
            _ => self.refuse_busy(&message.head, self.config.handlers_max),
        }
    }

    /// A message that is not run: one more of a command that is known.
    fn drop_retry(&mut self, reason: DropReason, head: &Head) {
        self.counted.messages_in.drop(reason, 1);
        let (kind, port, id) = (head.payload_type.as_str(), head.port, head.command_id);
        let reason = reason.as_str();
        self.note(format!(
            "{kind} command {id} for port {port} not run: {reason}"
        ));
    }

    /// A command was refused before it reached its service: it may come again.
    pub(super) fn forget_command(&mut self, head: &Head) {
        if let (Some(memory), Some(key)) = (&mut self.memory, CommandKey::of(head)) {
            let recorded = memory.refused(&key);
            self.enter(recorded, JournalEntry::Forgotten(key));
        }
    }

    fn enter(&mut self, recorded: bool, entry: JournalEntry) {
        if recorded {
            self.actions.push_back(Action::Journal(entry));
        }
    }

    /// The socket did not take a datagram: it may come again.
    pub(super) fn forget_datagram(&mut self, head: &Head) {
        if let (Some(memory), Some(key)) = (&mut self.memory, CommandKey::of(head)) {
            let recorded = memory.not_sent(&self.budget, &key);
            self.enter(recorded, JournalEntry::Forgotten(key));
        }
    }

    /// A command's service answered.
    pub(super) fn remember_answer(&mut self, head: &Head, answer: &[u8]) {
        if let (Some(memory), Some(key)) = (&mut self.memory, CommandKey::of(head)) {
            let recorded = memory.answered(&self.budget, &key, answer);
            self.enter(recorded, JournalEntry::Finished(key));
        }
    }

    /// A command's service did not answer; the ground is told `error`.
    pub(super) fn remember_failure(&mut self, head: &Head, failure: &ServiceFailure, error: &[u8]) {
        let (Some(memory), Some(key)) = (&mut self.memory, CommandKey::of(head)) else {
            return;
        };
        match failure.reason {
            // Nothing of it reached the service.
            DropReason::HandlersBusy | DropReason::ServiceUnreachable => {
                let recorded = memory.refused(&key);
                self.enter(recorded, JournalEntry::Forgotten(key));
            }
            _ => memory.failed(&self.budget, &key, error),
        }
    }
}

/// What the ground is told of a command that is not run.
pub(super) fn refusal(reason: DropReason, head: &Head) -> String {
    let (id, port) = (head.command_id, head.port);
    let why = match reason {
        DropReason::CommandIdReused => {
            "its id belongs to a command with other content; give it a new id"
        }
        DropReason::AnswerNotKept => {
            "it ran already, and its answer is not kept any more; it is not run again"
        }
        DropReason::OutcomeUnknown => {
            "it was handed to its service once, and the outcome is unknown; it is not run again"
        }
        DropReason::StorageFailed => "it could not be recorded, so it was not run",
        _ => "as many commands run as can be remembered",
    };
    format!("command {id} for port {port}: {why}")
}
