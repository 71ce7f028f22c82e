//! What time it is, and whether the clock is to be believed.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use service_host::wall_clock;

use crate::queue::Now;

/// Says what time it is.
pub trait Clock: Send + Sync {
    /// The time. The wall's is none while the clock is not to be believed.
    fn now(&self) -> Now;
}

/// The system's clock. It is believed if it is not before the year in which this was
/// written, and did not go back since it was asked last.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: Mutex<Duration>,
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = wall_clock::now();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        // It went back: one of both times was wrong, and the later one is safe to wait for.
        let wall = wall.map(|wall| wall.max(*latest));
        *latest = wall.unwrap_or(*latest);
        Now {
            monotonic: Instant::now(),
            wall,
        }
    }
}
