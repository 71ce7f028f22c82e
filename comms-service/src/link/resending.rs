//! What the ground asked for again of answers, on the satellite: sent from the command
//! memory, segment by segment as the radio takes them. So a repair fills no queue, and
//! never needs more room than there is.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Link;
use super::memory::{CommandKey, Kept, PayloadHash, hash_of};
use super::sending::Manner;
use super::transmit::{Origin, QueueClass};
use crate::budget::HeldBytes;
use crate::link_control::{
    AnswerNotKept, AnswerTo, LinkControl, NotKept, OctetRange, RepairedSegment, SegmentRequest,
};
use crate::message::{Head, Message};

/// Answers of which something is sent again at once. The oldest gives way: the ground
/// asks for it once more.
const RESENDINGS_MAX: usize = 64;
/// Segments of them that wait for the radio.
const SEGMENTS_WAITING_MAX: usize = 2;

/// An answer of which something is to be sent again.
#[derive(Debug)]
pub(super) struct Resending {
    /// Of the request.
    head: Head,
    key: CommandKey,
    answer_to: AnswerTo,
    hash: PayloadHash,
    /// Not sent yet, within the answer; none of them empty.
    ranges: VecDeque<OctetRange>,
}

impl Link {
    pub(super) fn handle_segment_request(&mut self, head: &Head, request: &SegmentRequest) {
        let answer_to = request.answer_to;
        if let Some(key) = CommandKey::of_answer(head, &answer_to) {
            match self.kept_answer(&key) {
                Ok(answer) => self.resend(Resending {
                    head: *head,
                    key,
                    answer_to,
                    hash: hash_of(&answer),
                    ranges: ranges_within(request, answer.len()),
                }),
                Err(reason) => self.tell_not_kept(head, answer_to, reason),
            }
        }
        self.feed_resendings();
    }

    /// The answer to a command, if any of it may be sent again.
    fn kept_answer(&self, key: &CommandKey) -> Result<Arc<[u8]>, NotKept> {
        let memory = self.memory.as_ref().ok_or(NotKept::Unknown)?;
        let stored = match memory.answer(&self.budget, key) {
            Kept::Answer(stored) if self.segment_bytes_max() > 0 => self.budget.stored(stored),
            Kept::Answer(_) | Kept::Evicted => None,
            Kept::Running => return Err(NotKept::Running),
            Kept::Unknown => return Err(NotKept::Unknown),
        };
        // In the stead of a larger one an error document went down.
        let fits = |answer: &Arc<[u8]>| answer.len() <= self.config.message_bytes_max;
        stored.filter(fits).ok_or(NotKept::Evicted)
    }

    fn tell_not_kept(&mut self, head: &Head, answer_to: AnswerTo, reason: NotKept) {
        let not_kept = AnswerNotKept { answer_to, reason };
        self.answer_with_control(head, &LinkControl::AnswerNotKept(not_kept));
    }

    /// Octets of an answer in one repaired segment.
    fn segment_bytes_max(&self) -> usize {
        let bytes_max = self.format.control_bytes_max();
        bytes_max.saturating_sub(RepairedSegment::HEADER_BYTES)
    }

    /// Of one that is under way, what is not sent yet goes on: if the ground lacks
    /// something else by then, it asks for that then.
    fn resend(&mut self, resending: Resending) {
        if self.resendings.iter().any(|one| one.key == resending.key)
            || self.segments_waiting(Some(&resending)) > 0
        {
            return;
        }
        if self.resendings.len() >= RESENDINGS_MAX {
            self.resendings.pop_front();
        }
        self.resendings.push_back(resending);
    }

    /// Repaired segments that wait for the radio; of one answer, or of all.
    fn segments_waiting(&self, of: Option<&Resending>) -> usize {
        let of = of.map(|one| (one.answer_to, one.key));
        let meant = |origin: Origin, head: &Head, payload: &[u8]| {
            origin == Origin::Resent
                && of.is_none_or(|(answer_to, key)| {
                    CommandKey::of_answer(head, &answer_to) == Some(key)
                        && matches!(
                            LinkControl::decode(payload),
                            Ok(LinkControl::RepairedSegment(one)) if one.answer_to == answer_to
                        )
                })
        };
        let queue = self.transmit.first().into_iter();
        let waiting = queue.flat_map(|queue| queue.waiting());
        waiting
            .filter(|one| meant(one.origin, &one.message.head, &one.message.payload))
            .count()
    }

    /// Queues the next segments, as far as there is room for them; the answers take
    /// turns.
    pub(super) fn feed_resendings(&mut self) {
        while !self.resendings.is_empty() && self.segments_waiting(None) < SEGMENTS_WAITING_MAX {
            let Some(mut next) = self.resendings.pop_front() else {
                return;
            };
            let answer = match self.kept_answer(&next.key) {
                Ok(answer) => answer,
                Err(reason) => {
                    self.tell_not_kept(&next.head, next.answer_to, reason);
                    continue;
                }
            };
            if !self.queue_segment(&mut next, &answer) {
                self.resendings.push_front(next);
                return;
            }
            if !next.ranges.is_empty() {
                self.resendings.push_back(next);
            }
        }
    }

    /// Queues the next segment of an answer; false where there is no room for it now.
    fn queue_segment(&mut self, resending: &mut Resending, answer: &[u8]) -> bool {
        let bytes_max = self.segment_bytes_max();
        let Some(range) = resending.ranges.front_mut() else {
            return true;
        };
        let start = range.offset as usize;
        let bytes = bytes_max.min(range.bytes as usize);
        let control = LinkControl::RepairedSegment(RepairedSegment {
            answer_to: resending.answer_to,
            total_bytes: u32::try_from(answer.len()).unwrap_or(u32::MAX),
            hash: resending.hash,
            offset: range.offset,
            octets: answer.get(start..start + bytes).unwrap_or_default(),
        });
        let octets = control.encode();
        // What is sent again holds up nothing.
        let class = QueueClass::Bulk;
        let origin = Origin::Resent;
        let queue = self.transmit.first();
        if !queue.is_some_and(|queue| queue.has_room(class, origin, octets.len())) {
            return false;
        }
        let Ok(payload) = HeldBytes::copy_of(&self.budget, &octets) else {
            return false;
        };
        range.offset += bytes as u32;
        range.bytes -= bytes as u32;
        if range.bytes == 0 {
            resending.ranges.pop_front();
        }
        let head = Head::link_control(resending.head.security);
        let manner = Manner {
            origin,
            class,
            expires: None,
        };
        // Counted there if it does not go: the ground asks again.
        let _ = self.enqueue_as(0, Message { head, payload }, manner);
        true
    }
}

/// What is asked for, as far as the answer has it; where it has nothing of that, what
/// there is is told by its first octet.
fn ranges_within(request: &SegmentRequest, answer_bytes: usize) -> VecDeque<OctetRange> {
    let total = u32::try_from(answer_bytes).unwrap_or(u32::MAX);
    let whole = [OctetRange {
        offset: 0,
        bytes: total,
    }];
    let asked = match request.ranges.is_empty() {
        true => &whole[..],
        false => &request.ranges,
    };
    let within = asked.iter().filter_map(|range| {
        let bytes = total.saturating_sub(range.offset).min(range.bytes);
        (bytes > 0).then_some(OctetRange { bytes, ..*range })
    });
    let mut ranges: VecDeque<OctetRange> = within.collect();
    if ranges.is_empty() {
        ranges.push_back(OctetRange {
            offset: 0,
            bytes: total.min(1),
        });
    }
    ranges
}
