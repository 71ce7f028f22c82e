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
