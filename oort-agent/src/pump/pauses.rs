//! Growing pauses: what was set back waits, longer each time, and holds up nothing else.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::queue::Ms;

/// What was set back, and until when it waits.
#[derive(Debug)]
pub(super) struct Pauses<K> {
    first: Ms,
    longest: Ms,
    all: HashMap<K, Pause>,
}

#[derive(Debug)]
struct Pause {
    /// How often it was set back.
    setbacks: u32,
    until: Ms,
}

/// More doublings than that make no pause longer.
const DOUBLINGS_MAX: u32 = 20;

impl<K: Eq + Hash> Pauses<K> {
    /// The first pause of each is so long; none is longer than `longest`.
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Pauses {
            first: ms(first),
            longest: ms(longest),
            all: HashMap::new(),
        }
    }

    /// It waits, twice as long as the last time; for `least` in any case.
    pub(super) fn set_back(&mut self, now: Ms, key: K, least: Duration) {
        let pause = self.all.entry(key).or_insert(Pause {
            setbacks: 0,
            until: now,
        });
        let doubled = 1 << pause.setbacks.min(DOUBLINGS_MAX);
        let time = self.first.saturating_mul(doubled).min(self.longest);
        pause.setbacks = pause.setbacks.saturating_add(1);
        pause.until = now.saturating_add(time.max(ms(least)));
    }

    pub(super) fn waits(&self, now: Ms, key: &K) -> bool {
        self.all.get(key).is_some_and(|pause| now < pause.until)
    }

    /// Its next pause is its first again.
    pub(super) fn forget(&mut self, key: &K) {
        self.all.remove(key);
    }

    /// What was not set back for long after its pause begins anew.
    pub(super) fn forget_old(&mut self, now: Ms) {
        let longest = self.longest;
        self.all
            .retain(|_, pause| now < pause.until.saturating_add(longest));
    }

    pub(super) fn retain(&mut self, is_kept: impl Fn(&K) -> bool) {
        self.all.retain(|key, _| is_kept(key));
    }
}

fn ms(time: Duration) -> Ms {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
