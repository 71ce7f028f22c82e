//! What became of files and requests.

use std::sync::{Arc, Mutex, PoisonError};

/// What became of files that go to a bucket, and of requests that come from one. `taken` =
/// `accepted` + `refused` + `unread`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BucketCounts {
    /// Objects that were put into inboxes.
    pub put: u64,
    /// Octets of them.
    pub put_bytes: u64,
    /// Objects that an earlier run had put.
    pub found: u64,
    /// Requests that were read out of outboxes; found again after a restart among them.
    pub taken: u64,
    /// Accepted by the desk.
    pub accepted: u64,
    /// Refused by the desk or the policy.
    pub refused: u64,
    /// What was no request.
    pub unread: u64,
    /// Accepted, over, and told.
    pub ended: u64,
    /// Octets that were fetched from outboxes.
    pub fetched_bytes: u64,
    /// Something failed that is tried again.
    pub failed: u64,
}

/// The counts, for whoever wants to know. Clones count the same.
#[derive(Clone, Debug, Default)]
pub struct BucketCounter(Arc<Mutex<BucketCounts>>);

impl BucketCounter {
    /// As they are now.
    #[must_use]
    pub fn counts(&self) -> BucketCounts {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut BucketCounts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
