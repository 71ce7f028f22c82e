//! How many more passes a file needs.
//!
//! A pass is the time from when the satellite is heard until it is not heard any more
//! (`contact-hold-ms`), as one process saw it that held the link through it. What it
//! moved is what all files together got further, either way. Passes that moved nothing
//! say nothing, and are not counted.
//!
//! Where it is known when the next passes are, and how long, those are counted; else all are
//! alike.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Passes that are remembered.
const PASSES_MAX: usize = 8;

/// What the last passes moved, in octets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Passes {
    octets: VecDeque<u64>,
}

impl Passes {
    /// One is over.
    pub(crate) fn add(&mut self, octets: u64) {
        if octets > 0 {
            self.octets.push_back(octets);
        }
        while self.octets.len() > PASSES_MAX {
            self.octets.pop_front();
        }
    }

    /// Octets of a usual one; none before one was seen.
    pub(crate) fn octets_per_pass(&self) -> Option<u64> {
        let count = u64::try_from(self.octets.len()).ok()?;
        let sum = self
            .octets
            .iter()
            .fold(0_u64, |sum, octets| sum.saturating_add(*octets));
        sum.checked_div(count)
    }
}

/// So many passes take `octets_left`, this one included, and one where only the last word is
/// left; none where it is not known what a pass moves.
pub(crate) fn passes_left(octets_left: u64, octets_per_pass: Option<u64>) -> Option<u64> {
    match octets_per_pass {
        None | Some(0) => None,
        Some(octets) => Some(octets_left.div_ceil(octets).max(1)),
    }
}

/// What a pass moves, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Capacity {
    /// So many octets, however long it is: as was seen.
    PerPass(u64),
    /// Octets a second, finite and not negative.
    PerSecond(f64),
}

impl Capacity {
    /// Octets of a pass of this length.
    pub(crate) fn octets_in(self, length: Duration) -> u64 {
        match self {
            Capacity::PerPass(octets) => octets,
            Capacity::PerSecond(rate) => (rate * length.as_secs_f64()) as u64,
        }
    }
}

/// How many of the passes that are to come take `octets_left`; at least one, where only the last
/// word is left. None where they are not enough.
pub(crate) fn passes_of(
    octets_left: u64,
    lengths: impl IntoIterator<Item = Duration>,
    capacity: Capacity,
) -> Option<usize> {
    let mut left = octets_left;
    let mut passes = lengths.into_iter().zip(1..);
    let last = passes.find(|(length, _)| {
        let octets = capacity.octets_in(*length);
        let fits = octets >= left && octets > 0;
        left = left.saturating_sub(octets);
        fits
    });
    last.map(|(_, number)| number)
}

/// What a pass is seen to move, while it lasts.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    moved: Option<u64>,
}

impl Pass {
    /// Whether the satellite is heard, and octets that moved since the last look. Gives what
    /// the pass moved that is over by this.
    pub(crate) fn look(&mut self, is_heard: bool, octets: u64) -> Option<u64> {
        match (is_heard, self.moved) {
            (true, moved) => {
                self.moved = Some(moved.unwrap_or(0).saturating_add(octets));
                None
            }
            (false, Some(moved)) => {
                self.moved = None;
                Some(moved.saturating_add(octets))
            }
            (false, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_takes_whole_passes() {
        assert_eq!(passes_left(1, Some(100)), Some(1));
        assert_eq!(passes_left(100, Some(100)), Some(1));
        assert_eq!(passes_left(101, Some(100)), Some(2));
        assert_eq!(passes_left(0, Some(100)), Some(1));
    }

    #[test]
    fn passes_that_are_known_are_counted_by_their_lengths() {
        let lengths = [10, 100, 0, 50, 50].map(Duration::from_secs);
        let passes = |octets| passes_of(octets, lengths, Capacity::PerSecond(10.0));
        let counted = [0, 100, 101, 1100, 1101, 1601, 2101].map(passes);
        let expected = [Some(1), Some(1), Some(2), Some(2), Some(4), Some(5), None];
        assert_eq!(counted, expected);
        let alike = passes_of(250, lengths, Capacity::PerPass(100));
        assert_eq!(alike, Some(3));
        assert_eq!(passes_of(1, lengths, Capacity::PerSecond(0.0)), None);
    }

    #[test]
    fn without_a_pass_it_is_not_known() {
        assert_eq!(passes_left(1, None), None);
        assert_eq!(passes_left(1, Some(0)), None);
        assert_eq!(Passes::default().octets_per_pass(), None);
    }

    #[test]
    fn a_usual_pass_is_the_mean_of_the_last_that_moved_something() {
        let mut passes = Passes::default();
        for octets in [1_000_000, 0, 100, 300, 200, 200, 200, 200, 200, 200] {
            passes.add(octets);
        }
        assert_eq!(passes.octets_per_pass(), Some(200));
    }

    #[test]
    fn a_pass_is_what_moved_from_aos_to_los() {
        let mut pass = Pass::default();
        assert_eq!(pass.look(false, 0), None);
        assert_eq!(pass.look(true, 0), None);
        assert_eq!(pass.look(true, 70), None);
        assert_eq!(pass.look(false, 5), Some(75));
        assert_eq!(pass.look(false, 0), None);
    }
}
