//! One budget of octets over everything a link holds.
//!
//! Reassembly, queues and answers in the making all keep their octets in
//! [`HeldBytes`], which charges the [`ByteBudget`] for the memory it really
//! occupies (capacity, not length) and gives it back when it is dropped. What
//! does not fit is refused with [`BudgetSpent`]; nothing else can grow.

use std::ops::{Deref, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many octets a link may hold at once, and how many it holds now.
///
/// Clones share the same account.
#[derive(Clone, Debug)]
pub struct ByteBudget {
    account: Arc<Account>,
}

#[derive(Debug)]
struct Account {
    bytes_max: usize,
    bytes_used: AtomicUsize,
}

/// The budget has no room for that many octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the memory budget of {bytes_max} octets has no room for {bytes_wanted} more (memory-bytes-max)"
)]
pub struct BudgetSpent {
    /// Octets asked for.
    pub bytes_wanted: usize,
    /// Size of the whole budget.
    pub bytes_max: usize,
}

impl ByteBudget {
    /// A budget of `bytes_max` octets, none of them used.
    pub fn new(bytes_max: usize) -> Self {
        let bytes_used = AtomicUsize::new(0);
        ByteBudget {
            account: Arc::new(Account {
                bytes_max,
                bytes_used,
            }),
        }
    }

    /// Octets in use now.
    pub fn bytes_used(&self) -> usize {
        self.account.bytes_used.load(Ordering::Relaxed)
    }

    /// Octets in use at most.
    pub fn bytes_max(&self) -> usize {
        self.account.bytes_max
    }

    fn charge(&self, bytes: usize) -> Result<(), BudgetSpent> {
        let bytes_max = self.account.bytes_max;
        self.account
            .bytes_used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= bytes_max)
            })
            .map(|_| ())
            .map_err(|_| BudgetSpent {
                bytes_wanted: bytes,
                bytes_max,
            })
    }

    fn charge_beyond_limit(&self, bytes: usize) {
        self.account.bytes_used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn release(&self, bytes: usize) {
        self.account.bytes_used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Octets that are paid for.
#[derive(Debug)]
pub struct HeldBytes {
    bytes: Vec<u8>,
    range: Range<usize>,
    charged: usize,
    budget: ByteBudget,
}

/// A buffer that wastes more than this is copied to one that fits.
const WASTE_BYTES_MAX: usize = 1024;

impl HeldBytes {
    /// No octets yet; free of charge.
    pub fn empty(budget: &ByteBudget) -> Self {
        HeldBytes {
            bytes: Vec::new(),
            range: 0..0,
            charged: 0,
            budget: budget.clone(),
        }
    }

    /// A copy of `octets`.
    ///
    /// # Errors
    /// [`BudgetSpent`] when they do not fit.
    pub fn copy_of(budget: &ByteBudget, octets: &[u8]) -> Result<Self, BudgetSpent> {
        let mut held = Self::empty(budget);
        held.extend(octets)?;
        Ok(held)
    }

    /// Takes over `bytes` without copying (unless the buffer is far larger
    /// than its content) and shows `range` of it.
    ///
    /// # Errors
    /// [`BudgetSpent`] when the buffer does not fit.
    pub fn adopt(
        budget: &ByteBudget,
        bytes: Vec<u8>,
        range: Range<usize>,
    ) -> Result<Self, BudgetSpent> {
        if bytes.capacity() > 2 * range.len() + WASTE_BYTES_MAX {
            return Self::copy_of(budget, bytes.get(range).unwrap_or_default());
        }
        let charged = bytes.capacity();
        budget.charge(charged)?;
        Ok(HeldBytes {
            bytes,
            range,
            charged,
            budget: budget.clone(),
        })
    }

    /// Takes over a short text even when the budget is spent: an answer that
    /// says so must still go out. The queues bound how many there are.
    pub(crate) fn notice(budget: &ByteBudget, text: String) -> Self {
        let bytes = text.into_bytes();
        budget.charge_beyond_limit(bytes.capacity());
        HeldBytes {
            range: 0..bytes.len(),
            charged: bytes.capacity(),
            bytes,
            budget: budget.clone(),
        }
    }

    /// Appends `octets`.
    ///
    /// # Errors
    /// [`BudgetSpent`] when they do not fit; what was held stays.
    pub fn extend(&mut self, octets: &[u8]) -> Result<(), BudgetSpent> {
        let len = self.range.end + octets.len();
        if len > self.bytes.capacity() {
            // The old and the new buffer exist side by side while the octets
            // move, but only one of them stays: the new one is what is paid.
            let capacity = len.max(2 * self.bytes.capacity()).max(64);
            let capacity = match self.budget.charge(capacity - self.charged) {
                Ok(()) => capacity,
                Err(_) => {
                    self.budget.charge(len - self.charged)?;
                    len
                }
            };
            self.charged = capacity;
            self.bytes.truncate(self.range.end);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.truncate(self.range.end);
        self.bytes.extend_from_slice(octets);
        self.range.end = len;
        Ok(())
    }

    /// Appends a few octets even when the budget is spent: what was taken in must
    /// still go out.
    pub(crate) fn extend_beyond_limit(&mut self, octets: &[u8]) {
        let len = self.range.end + octets.len();
        self.bytes.truncate(self.range.end);
        if len > self.bytes.capacity() {
            self.bytes.reserve_exact(octets.len());
        }
        let capacity = self.bytes.capacity();
        self.budget
            .charge_beyond_limit(capacity.saturating_sub(self.charged));
        self.charged = self.charged.max(capacity);
        self.bytes.extend_from_slice(octets);
        self.range.end = len;
    }

    /// Forgets all octets but the first `bytes`.
    pub(crate) fn truncate(&mut self, bytes: usize) {
        self.range.end = self.range.end.min(self.range.start + bytes);
    }

    /// The octets, to be changed in place.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.range.clone()).unwrap_or_default()
    }

    /// The octets.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(self.range.clone()).unwrap_or_default()
    }
}

impl Deref for HeldBytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.budget.release(self.charged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_given_back() {
        let budget = ByteBudget::new(1000);
        let mut held = HeldBytes::copy_of(&budget, &[1; 100]).unwrap();
        held.extend(&[2; 300]).unwrap();
        assert!(budget.bytes_used() >= 400);
        assert_eq!(held.len(), 400);
        drop(held);
        assert_eq!(budget.bytes_used(), 0);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_what_was_held_stays() {
        let budget = ByteBudget::new(100);
        let mut held = HeldBytes::copy_of(&budget, &[1; 60]).unwrap();
        held.extend(&[2; 40]).unwrap();
        let refused = held.extend(&[3; 1]).unwrap_err();
        assert_eq!((refused.bytes_wanted, refused.bytes_max), (1, 100));
        assert_eq!(held.len(), 100);
        assert_eq!(budget.bytes_used(), 100);
    }

    #[test]
    fn a_view_of_a_part_can_still_grow() {
        let budget = ByteBudget::new(1000);
        let mut held = HeldBytes::adopt(&budget, vec![0, 1, 2, 3, 9, 9], 1..4).unwrap();
        held.extend(&[4, 5]).unwrap();
        assert_eq!(held.as_slice(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_wasteful_buffer_is_not_kept() {
        let budget = ByteBudget::new(10_000);
        let mut wasteful = Vec::with_capacity(8_000);
        wasteful.extend_from_slice(&[7; 10]);
        let held = HeldBytes::adopt(&budget, wasteful, 0..10).unwrap();
        assert!(budget.bytes_used() < 100);
        assert_eq!(held.as_slice(), [7; 10]);
    }
}
