//! The two clocks of the system.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::core::Now;

/// Says what time it is.
pub trait Clock: Send {
    /// Now.
    fn now(&self) -> Now;
}

/// Those of the system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        Now {
            monotonic: self.0.elapsed(),
            wall: wall.unwrap_or_default(),
        }
    }
}
