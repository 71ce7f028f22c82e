//! How much the queue takes, and how it treats what waits.

use std::time::{Duration, Instant};

use super::{Now, Route};
use crate::record::TransferId;
use crate::request::Priority;

/// The limits of a [`Queue`](super::Queue).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Transfers of all senders that have not ended.
    pub open_max: usize,
    /// The same, of one sender.
    pub open_per_sender_max: usize,
    /// Of `open_max`, kept for `Critical`.
    pub open_critical: usize,
    /// That run at once from folder to folder.
    pub local_slots: usize,
    /// That run at once on each link, and into each bucket.
    pub link_slots: usize,
    /// One that waited so long counts as one priority higher.
    pub ageing: Duration,
    /// The first pause before another try; each is twice the one before.
    pub retry_pause: Duration,
    /// The longest.
    pub retry_pause_max: Duration,
}

impl Default for QueueLimits {
    fn default() -> Self {
        QueueLimits {
            open_max: 16_384,
            open_per_sender_max: 1_024,
            open_critical: 256,
            local_slots: 8,
            link_slots: 4,
            ageing: Duration::from_secs(600),
            retry_pause: Duration::from_secs(1),
            retry_pause_max: Duration::from_secs(300),
        }
    }
}

/// There is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{open} requests have not ended, {max} are the most; try again in {} s", retry_after.as_secs())]
pub struct Full {
    /// How many there are, of the sender or of all.
    pub open: usize,
    /// How many there may be.
    pub max: usize,
    /// When to try again.
    pub retry_after: Duration,
}

/// When there may be room again; nobody knows.
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl QueueLimits {
    pub(super) fn room(&self, all: usize, own: usize, priority: Priority) -> Result<(), Full> {
        let all_max = match priority {
            Priority::Critical => self.open_max,
            _ => self.open_max.saturating_sub(self.open_critical),
        };
        for (open, max) in [(own, self.open_per_sender_max), (all, all_max)] {
            if open >= max {
                let retry_after = RETRY_AFTER;
                return Err(Full {
                    open,
                    max,
                    retry_after,
                });
            }
        }
        Ok(())
    }

    pub(super) fn slots(&self, route: &Route) -> usize {
        match route {
            Route::Local => self.local_slots,
            Route::Downlink | Route::Crosslink(_) | Route::Bucket(_) => self.link_slots,
        }
    }

    /// As which priority one counts that waits since then, and when as a higher one.
    pub(super) fn aged(
        &self,
        now: Now,
        since: Instant,
        priority: Priority,
    ) -> (Priority, Option<Instant>) {
        let mut level = priority;
        let mut at = since;
        while let Some(higher) = higher(level) {
            let Some(next) = at.checked_add(self.ageing) else {
                return (level, None);
            };
            if next > now.monotonic || self.ageing.is_zero() {
                return (level, (!self.ageing.is_zero()).then_some(next));
            }
            (level, at) = (higher, next);
        }
        (level, None)
    }

    /// Before the next try: not all at the same moment, and the same for the same transfer.
    pub(super) fn retry_pause(&self, id: TransferId, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(20);
        let pause = self.retry_pause.saturating_mul(1 << doublings);
        let pause = pause.min(self.retry_pause_max);
        let mixed = (id.0 ^ u64::from(attempts)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // Up to a quarter less.
        pause - pause.mul_f64((mixed >> 40) as f64 / (1_u64 << 26) as f64)
    }
}

/// What waiting makes of a priority.
fn higher(priority: Priority) -> Option<Priority> {
    match priority {
        Priority::Low => Some(Priority::Medium),
        Priority::Medium => Some(Priority::High),
        Priority::High | Priority::Critical => None,
    }
}
