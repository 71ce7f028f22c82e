//! Answers over many frames arrive: on the ground, which asks for what it lacks.

use std::time::Instant;

use super::repair::Step;
use super::transmit::Origin;
use super::{Action, CommandFailure, Link};
use crate::accounting::DropReason;
use crate::link_control::{
    AnswerNotKept, AnswerTo, LinkControl, NotKept, OctetRange, RepairedSegment, SegmentRequest,
};
use crate::message::{Class, Head, PayloadType};
use crate::packet::{AnswerLayout, Segment};
use crate::reassembly::{Dropped, Outcome, Part, Wanted};
use crate::security::Security;

/// Octets of a segment request before its ranges.
const REQUEST_BYTES: usize = 1 + AnswerTo::BYTES;

impl Link {
    /// How answers that arrived in part lie in their packets; none where they are
    /// not kept.
    pub(super) fn kept_layout(&self) -> Option<AnswerLayout> {
        let layout = self.format.answer_layout();
        let reads = self.security.as_ref().is_none_or(Security::reads_parts);
        // In smaller packets, what names a piece is longer than the piece: the whole
        // answer once more costs less.
        let pays = self.format.control_bytes_max() >= 2 * RepairedSegment::HEADER_BYTES;
        layout.filter(|_| self.config.keeps_answers_in_part && reads && pays)
    }

    /// One more packet that may belong to an answer.
    pub(super) fn accept_segment(
        &mut self,
        now: Instant,
        segment: Segment,
        octets: &[u8],
    ) -> Outcome {
        let repairs = self.kept_layout().is_some();
        let commands = &self.commands;
        let answers_come_by_it = [Class::Standard, Class::Bulk].iter().any(|class| {
            let head = Head {
                payload_type: PayloadType::GraphQl,
                class: *class,
                security: None,
                command_id: 0,
                port: 0,
            };
            self.format.channel_of(&head) == segment.channel
        });
        let wanted = Wanted {
            is_answer: &|head| repairs && commands.is_repairable(head),
            without_first: repairs && answers_come_by_it && commands.only_waiting().is_some(),
        };
        let outcome = self.reassembly.accept(now, segment, octets, &wanted);
        if let Some(head) = outcome.belongs_to {
            let id = match head {
                Some(head) => Some(head.command_id).filter(|_| commands.is_repairable(&head)),
                None => commands.only_waiting(),
            };
            if let Some(id) = id {
                self.commands.heard(now, id, self.config.answer_time_max);
            }
        }
        outcome
    }

    /// No more segments come of an answer that arrived in part.
    pub(super) fn handle_part(&mut self, now: Instant, part: Part) {
        if let Some(command_id) = self.keep_part(part) {
            self.ask_for_missing(now, command_id);
        }
    }

    /// Keeps what arrived of an answer; gives whose answer it is.
    fn keep_part(&mut self, part: Part) -> Option<u64> {
        let packets = part.packets;
        let dropped = |reason| Dropped {
            reason,
            packets,
            head: None,
        };
        let waiting = match part.head {
            Some(head) => Some(head.command_id).filter(|_| self.commands.is_repairable(&head)),
            None => self.commands.only_waiting(),
        };
        let (Some(command_id), Some(layout)) = (waiting, self.kept_layout()) else {
            self.drop_packets(dropped(match part.head {
                Some(_) => DropReason::SequenceGap,
                None => DropReason::NoFirstSegment,
            }));
            return None;
        };
        let bytes_max = self.config.message_bytes_max + layout.trailer_bytes;
        let repair = self.commands.repair(command_id, &self.budget)?;
        if let Err(reason) = repair.add_part(&layout, part, bytes_max) {
            self.give_up_repair(command_id, reason);
        }
        Some(command_id)
    }

    /// What was kept of an answer is dropped.
    fn give_up_repair(&mut self, command_id: u64, reason: DropReason) {
        let packets = self
            .commands
            .take_repair(command_id)
            .map(|repair| repair.packets);
        if let Some(packets) = packets.filter(|packets| *packets > 0) {
            self.drop_packets(Dropped {
                reason,
                packets,
                head: None,
            });
        }
    }

    /// A command is over, or begins anew: what was kept of its answer is dropped.
    pub(super) fn end_repair(&mut self, command_id: u64) {
        self.give_up_repair(command_id, DropReason::SequenceGap);
    }

    fn ask_for_missing(&mut self, now: Instant, command_id: u64) {
        let layout = self.kept_layout();
        let room = self
            .format
            .control_bytes_max()
            .saturating_sub(REQUEST_BYTES);
        let ranges_max = room / OctetRange::BYTES;
        let Some((asked, repair)) = self.commands.repair_with_head(command_id) else {
            return;
        };
        if repair.asking {
            return;
        }
        if ranges_max == 0 {
            return self.commands.resume(now, command_id);
        }
        repair.progressed = false;
        repair.asking = true;
        let request = LinkControl::SegmentRequest(SegmentRequest {
            answer_to: AnswerTo {
                payload_type: asked.payload_type,
                command_id,
                port: asked.port,
            },
            ranges: repair.missing(layout.as_ref(), ranges_max),
        });
        let head = Head::link_control(None);
        self.commands.suspend(command_id);
        let origin = Origin::Command(command_id);
        let queued = self.enqueue_copy(0, head, &request.encode(), origin);
        if queued.is_err() {
            // It is made again after the time-out.
            self.commands.resume(now, command_id);
        }
    }

    pub(super) fn handle_repaired_segment(
        &mut self,
        now: Instant,
        segment: &RepairedSegment,
    ) -> Result<(), DropReason> {
        let answer_to = segment.answer_to;
        let command_id = answer_to.command_id;
        if !self.commands.is_asked(&answer_to) {
            return Err(DropReason::NotAsked);
        }
        self.commands
            .heard(now, command_id, self.config.answer_time_max);
        let layout = self.format.answer_layout();
        let bytes_max = self.config.message_bytes_max;
        let Some(repair) = self.commands.repair(command_id, &self.budget) else {
            return Err(DropReason::NotAsked);
        };
        match repair.add_segment(layout.as_ref(), segment, bytes_max) {
            Ok(Step::More) => {}
            Ok(Step::AskAgain) => self.ask_for_missing(now, command_id),
            Ok(Step::Whole(payload)) => {
                self.counted.packets_in.deliver(repair.packets);
                repair.packets = 0;
                self.commands.remove(command_id);
                self.withdraw(command_id);
                self.counted.messages_in.offer();
                self.counted.messages_in.deliver(1);
                self.actions.push_back(Action::Answered {
                    command_id,
                    payload,
                });
            }
            Ok(Step::Mismatch) => {
                let first_time = repair.begin_anew();
                self.note(format!(
                    "the pieces of the answer to command {command_id} do not fit together"
                ));
                match first_time {
                    true => self.ask_for_missing(now, command_id),
                    // As often as a command may be sent: it might never fit.
                    false => {
                        self.end_repair(command_id);
                        self.try_again(now, command_id);
                    }
                }
            }
            Err(reason) => {
                self.give_up_repair(command_id, reason);
                if reason == DropReason::TooLarge {
                    // However often it is asked for, it has no room here.
                    self.fail_command(command_id, CommandFailure::Dropped(reason));
                }
                return Err(reason);
            }
        }
        Ok(())
    }

    pub(super) fn handle_answer_not_kept(
        &mut self,
        now: Instant,
        not_kept: AnswerNotKept,
    ) -> Result<(), DropReason> {
        let command_id = not_kept.answer_to.command_id;
        if !self.commands.is_asked(&not_kept.answer_to) {
            return Err(DropReason::NotAsked);
        }
        if not_kept.reason == NotKept::Running {
            self.commands
                .heard(now, command_id, self.config.answer_time_max);
        } else if self.commands.has_repair(command_id) {
            self.end_repair(command_id);
            self.try_again(now, command_id);
        }
        Ok(())
    }

    /// Nothing was heard of a command for its time-out.
    pub(super) fn handle_silence(&mut self, now: Instant, command_id: u64) {
        if self.commands.has_replies(command_id) {
            self.commands.remove(command_id);
            self.actions.push_back(Action::Sent { command_id });
            return;
        }
        let over = self
            .commands
            .is_over(now, command_id, self.config.answer_time_max);
        if let Some(failure) = over {
            return self.fail_command(command_id, failure);
        }
        if self.kept_layout().is_some() && self.commands.expects_answer(command_id) {
            let only = self.commands.only_waiting() == Some(command_id);
            if let Some(part) = self.reassembly.take_part(command_id, only) {
                self.keep_part(part);
            }
        }
        // Where parts are not kept, what is sent again adds up all the same.
        if self.commands.answer_began(command_id) && self.format.control_bytes_max() > 0 {
            let first_time = self.commands.asks_for_the_first_time(command_id);
            if let Some(repair) = self.commands.repair(command_id, &self.budget) {
                repair.progressed |= first_time && repair.is_new();
            }
        }
        if !self.commands.has_repair(command_id) {
            return self.try_again(now, command_id);
        }
        let progressed = self
            .commands
            .repair_with_head(command_id)
            .is_some_and(|(_, repair)| repair.progressed);
        match progressed || self.commands.count_try(command_id) {
            true => self.ask_for_missing(now, command_id),
            false => self.give_up(command_id),
        }
    }

    /// Sends the command itself once more, as often as it may be.
    fn try_again(&mut self, now: Instant, command_id: u64) {
        match self.commands.may_try_again(command_id) {
            true => {
                self.jump_ahead(now, command_id);
                self.send_command(command_id);
            }
            false => self.give_up(command_id),
        }
    }

    fn give_up(&mut self, command_id: u64) {
        if let Some(failure) = self.commands.timed_out(command_id) {
            self.fail_command(command_id, failure);
        }
    }

    pub(super) fn fail_command(&mut self, command_id: u64, failure: CommandFailure) {
        self.end_repair(command_id);
        self.commands.remove(command_id);
        // A request that still waits for the radio is of no use.
        self.withdraw(command_id);
        self.actions.push_back(Action::Failed {
            command_id,
            failure,
        });
    }
}
