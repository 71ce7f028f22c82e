//! Commands that the ground has sent and whose outcome is still open.
//!
//! The time-out of a try begins when its last packet was handed to `write`, so
//! a slow radio costs no tries.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Action, TIMEOUT_MAX};
use crate::accounting::DropReason;
use crate::budget::HeldBytes;
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
    /// Id 0 is nobody's command.
    #[error("0 is no command id")]
    IdZero,
    /// The satellite would not believe it: there are no keys in common yet.
    #[error(
        "this station has no keys in common with the satellite yet: get them first (`ground resync`)"
    )]
    NotInSync,
    /// As many commands are open as may be.
    #[error("{0} commands wait for their outcome already")]
    TooMany(usize),
}

#[derive(Debug, Default)]
pub(super) struct Commands {
    outstanding: BTreeMap<u64, Outstanding>,
}

#[derive(Debug)]
struct Outstanding {
    head: Head,
    /// What is sent; none while a try is being queued.
    payload: Option<HeldBytes>,
    timeout: Duration,
    retries: u32,
    tries: u32,
    /// Set while the answer is awaited; none while a try is on its way out.
    deadline: Option<Instant>,
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

    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Opens `command`, whose octets `payload` is.
    pub(super) fn add(&mut self, command: &Command, payload: HeldBytes) {
        let head = Head {
            payload_type: command.payload_type,
            class: Class::Standard,
            security: None,
            command_id: command.command_id,
            port: command.port,
        };
        let outstanding = Outstanding {
            head,
            payload: Some(payload),
            timeout: command.timeout.min(TIMEOUT_MAX),
            retries: command.retries,
            tries: 0,
            deadline: None,
        };
        self.outstanding.insert(command.command_id, outstanding);
    }

    /// Whether an answer with this head is to an open command. Format `kubos`
    /// carries no port down.
    pub(super) fn is_answer(&self, head: &Head) -> bool {
        let outstanding = self.outstanding.get(&head.command_id);
        outstanding.is_some_and(|asked| head.port == asked.head.port || head.port == 0)
    }

    /// Closes a command; false when it is not open.
    pub(super) fn remove(&mut self, command_id: u64) -> bool {
        self.outstanding.remove(&command_id).is_some()
    }

    /// Counts one more try; gives what to send, to be put back, and whether it was
    /// sent before.
    pub(super) fn begin_try(&mut self, command_id: u64) -> Option<(Head, HeldBytes, bool)> {
        let outstanding = self.outstanding.get_mut(&command_id)?;
        outstanding.tries += 1;
        outstanding.deadline = None;
        let is_retry = outstanding.tries > 1;
        Some((outstanding.head, outstanding.payload.take()?, is_retry))
    }

    pub(super) fn put_back(&mut self, command_id: u64, payload: HeldBytes) {
        if let Some(outstanding) = self.outstanding.get_mut(&command_id) {
            outstanding.payload = Some(payload);
        }
    }

    /// A try left by `write`, or was dropped on the way.
    pub(super) fn departed(
        &mut self,
        now: Instant,
        command_id: u64,
        result: Result<(), DropReason>,
    ) -> Option<Action> {
        let outstanding = self.outstanding.get_mut(&command_id)?;
        let one_way = outstanding.head.payload_type == PayloadType::Udp;
        let outcome = match result {
            Ok(()) if one_way => Action::Sent { command_id },
            Err(reason) if outstanding.tries > outstanding.retries => Action::Failed {
                command_id,
                failure: CommandFailure::Dropped(reason),
            },
            _ => {
                outstanding.deadline = Some(now + outstanding.timeout);
                return None;
            }
        };
        self.outstanding.remove(&command_id);
        Some(outcome)
    }

    /// Closes all commands; gives what they come to.
    pub(super) fn clear(&mut self) -> Vec<Action> {
        let failed = |(command_id, _)| Action::Failed {
            command_id,
            failure: CommandFailure::Dropped(DropReason::Shutdown),
        };
        let all = std::mem::take(&mut self.outstanding);
        all.into_iter().map(failed).collect()
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
                Some(outstanding) if outstanding.tries > outstanding.retries => {
                    let failure = CommandFailure::TimedOut {
                        tries: outstanding.tries,
                        timeout: outstanding.timeout,
                    };
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
