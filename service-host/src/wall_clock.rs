//! The system's clock, as far as it is to be believed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 2026-01-01, since 1970: a clock that is before that was never set.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);

/// The time since 1970; none while the clock is not set.
#[must_use]
pub fn now() -> Option<Duration> {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH);
    wall.ok().filter(|wall| is_set(*wall))
}

/// Whether a clock that says so much since 1970 was ever set.
#[must_use]
pub fn is_set(wall: Duration) -> bool {
    wall >= EARLIEST
}
