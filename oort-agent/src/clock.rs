//! What time it is. How long an item has been here is counted by a clock that does not jump;
//! how old it is after a restart says the system's clock, where it is to be believed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use service_host::wall_clock;

use crate::queue::Ms;

/// A clock.
pub trait Clock: Send + Sync {
    /// ms since any moment, never less than before.
    fn now(&self) -> Ms;
    /// The time since 1970; none while it is not to be believed.
    fn wall(&self) -> Option<Duration>;
    /// s since 1970, believed or not: what is written down.
    fn seconds(&self) -> i64;
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
    fn now(&self) -> Ms {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn wall(&self) -> Option<Duration> {
        wall_clock::now()
    }

    fn seconds(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
    }
}

/// One that stands until it is told to go on: for tests and simulations.
#[derive(Debug)]
pub struct VirtualClock {
    /// s since 1970 when it began.
    began: u64,
    now: AtomicU64,
}

impl VirtualClock {
    /// Begins so many s after 1970.
    #[must_use]
    pub fn at(seconds: u64) -> Self {
        VirtualClock {
            began: seconds,
            now: AtomicU64::new(0),
        }
    }

    /// So much later.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.now.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Ms {
        self.now.load(Ordering::SeqCst)
    }

    fn wall(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.began) + Duration::from_millis(self.now()))
    }

    fn seconds(&self) -> i64 {
        i64::try_from(self.began.saturating_add(self.now() / 1000)).unwrap_or(i64::MAX)
    }
}
