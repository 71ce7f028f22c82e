//! What time it is, told by who calls.

use std::time::Duration;

/// The time of two clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Of one that never jumps: all that is waited for is counted by it.
    pub monotonic: Duration,
    /// UTC since 1970, which may jump: it is only written down, and told to payloads.
    pub wall: Duration,
}

impl Now {
    /// So much later than this moment, by the clock that does not jump.
    pub(crate) fn after(self, wait: Duration) -> Duration {
        self.monotonic.saturating_add(wait)
    }

    /// When something was that is so old now, by the clock that does not jump.
    pub(crate) fn ago(self, age: Duration) -> Duration {
        self.monotonic.saturating_sub(age)
    }

    /// Whole seconds of the clock on the wall.
    pub(crate) fn seconds(self) -> i64 {
        i64::try_from(self.wall.as_secs()).unwrap_or(i64::MAX)
    }
}

/// The earlier of two moments, of which there may be none.
pub(crate) fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// A moment by both clocks: the one counts, the other is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) monotonic: Duration,
    /// ms since 1970.
    pub(crate) wall_ms: u64,
}

impl Moment {
    /// So much later than now.
    pub(crate) fn after(now: Now, wait: Duration) -> Self {
        Moment {
            monotonic: now.after(wait),
            wall_ms: ms(now.wall.saturating_add(wait)),
        }
    }

    /// One that was written down. A clock that jumped meanwhile makes it now at the latest, and
    /// the beginning of the other clock at the earliest.
    pub(crate) fn past(now: Now, wall_ms: u64) -> Self {
        let age = Duration::from_millis(ms(now.wall).saturating_sub(wall_ms));
        Moment {
            monotonic: now.ago(age),
            wall_ms,
        }
    }

    /// One that was written down and is to come, in `most` at the latest.
    pub(crate) fn future(now: Now, wall_ms: u64, most: Duration) -> Self {
        let left = Duration::from_millis(wall_ms.saturating_sub(ms(now.wall)));
        Moment {
            monotonic: now.after(left.min(most)),
            wall_ms,
        }
    }
}

/// ms of a duration, such as one since 1970.
pub(crate) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
