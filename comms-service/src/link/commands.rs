//! Commands that the ground has sent and whose outcome is still open.
//!
//! The time-out of a try begins when its last packet was handed to `write`, so
//! a slow radio costs no tries.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::repair::Repair;
use super::{Action, TIMEOUT_MAX};
use crate::accounting::DropReason;
use crate::budget::{ByteBudget, HeldBytes};
use crate::link_control::AnswerTo;
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
    /// Its answer began to arrive, and was not whole in time.
    #[error("its answer was not whole {} s after it began to arrive", .0.as_secs())]
    AnswerTooSlow(Duration),
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
    /// Replies that are still taken; none for a command with one answer or none.
    replies_left: u32,
    /// Whether a try has left.
    is_sent: bool,
    tries: u32,
    /// Set while the answer is awaited; none while a try is on its way out.
    deadline: Option<Instant>,
    /// When the first segment of its answer came.
    answer_began: Option<Instant>,
    /// What arrived of its answer, if something is missing.
    repair: Option<Repair>,
    /// After a silence it was asked for what is missing.
    asked_after_silence: bool,
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
            answer_began: None,
            repair: None,
            asked_after_silence: false,
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

    /// How long it waits after each try.
    pub(super) fn timeout(&self, command_id: u64) -> Option<Duration> {
        let outstanding = self.outstanding.get(&command_id);
        outstanding.map(|outstanding| outstanding.timeout)
    }

    pub(super) fn put_back(&mut self, command_id: u64, payload: HeldBytes) {
        if let Some(outstanding) = self.outstanding.get_mut(&command_id) {
            outstanding.payload = Some(payload);
        }
    }

    /// Those whose try was being queued when the engine was cut off.
    pub(super) fn cut_off(&self) -> Vec<u64> {
        let commands = self.outstanding.iter();
        let cut_off = commands.filter(|(_, outstanding)| outstanding.payload.is_none());
        cut_off.map(|(command_id, _)| *command_id).collect()
    }

    /// A try left by `write`, or was dropped on the way. What the command comes to
    /// by that, if it is over.
    pub(super) fn departed(
        &mut self,
        now: Instant,
        command_id: u64,
        result: Result<(), DropReason>,
    ) -> Option<Action> {
        let outstanding = self.outstanding.get_mut(&command_id)?;
        let repair = outstanding.repair.as_mut();
        let asked = repair.is_some_and(|repair| std::mem::replace(&mut repair.asking, false));
        let one_way =
            outstanding.head.payload_type == PayloadType::Udp && outstanding.replies_left == 0;
        outstanding.is_sent |= result.is_ok();
        match result {
            Ok(()) if one_way => Some(Action::Sent { command_id }),
            // A request for what is missing is made again after the time-out.
            Err(reason) if !asked && outstanding.tries > outstanding.retries => {
                Some(Action::Failed {
                    command_id,
                    failure: CommandFailure::Dropped(reason),
                })
            }
            _ => {
                outstanding.deadline = Some(now + outstanding.timeout);
                None
            }
        }
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

    /// The commands of which nothing was heard for their time-out.
    pub(super) fn overdue(&self, now: Instant) -> Vec<u64> {
        let overdue = |outstanding: &Outstanding| outstanding.deadline.is_some_and(|at| at <= now);
        let commands = self.outstanding.iter();
        let commands = commands.filter(|(_, outstanding)| overdue(outstanding));
        commands.map(|(command_id, _)| *command_id).collect()
    }

    /// Whether it was sent and has several replies: how many come is the service's affair, and
    /// another try would make it act once more.
    pub(super) fn has_replies(&self, command_id: u64) -> bool {
        let outstanding = self.outstanding.get(&command_id);
        outstanding.is_some_and(|outstanding| outstanding.replies_left > 0 && outstanding.is_sent)
    }

    /// Whether it may be sent once more.
    pub(super) fn may_try_again(&self, command_id: u64) -> bool {
        let outstanding = self.outstanding.get(&command_id);
        outstanding.is_some_and(|outstanding| outstanding.tries <= outstanding.retries)
    }

    /// Counts a try that sends nothing of the command itself; false when that is
    /// one too many.
    pub(super) fn count_try(&mut self, command_id: u64) -> bool {
        let may = self.may_try_again(command_id);
        if let Some(outstanding) = self.outstanding.get_mut(&command_id).filter(|_| may) {
            outstanding.tries += 1;
        }
        may
    }

    /// What it comes to when nothing more is tried.
    pub(super) fn timed_out(&self, command_id: u64) -> Option<CommandFailure> {
        let outstanding = self.outstanding.get(&command_id)?;
        Some(CommandFailure::TimedOut {
            tries: outstanding.tries,
            timeout: outstanding.timeout,
        })
    }

    // Answers that arrive.

    /// Whether a message with this head is an answer that can be repaired.
    pub(super) fn is_repairable(&self, head: &Head) -> bool {
        head.payload_type == PayloadType::GraphQl && self.is_answer(head)
    }

    pub(super) fn expects_answer(&self, command_id: u64) -> bool {
        let outstanding = self.outstanding.get(&command_id);
        outstanding.is_some_and(|asked| asked.head.payload_type == PayloadType::GraphQl)
    }

    /// Whether link control is about the answer to an open command.
    pub(super) fn is_asked(&self, answer_to: &AnswerTo) -> bool {
        let outstanding = self.outstanding.get(&answer_to.command_id);
        outstanding.is_some_and(|asked| {
            let head = asked.head;
            (head.payload_type, head.port) == (answer_to.payload_type, answer_to.port)
        })
    }

    /// The command that any answer must be to: the only one that waits for one.
    pub(super) fn only_waiting(&self) -> Option<u64> {
        let waits = |outstanding: &&Outstanding| {
            outstanding.head.payload_type == PayloadType::GraphQl && outstanding.tries > 0
        };
        let mut waiting = self.outstanding.values().filter(waits);
        let only = waiting.next().filter(|_| waiting.next().is_none())?;
        Some(only.head.command_id)
    }

    /// Something of a command's answer came: its time-out begins anew.
    pub(super) fn heard(&mut self, now: Instant, command_id: u64, answer_time_max: Duration) {
        let Some(outstanding) = self.outstanding.get_mut(&command_id) else {
            return;
        };
        let began = *outstanding.answer_began.get_or_insert(now);
        if let Some(deadline) = &mut outstanding.deadline {
            *deadline = (now + outstanding.timeout).min(began + answer_time_max);
        }
    }

    /// Whether a segment of its answer came.
    pub(super) fn answer_began(&self, command_id: u64) -> bool {
        let outstanding = self.outstanding.get(&command_id);
        outstanding.is_some_and(|outstanding| outstanding.answer_began.is_some())
    }

    /// What it comes to when its answer has taken too long to arrive.
    pub(super) fn is_over(
        &self,
        now: Instant,
        command_id: u64,
        answer_time_max: Duration,
    ) -> Option<CommandFailure> {
        let began = self.outstanding.get(&command_id)?.answer_began?;
        let over = began + answer_time_max <= now;
        over.then_some(CommandFailure::AnswerTooSlow(answer_time_max))
    }

    /// What arrived of the answer to an open command; nothing yet, if need be.
    pub(super) fn repair(&mut self, command_id: u64, budget: &ByteBudget) -> Option<&mut Repair> {
        let outstanding = self.outstanding.get_mut(&command_id)?;
        Some(
            outstanding
                .repair
                .get_or_insert_with(|| Repair::new(budget)),
        )
    }

    pub(super) fn repair_with_head(&mut self, command_id: u64) -> Option<(Head, &mut Repair)> {
        let outstanding = self.outstanding.get_mut(&command_id)?;
        Some((outstanding.head, outstanding.repair.as_mut()?))
    }

    /// Whether it is after the first silence: asking then is no try. Of what is dropped
    /// whenever it comes, each further asking is one.
    pub(super) fn asks_for_the_first_time(&mut self, command_id: u64) -> bool {
        let outstanding = self.outstanding.get_mut(&command_id);
        outstanding.is_some_and(|asked| !std::mem::replace(&mut asked.asked_after_silence, true))
    }

    pub(super) fn has_repair(&self, command_id: u64) -> bool {
        let outstanding = self.outstanding.get(&command_id);
        outstanding.is_some_and(|outstanding| outstanding.repair.is_some())
    }

    pub(super) fn take_repair(&mut self, command_id: u64) -> Option<Repair> {
        self.outstanding.get_mut(&command_id)?.repair.take()
    }

    /// A request for it waits for the radio: no time-out meanwhile.
    pub(super) fn suspend(&mut self, command_id: u64) {
        if let Some(outstanding) = self.outstanding.get_mut(&command_id) {
            outstanding.deadline = None;
        }
    }

    /// The request did not find room: its time-out begins.
    pub(super) fn resume(&mut self, now: Instant, command_id: u64) {
        if let Some(outstanding) = self.outstanding.get_mut(&command_id) {
            outstanding.deadline = Some(now + outstanding.timeout);
            outstanding
                .repair
                .iter_mut()
                .for_each(|repair| repair.asking = false);
        }
    }

    /// Packets of answers that arrived in part.
    pub(super) fn packets_held(&self) -> u64 {
        let repairs = self
            .outstanding
            .values()
            .filter_map(|one| one.repair.as_ref());
        repairs.map(|repair| repair.packets).sum()
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.outstanding
            .values()
            .filter_map(|outstanding| outstanding.deadline)
            .min()
    }
}
