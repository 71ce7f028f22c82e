//! An answer that is put together from what arrived of it and from what the
//! satellite sends again.
//!
//! Nothing of it is used before the hash of the whole, which comes with every
//! repaired segment, matches.

use std::collections::BTreeMap;

use super::memory::{PayloadHash, hash_of};
use crate::accounting::DropReason;
use crate::budget::{ByteBudget, HeldBytes};
use crate::link_control::{OctetRange, RANGES_MAX, RepairedSegment};
use crate::packet::AnswerLayout;
use crate::reassembly::Part;

/// Receptions in part that wait for the answer's size.
const PARTS_MAX: usize = 4;
/// Pieces of an answer that are apart from each other: some octets of memory each,
/// which the budget does not count.
const RANGES_HELD_MAX: usize = 16_384;
/// Octets asked for of an answer whose beginning is not known, to learn its size.
const FIRST_BYTES: usize = 128;

#[derive(Debug)]
pub(super) struct Repair {
    payload: HeldBytes,
    have: Ranges,
    /// Of the whole answer, from a repaired segment.
    known: Option<(usize, PayloadHash)>,
    /// Its size as the segments tell it.
    told_bytes: Option<usize>,
    /// Their place is not known yet.
    parts: Vec<Part>,
    /// Packets of the segments held.
    pub(super) packets: u64,
    /// Where the last range asked for ends.
    asked_until: Option<usize>,
    /// A request waits for the radio.
    pub(super) asking: bool,
    /// Something came since the last request.
    pub(super) progressed: bool,
    /// The pieces did not fit together once already.
    begun_anew: bool,
}

/// What became of an answer by a repaired segment.
#[derive(Debug)]
pub(super) enum Step {
    /// Something is missing, and may still come.
    More,
    /// Something is missing, and all that was asked for came.
    AskAgain,
    /// It is whole.
    Whole(HeldBytes),
    /// The pieces do not fit together.
    Mismatch,
}

impl Repair {
    pub(super) fn new(budget: &ByteBudget) -> Self {
        Repair {
            payload: HeldBytes::empty(budget),
            have: Ranges::default(),
            known: None,
            told_bytes: None,
            parts: Vec::new(),
            packets: 0,
            asked_until: None,
            asking: false,
            progressed: false,
            begun_anew: false,
        }
    }

    /// Whether nothing was done for it yet.
    pub(super) fn is_new(&self) -> bool {
        self.asked_until.is_none() && self.packets == 0
    }

    /// Adds what arrived of the answer itself.
    pub(super) fn add_part(
        &mut self,
        layout: &AnswerLayout,
        part: Part,
        bytes_max: usize,
    ) -> Result<(), DropReason> {
        self.packets += part.packets;
        self.progressed = true;
        let total = self.known.map(|(total, _)| total);
        self.told_bytes = self.told_bytes.or(part.total_bytes(layout));
        match part.placed(layout, total) {
            Some(placed) => {
                for (offset, octets) in placed {
                    self.write(offset, octets, bytes_max)?;
                }
            }
            None if self.parts.len() < PARTS_MAX && total.is_none() => self.parts.push(part),
            None => {}
        }
        Ok(())
    }

    /// Adds what the satellite sent again.
    pub(super) fn add_segment(
        &mut self,
        layout: Option<&AnswerLayout>,
        segment: &RepairedSegment,
        bytes_max: usize,
    ) -> Result<Step, DropReason> {
        let total = usize::try_from(segment.total_bytes).unwrap_or(usize::MAX);
        if total > bytes_max {
            return Err(DropReason::TooLarge);
        }
        if self
            .known
            .is_some_and(|known| known != (total, segment.hash))
        {
            // Another answer than the one that was repaired until now.
            self.discard();
        }
        self.progressed = true;
        if self.known.is_none() {
            self.known = Some((total, segment.hash));
            let parts = std::mem::take(&mut self.parts);
            for part in parts {
                let placed = layout.and_then(|layout| part.placed(layout, Some(total)));
                for (offset, octets) in placed.unwrap_or_default() {
                    self.write(offset, octets, bytes_max)?;
                }
            }
            self.have.cut(total);
            self.payload.truncate(total);
        }
        let offset = usize::try_from(segment.offset).unwrap_or(usize::MAX);
        // What the satellite sends now is more to be trusted than what was placed.
        self.have.remove(offset, offset + segment.octets.len());
        self.write(offset, segment.octets, bytes_max)?;
        if self.have.is_whole(total) {
            if hash_of(&self.payload) != segment.hash {
                return Ok(Step::Mismatch);
            }
            let empty = HeldBytes::empty(self.payload.budget());
            return Ok(Step::Whole(std::mem::replace(&mut self.payload, empty)));
        }
        let end = offset + segment.octets.len();
        let all_came = self
            .asked_until
            .is_some_and(|until| end >= until.min(total));
        Ok(match all_came && !self.asking {
            true => Step::AskAgain,
            false => Step::More,
        })
    }

    /// All pieces are given up; false when that happened before.
    pub(super) fn begin_anew(&mut self) -> bool {
        self.discard();
        self.progressed = true;
        !std::mem::replace(&mut self.begun_anew, true)
    }

    fn discard(&mut self) {
        self.payload = HeldBytes::empty(self.payload.budget());
        self.have = Ranges::default();
        self.known = None;
        self.told_bytes = None;
        self.parts.clear();
        self.asked_until = None;
    }

    /// Which octets to ask for, at most so many ranges.
    pub(super) fn missing(
        &mut self,
        layout: Option<&AnswerLayout>,
        ranges_max: usize,
    ) -> Vec<OctetRange> {
        let total = self.known.map(|(total, _)| total).or(self.told_bytes);
        let mut missing = match total {
            Some(total) => self.have.missing(total),
            // The rest of an answer of unknown size; of one whose beginning is not
            // known, so much that its size is told.
            None => match self.have.end() {
                0 if !self.parts.is_empty() => {
                    let first =
                        |layout| self.parts.iter().find_map(|part| part.first_bytes(layout));
                    let first = layout.and_then(first);
                    vec![(0, first.unwrap_or(FIRST_BYTES))]
                }
                0 => Vec::new(),
                end => {
                    let mut missing = self.have.missing(end);
                    missing.push((end, usize::MAX));
                    missing
                }
            },
        };
        if missing.is_empty() && total.is_some() {
            // All is there but the hash.
            missing.push((0, 1));
        }
        missing.truncate(ranges_max.min(RANGES_MAX));
        self.asked_until = missing.last().map(|(_, end)| *end).or(Some(usize::MAX));
        let range = |(start, end): &(usize, usize)| {
            let offset = u32::try_from(*start).unwrap_or(u32::MAX);
            let end = u32::try_from(*end).unwrap_or(u32::MAX);
            let bytes = end - offset.min(end);
            OctetRange { offset, bytes }
        };
        missing.iter().map(range).collect()
    }

    fn write(&mut self, offset: usize, octets: &[u8], bytes_max: usize) -> Result<(), DropReason> {
        let limit = self.known.map_or(bytes_max, |(total, _)| total);
        let room = limit.saturating_sub(offset);
        let octets = octets.get(..octets.len().min(room)).unwrap_or_default();
        let end = offset + octets.len();
        if octets.is_empty() || self.have.covers(offset, end) {
            return Ok(());
        }
        if self.have.0.len() >= RANGES_HELD_MAX {
            return Err(DropReason::MemorySpent);
        }
        self.payload
            .write_at(offset, octets)
            .map_err(|_| DropReason::MemorySpent)?;
        self.have.insert(offset, end);
        Ok(())
    }
}

/// Ranges of octets, apart from each other: start → end.
#[derive(Debug, Default)]
struct Ranges(BTreeMap<usize, usize>);

impl Ranges {
    fn insert(&mut self, mut start: usize, mut end: usize) {
        if start >= end {
            return;
        }
        // The last one that begins not later, as long as it touches.
        while let Some((&from, &to)) = self.0.range(..=end).next_back()
            && to >= start
        {
            self.0.remove(&from);
            (start, end) = (start.min(from), end.max(to));
        }
        self.0.insert(start, end);
    }

    fn remove(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        while let Some((&from, &to)) = self.0.range(..end).next_back()
            && to > start
        {
            self.0.remove(&from);
            if to > end {
                self.0.insert(end.max(from), to);
            }
            if from < start {
                self.0.insert(from, start);
            }
        }
    }

    fn cut(&mut self, end: usize) {
        self.remove(end, usize::MAX);
    }

    fn covers(&self, start: usize, end: usize) -> bool {
        let before = self.0.range(..=start).next_back();
        before.is_some_and(|(_, to)| *to >= end)
    }

    fn is_whole(&self, end: usize) -> bool {
        end == 0 || self.covers(0, end)
    }

    /// Where the last one ends.
    fn end(&self) -> usize {
        self.0.last_key_value().map_or(0, |(_, end)| *end)
    }

    /// What is not there before `end`.
    fn missing(&self, end: usize) -> Vec<(usize, usize)> {
        let mut missing = Vec::new();
        let mut at = 0;
        for (from, to) in &self.0 {
            if at < *from && at < end {
                missing.push((at, (*from).min(end)));
            }
            at = *to;
        }
        if at < end {
            missing.push((at, end));
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Change {
        Insert(usize, usize),
        Remove(usize, usize),
    }

    fn change() -> impl Strategy<Value = Change> {
        (any::<bool>(), 0..60_usize, 0..12_usize).prop_map(|(insert, start, bytes)| match insert {
            true => Change::Insert(start, start + bytes),
            false => Change::Remove(start, start + bytes),
        })
    }

    proptest! {
        #[test]
        fn ranges_hold_what_was_put_in_and_not_taken_out(
            changes in prop::collection::vec(change(), 0..40),
        ) {
            let mut ranges = Ranges::default();
            let mut octets = [false; 80];
            for change in changes {
                let (start, end, held) = match change {
                    Change::Insert(start, end) => (start, end, true),
                    Change::Remove(start, end) => (start, end, false),
                };
                octets[start..end].fill(held);
                match held {
                    true => ranges.insert(start, end),
                    false => ranges.remove(start, end),
                }
                let mut found = [false; 80];
                let mut ended = None;
                for (from, to) in &ranges.0 {
                    prop_assert!(from < to && ended.is_none_or(|ended| ended < *from));
                    found[*from..*to].fill(true);
                    ended = Some(*to);
                }
                prop_assert_eq!(found, octets);
            }
        }
    }
}
