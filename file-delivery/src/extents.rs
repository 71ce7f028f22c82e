//! Which octets of a file are there: a set of ranges.

use std::iter;
use std::ops::Range;

/// Most ranges unless told otherwise. A range takes 16 octets of memory.
pub const RANGES_MAX_DEFAULT: usize = 4096;

/// Why octets are not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtentsError {
    /// They would be one range too many; the set is as it was. What is missing between
    /// the ranges has to come first.
    #[error("octets {start} to {end} would be range {} of {ranges_max} at most", ranges_max + 1)]
    TooManyRanges {
        /// Offset of the first octet.
        start: u64,
        /// Offset after the last octet.
        end: u64,
        /// Most ranges of the set.
        ranges_max: usize,
    },
}

/// What became of octets that were taken in. Both together are all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// Octets that were not there before.
    pub new_octets: u64,
    /// Octets that were.
    pub duplicate_octets: u64,
}

/// The octets of a file that are there, as ranges of offsets.
///
/// Ranges are kept as few as there can be: in order, none empty, none touching another.
/// There are never more than a number of them, whatever order octets come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extents {
    ranges: Vec<Range<u64>>,
    ranges_max: usize,
    octets: u64,
}

impl Default for Extents {
    fn default() -> Self {
        Extents::new(RANGES_MAX_DEFAULT)
    }
}

impl Extents {
    /// None, and never more than `ranges_max` ranges (at least 1).
    pub fn new(ranges_max: usize) -> Self {
        Extents {
            ranges: Vec::new(),
            ranges_max: ranges_max.max(1),
            octets: 0,
        }
    }

    /// Takes in the octets of `range`. One that is empty, or ends before it starts, has
    /// none.
    ///
    /// # Errors
    /// [`ExtentsError::TooManyRanges`] where it touches no range and there are as many as
    /// may be; nothing was taken in.
    pub fn insert(&mut self, range: Range<u64>) -> Result<Inserted, ExtentsError> {
        if range.is_empty() {
            return Ok(Inserted::default());
        }
        let touched = self.touched_by(&range);
        let merged = self.ranges.get(touched.clone()).unwrap_or_default();
        if merged.is_empty() && self.ranges.len() >= self.ranges_max {
            return Err(ExtentsError::TooManyRanges {
                start: range.start,
                end: range.end,
                ranges_max: self.ranges_max,
            });
        }
        let duplicate_octets = merged
            .iter()
            .map(|there| octets(&common(there, &range)))
            .sum();
        let new_octets = octets(&range) - duplicate_octets;
        let whole = Range {
            start: merged
                .first()
                .map_or(range.start, |first| first.start.min(range.start)),
            end: merged
                .last()
                .map_or(range.end, |last| last.end.max(range.end)),
        };
        match (self.ranges.get_mut(touched.start), touched.len()) {
            (Some(only), 1) => *only = whole,
            _ => drop(self.ranges.splice(touched, [whole])),
        }
        self.octets += new_octets;
        Ok(Inserted {
            new_octets,
            duplicate_octets,
        })
    }

    /// What is not there within a part of the file, in order.
    pub fn holes(&self, within: Range<u64>) -> impl Iterator<Item = Range<u64>> + Clone + '_ {
        let after = self
            .ranges
            .partition_point(|there| there.end <= within.start);
        let ranges = self.ranges.get(after..).unwrap_or_default();
        let ranges = ranges
            .iter()
            .take_while(move |there| there.start < within.end);
        // Each range ends a hole, and so does the end.
        let ends = ranges.cloned().chain(iter::once(within.end..within.end));
        let mut hole_start = within.start;
        ends.filter_map(move |there| {
            let hole = hole_start..there.start;
            hole_start = there.end;
            (!hole.is_empty()).then_some(hole)
        })
    }

    /// Whether every octet of a part of the file is there.
    pub fn contains(&self, part: Range<u64>) -> bool {
        self.holes(part).next().is_none()
    }

    /// Octets that are there from the start of the file on, before the first hole.
    pub fn contiguous_prefix(&self) -> u64 {
        let first = self.ranges.first();
        first
            .filter(|range| range.start == 0)
            .map_or(0, |range| range.end)
    }

    /// Offset after the last octet that is there; 0 where none is.
    pub fn end(&self) -> u64 {
        self.ranges.last().map_or(0, |range| range.end)
    }

    /// Takes out the first octets, at most `octets_max`, which are one range.
    pub fn take_first(&mut self, octets_max: u64) -> Option<Range<u64>> {
        let first = self.ranges.first_mut()?;
        let end = first.end.min(first.start.saturating_add(octets_max));
        let taken = first.start..end;
        first.start = end;
        if first.is_empty() {
            self.ranges.remove(0);
        }
        self.octets -= octets(&taken);
        (!taken.is_empty()).then_some(taken)
    }

    /// Octets that are there.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// The ranges that are there: in order, none empty, none touching another.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = Range<u64>> + Clone + '_ {
        self.ranges.iter().cloned()
    }

    /// Most ranges that there may be.
    pub fn ranges_max(&self) -> usize {
        self.ranges_max
    }

    /// Whether no octet is there.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Indices of the ranges that `range` overlaps or touches; where there are none, of
    /// where it goes.
    fn touched_by(&self, range: &Range<u64>) -> Range<usize> {
        let before = self.ranges.partition_point(|there| there.end < range.start);
        let rest = self.ranges.get(before..).unwrap_or_default();
        let touched = rest.partition_point(|there| there.start <= range.end);
        before..before + touched
    }
}

fn common(a: &Range<u64>, b: &Range<u64>) -> Range<u64> {
    a.start.max(b.start)..a.end.min(b.end)
}

fn octets(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}
