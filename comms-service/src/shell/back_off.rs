//! Pauses after failures, each twice as long as the one before.

use std::time::Duration;

use super::stop::Stop;

const PAUSE_MIN: Duration = Duration::from_millis(10);
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long to wait after a failure before the next try.
pub(crate) struct BackOff {
    pause: Duration,
    pause_max: Duration,
}

impl BackOff {
    pub(crate) fn new() -> Self {
        Self::up_to(PAUSE_MAX)
    }

    pub(super) fn up_to(pause_max: Duration) -> Self {
        BackOff {
            pause: PAUSE_MIN,
            pause_max,
        }
    }

    /// How long the next pause will be.
    pub(crate) fn next_pause(&self) -> Duration {
        self.pause
    }

    /// Whether nothing failed since the last success.
    pub(super) fn is_first(&self) -> bool {
        self.pause == PAUSE_MIN
    }

    /// Something succeeded: the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        self.pause = PAUSE_MIN;
    }

    /// Waits, but not beyond `stop`; false when that was asked for.
    pub(crate) fn pause(&mut self, stop: &Stop) -> bool {
        let pause = self.pause;
        self.pause = (2 * pause).min(self.pause_max);
        stop.sleep(pause)
    }
}
