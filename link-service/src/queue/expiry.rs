//! When a transfer expires, on a machine whose clock may be wrong, and jump.

use std::time::{Duration, Instant};

use crate::request::Expiry;

/// How long at most until a deadline of a clock that may jump is looked at again.
const LOOK: Duration = Duration::from_secs(60);

/// The time.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Which never jumps.
    pub monotonic: Instant,
    /// Since 1970; none while the clock is not to be believed.
    pub wall: Option<Duration>,
}

/// When a transfer expires. Nothing expires by a clock that is not believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline {
    /// Since 1970.
    wall: Option<Duration>,
    /// In the time of this process.
    monotonic: Option<Instant>,
}

impl Deadline {
    /// Of a request that is accepted now.
    #[must_use]
    pub fn of(now: Now, expiry: Option<Expiry>) -> Self {
        match expiry {
            None => Deadline::default(),
            Some(Expiry::At(wall)) => Deadline {
                wall: Some(wall),
                monotonic: None,
            },
            Some(Expiry::After(time)) => Deadline {
                wall: None,
                monotonic: now.monotonic.checked_add(time),
            },
        }
    }

    /// Of one that was accepted then, and was found in the journal: how long this machine was
    /// off is known only to a clock that is right, and was (`accepted_at` is none where it
    /// was not). Else its time begins anew.
    #[must_use]
    pub fn restored(now: Now, accepted_at: Option<Duration>, expiry: Option<Expiry>) -> Self {
        let Some(Expiry::After(time)) = expiry else {
            return Deadline::of(now, expiry);
        };
        let left = match (accepted_at, now.wall) {
            (Some(accepted_at), Some(wall)) => {
                time.saturating_sub(wall.saturating_sub(accepted_at))
            }
            _ => time,
        };
        Deadline {
            wall: None,
            monotonic: now.monotonic.checked_add(left),
        }
    }

    pub(super) fn is_over(self, now: Now) -> bool {
        match (self.monotonic, self.wall, now.wall) {
            // A clock that was set meanwhile changes nothing.
            (Some(until), ..) => now.monotonic >= until,
            (None, Some(until), Some(wall)) => wall >= until,
            _ => false,
        }
    }

    pub(super) fn next_look(self, now: Now) -> Option<Instant> {
        match (self.monotonic, self.wall, now.wall) {
            (Some(until), ..) => Some(until),
            (None, Some(until), Some(wall)) => {
                Some(now.monotonic + until.saturating_sub(wall).min(LOOK))
            }
            (None, Some(_), None) => Some(now.monotonic + LOOK),
            (None, None, _) => None,
        }
    }
}
