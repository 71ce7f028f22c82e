//! What services ask.

use std::time::Duration;

use crate::orbit::OrbitError;
use crate::state::BusState;

/// A source of [`BusState`].
///
/// # For those who implement it
///
/// It must not block, must be cheap enough to be asked ten times a second, and must not give
/// what is older than its maximum age: such a group is
/// [`Missing::Stale`](crate::Missing::Stale).
///
/// # For those who ask
///
/// A state has at least one group. Each group has to be looked at by itself: a GNSS receiver may
/// be silent while the power system is not.
pub trait Telemetry: Send + Sync {
    /// The state at `now`, which is UTC since 1970.
    fn state(&self, now: Duration) -> Result<BusState, TelemetryError>;
}

/// Why there is no state at all.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// No source has told anything yet.
    #[error("no bus telemetry yet: is its source running?")]
    Unavailable,
    /// All there is, is too old.
    #[error(
        "the youngest bus telemetry is {} s old; more than {} s is too old: has its source stopped?",
        .age.as_secs(), .age_max.as_secs()
    )]
    Stale {
        /// The age of the youngest group.
        age: Duration,
        /// How old a group may be.
        age_max: Duration,
    },
    /// The simulated orbit has no position then.
    #[error("simulated orbit: {0}")]
    Orbit(#[from] OrbitError),
}
