//! Which numbers were seen: a window of 4096 behind the highest, per association
//! (as RFC 4303 §3.4.3).

/// Numbers that the window remembers one by one.
pub const WINDOW_MESSAGES: u64 = 4096;

const WORD_BITS: u64 = u64::BITS as u64;
const WORDS: usize = (WINDOW_MESSAGES / WORD_BITS) as usize;

/// What to think of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Not seen before.
    Fresh,
    /// Seen before.
    Before,
    /// Too far behind the highest, or below what is known since the last start.
    TooOld,
}

/// The numbers of one association that a receiver accepted.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// One more than the highest number accepted; numbers below `floor` are refused
    /// whatever the bits say.
    next: u64,
    floor: u64,
    /// Bit `n % 4096` stands for number `n` of the window.
    seen: [u64; WORDS],
}

impl Window {
    /// After a start: every number below `floor` counts as seen.
    pub(crate) fn new(floor: u64) -> Self {
        Window {
            next: floor,
            floor,
            seen: [0; WORDS],
        }
    }

    /// One more than the highest number accepted.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    pub(crate) fn look(&self, number: u64) -> Seen {
        if number == u64::MAX {
            // It has no successor to remember it by; no sender uses it.
            return Seen::TooOld;
        }
        if number >= self.next {
            return Seen::Fresh;
        }
        if number < self.floor || self.next - number > WINDOW_MESSAGES {
            return Seen::TooOld;
        }
        let (word, bit) = place(number);
        let word = self.seen.get(word).copied().unwrap_or(u64::MAX);
        match word & bit {
            0 => Seen::Fresh,
            _ => Seen::Before,
        }
    }

    /// Remembers `number`; only after its message was authenticated, and
    /// [`look`](Self::look) said it is fresh.
    pub(crate) fn mark(&mut self, number: u64) {
        if number >= self.next {
            if number - self.next >= WINDOW_MESSAGES {
                self.seen = [0; WORDS];
            } else {
                // What falls out of the window makes room.
                (self.next..number).for_each(|skipped| self.set(skipped, false));
            }
            self.next = number.saturating_add(1);
        }
        self.set(number, true);
    }

    fn set(&mut self, number: u64, seen: bool) {
        let (word, bit) = place(number);
        if let Some(word) = self.seen.get_mut(word) {
            match seen {
                true => *word |= bit,
                false => *word &= !bit,
            }
        }
    }
}

fn place(number: u64) -> (usize, u64) {
    let at = number % WINDOW_MESSAGES;
    ((at / WORD_BITS) as usize, 1 << (at % WORD_BITS))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a set that forgets nothing.
        #[test]
        fn a_number_is_accepted_once_and_only_inside_the_window(
            floor in 0u64..5,
            steps in proptest::collection::vec(
                prop_oneof![0u64..20, 4090u64..4100, 0u64..20_000], 1..300),
        ) {
            let mut window = Window::new(floor);
            let mut accepted = BTreeSet::new();
            for number in steps {
                let highest = accepted.last().copied();
                let in_window = highest.is_none_or(|highest: u64| highest < number + WINDOW_MESSAGES);
                let fresh = number >= floor && in_window && !accepted.contains(&number);
                prop_assert_eq!(window.look(number) == Seen::Fresh, fresh, "{}", number);
                if fresh {
                    window.mark(number);
                    accepted.insert(number);
                }
                prop_assert_ne!(window.look(number), Seen::Fresh);
            }
        }
    }

    #[test]
    fn the_last_number_of_all_does_not_wrap() {
        let mut window = Window::new(u64::MAX - 1);
        window.mark(u64::MAX - 1);
        assert_eq!(window.look(u64::MAX - 1), Seen::Before);
        assert_eq!(window.look(0), Seen::TooOld);
        assert_eq!(window.look(u64::MAX), Seen::TooOld);
    }
}
