//! Commands of the ground, and what comes down to it.

use super::commands::CommandFailure;
use super::sending::NotQueued;
use super::transmit::Origin;
use super::{Action, Command, Link};
use crate::accounting::DropReason;
use crate::budget::HeldBytes;
use crate::message::{Message, PayloadType};

impl Link {
    /// Sends a command up. What becomes of it comes as [`Action::Answered`],
    /// [`Action::Sent`] or [`Action::Failed`], exactly one.
    pub fn command(&mut self, command: Command) {
        self.open_command(command, 0);
    }

    /// Sends a message to a UDP service that may answer within a reply window, and
    /// takes up to `replies_max` replies until the command's time-out, which
    /// begins when `write` took the message. Each reply comes as
    /// [`Action::Replied`]; then [`Action::Sent`] or [`Action::Failed`], exactly
    /// one. It is tried again only where the message did not leave.
    pub fn converse(&mut self, command: Command, replies_max: u32) {
        self.open_command(command, replies_max);
    }

    fn open_command(&mut self, mut command: Command, replies_max: u32) {
        let command_id = command.command_id;
        let failure = if command_id == 0 {
            CommandFailure::IdZero
        } else if self.commands.is_outstanding(command_id) {
            CommandFailure::IdInUse
        } else if self.is_in_sync() == Some(false) {
            CommandFailure::NotInSync
        } else if self.commands.outstanding() >= self.config.commands_max {
            CommandFailure::TooMany(self.config.commands_max)
        } else {
            let octets = std::mem::take(&mut command.payload);
            let all = 0..octets.len();
            match HeldBytes::adopt(&self.budget, octets, all) {
                Err(_) => CommandFailure::Dropped(DropReason::MemorySpent),
                Ok(payload) => {
                    self.commands.add(&command, payload, replies_max);
                    self.send_command(command_id);
                    return;
                }
            }
        };
        let failed = Action::Failed {
            command_id,
            failure,
        };
        self.actions.push_back(failed);
    }

    /// A command id that the format can carry, made of random bits.
    pub fn command_id(&self, random: u64) -> u64 {
        self.format.command_id(random)
    }

    pub(super) fn send_command(&mut self, command_id: u64) {
        // Taken out for the moment, so that its octets can be copied to the queue.
        let Some((head, payload)) = self.commands.begin_try(command_id) else {
            return;
        };
        let queued = self.enqueue_copy(0, head, &payload, Origin::Command(command_id));
        let failure = match queued {
            Ok(()) => return self.commands.put_back(command_id, payload),
            Err(NotQueued {
                reason: reason @ (DropReason::QueueFull | DropReason::MemorySpent),
                ..
            }) => CommandFailure::Dropped(reason),
            Err(NotQueued { text, .. }) => CommandFailure::NotCarried(text),
        };
        self.commands.remove(command_id);
        self.actions.push_back(Action::Failed {
            command_id,
            failure,
        });
    }

    pub(super) fn handle_message_on_ground(&mut self, message: Message) {
        let command_id = message.head.command_id;
        if self.commands.is_answer(&message.head) {
            self.end_repair(command_id);
            let actions = self.commands.answered(command_id, message.payload);
            self.actions.extend(actions);
            // One that takes more replies still waits for what becomes of its try: a
            // reply can be here before `write` has returned.
            if !self.commands.is_outstanding(command_id) {
                self.withdraw(command_id);
            }
            self.counted.messages_in.deliver(1);
        } else if message.head.payload_type == PayloadType::Udp {
            self.counted.messages_in.deliver(1);
            self.actions.push_back(Action::Heard(message));
        } else {
            self.drop_message(DropReason::NotAsked, &message.head);
        }
    }

    /// Nobody waits for the command any more: what was not sent yet is not sent, an
    /// answer counts as not asked for, and no action follows.
    pub fn cancel(&mut self, command_id: u64) {
        self.end_repair(command_id);
        if self.commands.remove(command_id) {
            self.withdraw(command_id);
        }
    }

    /// A retry that is still in the queue must not go up once the answer is here:
    /// the service would run it again.
    pub(super) fn withdraw(&mut self, command_id: u64) {
        let queue = self.transmit.first_mut();
        let withdrawn = queue.map(|queue| queue.withdraw(command_id));
        for departure in withdrawn.unwrap_or_default() {
            self.count_departure(&departure);
        }
    }
}
