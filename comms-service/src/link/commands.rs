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
    /// Replies that are still taken; none for a command with one answer or none.
    replies_left: u32,
    /// Whether a try has left.
    is_sent: bool,
    tries: u32,
    /// Set while the answer is awaited; none while a try is on its way out.
    deadline: Option<Instant>,
}

/// What is due after a time-out.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) retry: Vec<u64>,
    pub(super) ended: Vec<Action>,
}

impl Commands {
    pub(super) fn is_outstanding(&self, command_id: u64) -> bool {
        self.outstanding.contains_key(&command_id)
    }

    pub(super) fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Opens `command`, whose octets `payload` is.
    pub(super) fn add(&mut self, command: &Command, payload: HeldBytes, replies_max: u32) {
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
            replies_left: replies_max,
            is_sent: false,
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

    /// What an answer to this command is.
    pub(super) fn answered(&mut self, command_id: u64, payload: HeldBytes) -> Vec<Action> {
        let open = self.outstanding.get_mut(&command_id);
        let Some(replies_left) = open.map(|open| &mut open.replies_left) else {
            return Vec::new();
        };
        if *replies_left == 0 {
            self.outstanding.remove(&command_id);
            return vec![Action::Answered {
                command_id,
                payload,
            }];
        }
        *replies_left -= 1;
        let is_last = *replies_left == 0;
        let mut actions = vec![Action::Replied {
            command_id,
            payload,
        }];
        if is_last {
            self.outstanding.remove(&command_id);
            actions.push(Action::Sent { command_id });
        }
        actions
    }

    /// Closes a command; false when it is not open.
    pub(super) fn remove(&mut self, command_id: u64) -> bool {
        self.outstanding.remove(&command_id).is_some()
    }

    /// Counts one more try; gives what to send, to be put back.
    pub(super) fn begin_try(&mut self, command_id: u64) -> Option<(Head, HeldBytes)> {
        let outstanding = self.outstanding.get_mut(&command_id)?;
        outstanding.tries += 1;
        outstanding.deadline = None;
        Some((outstanding.head, outstanding.payload.take()?))
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
        let one_way =
            outstanding.head.payload_type == PayloadType::Udp && outstanding.replies_left == 0;
        outstanding.is_sent |= result.is_ok();
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
                // It was sent; how many replies come is the service's affair, and
                // another try would make it act once more.
                Some(outstanding) if outstanding.replies_left > 0 && outstanding.is_sent => {
                    self.outstanding.remove(&command_id);
                    due.ended.push(Action::Sent { command_id });
                }
                Some(outstanding) if outstanding.tries > outstanding.retries => {
                    let failure = CommandFailure::TimedOut {
                        tries: outstanding.tries,
                        timeout: outstanding.timeout,
                    };
                    self.outstanding.remove(&command_id);
                    due.ended.push(Action::Failed {
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
