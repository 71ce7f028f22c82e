//! Commands that the ground has sent and whose outcome is still open.
//!
//! The time-out of a try begins when its last packet was handed to `write`, so
//! a slow radio costs no tries.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Action;
use crate::accounting::DropReason;
use crate::message::{Class, Head, PayloadType};

/// A command for a service on the satellite.
#[derive(Clone, Debug)]
pub struct Command {
    /// From [`Link::command_id`](super::Link::command_id).
    pub command_id: u64,
    /// [`PayloadType::GraphQl`] or [`PayloadType::UdpExchange`] expect an
    /// answer, [`PayloadType::Udp`] none.
    pub payload_type: PayloadType,
    /// The service's port.
    pub port: u16,
    /// What the service gets.
    pub payload: Vec<u8>,
    /// How long to wait for the answer after each try.
    pub timeout: Duration,
    /// How many times to send it again.
    pub retries: u32,
}

/// Why a command came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandFailure {
    /// No answer came.
    #[error("no answer within {} ms after each of {tries} tries", timeout.as_millis())]
    TimedOut {
        /// Times it was sent.
        tries: u32,
        /// Waited after each.
        timeout: Duration,
    },
    /// The packet format cannot carry it.
    #[error("it cannot be sent: {0}")]
    NotCarried(String),
    /// It was dropped on this side.
    #[error("it was not sent: {}", .0.as_str())]
    Dropped(DropReason),
    /// The id belongs to a command that is still open.
    #[error("its command id is in use")]
    IdInUse,
}

#[derive(Debug, Default)]
pub(super) struct Commands {
    outstanding: BTreeMap<u64, Outstanding>,
}

#[derive(Debug)]
struct Outstanding {
    command: Command,
    tries: u32,
    /// Set while the answer is awaited; none while a try is on its way out.
    deadline: Option<Instant>,
    last_drop: Option<DropReason>,
}

impl Outstanding {
    fn failure(&self) -> CommandFailure {
        match self.last_drop {
            Some(reason) => CommandFailure::Dropped(reason),
            None => CommandFailure::TimedOut {
                tries: self.tries,
                timeout: self.command.timeout,
            },
        }
    }
}

/// What is due after a time-out.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) retry: Vec<u64>,
    pub(super) failed: Vec<Action>,
}

impl Commands {
    pub(super) fn is_outstanding(&self, command_id: u64) -> bool {
        self.outstanding.contains_key(&command_id)
    }

    pub(super) fn add(&mut self, command: Command) {
        let outstanding = Outstanding {
            tries: 0,
            deadline: None,
            last_drop: None,
            command,
        };
        let id = outstanding.command.command_id;
        self.outstanding.insert(id, outstanding);
    }

    pub(super) fn remove(&mut self, command_id: u64) {
        self.outstanding.remove(&command_id);
    }

    /// Counts one more try; gives what to send.
    pub(super) fn begin_try(&mut self, command_id: u64) -> Option<(Head, &[u8])> {
        let outstanding = self.outstanding.get_mut(&command_id)?;
        outstanding.tries += 1;
        outstanding.deadline = None;
        let command = &outstanding.command;
        let head = Head {
            payload_type: command.payload_type,
            class: Class::Standard,
            command_id,
            port: command.port,
        };
        Some((head, &command.payload))
    }

    /// A try left by `write`, or was dropped on the way.
    pub(super) fn departed(
        &mut self,
        now: Instant,
        command_id: u64,
        result: Result<(), DropReason>,
    ) -> Option<Action> {
        let outstanding = self.outstanding.get_mut(&command_id)?;
        let command = &outstanding.command;
        let one_way = command.payload_type == PayloadType::Udp;
        outstanding.last_drop = result.err();
        match result {
            Ok(()) if one_way => {
                self.outstanding.remove(&command_id);
                Some(Action::Sent { command_id })
            }
            Err(reason) if outstanding.tries > command.retries => {
                self.outstanding.remove(&command_id);
                let failure = CommandFailure::Dropped(reason);
                Some(Action::Failed {
                    command_id,
                    failure,
                })
            }
            _ => {
                outstanding.deadline = Some(now + command.timeout);
                None
            }
        }
    }

    /// Whether this answers a command; then it is no longer outstanding.
    pub(super) fn answered(&mut self, command_id: u64) -> bool {
        self.outstanding.remove(&command_id).is_some()
    }

    pub(super) fn expire(&mut self, now: Instant) -> Due {
        let mut due = Due::default();
        let overdue = |outstanding: &Outstanding| outstanding.deadline.is_some_and(|at| at <= now);
        let ids = self
            .outstanding
            .iter()
            .filter(|(_, outstanding)| overdue(outstanding));
        for command_id in ids.map(|(id, _)| *id).collect::<Vec<_>>() {
            match self.outstanding.get(&command_id) {
                Some(outstanding) if outstanding.tries > outstanding.command.retries => {
                    let failure = outstanding.failure();
                    self.outstanding.remove(&command_id);
                    due.failed.push(Action::Failed {
                        command_id,
                        failure,
                    });
                }
                _ => due.retry.push(command_id),
            }
        }
        due
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.outstanding
            .values()
            .filter_map(|outstanding| outstanding.deadline)
            .min()
    }
}
