//! One budget of octets over everything a link holds.
//!
//! Reassembly, queues and answers in the making all keep their octets in
//! [`HeldBytes`], which charges the [`ByteBudget`] for the memory it really
//! occupies (capacity, not length) and gives it back when it is dropped. What
//! does not fit is refused with [`BudgetSpent`]; nothing else can grow. Answers
//! that are only remembered give way first.

mod stored;

use std::ops::{Deref, Range};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use stored::StoredId;

use stored::Store;

/// How many octets a link may hold at once, and how many it holds now.
///
/// Clones share the same account.
#[derive(Clone, Debug)]
pub struct ByteBudget {
    account: Arc<Account>,
}

#[derive(Debug)]
struct Account {
    bytes_max: AtomicUsize,
    bytes_used: AtomicUsize,
    /// Of them, what is only remembered.
    store: Mutex<Store>,
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
                bytes_max: AtomicUsize::new(bytes_max),
                bytes_used,
                store: Mutex::default(),
            }),
        }
    }

    /// Octets in use now.
    pub fn bytes_used(&self) -> usize {
        self.account.bytes_used.load(Ordering::Relaxed)
    }

    /// Octets in use at most.
    pub fn bytes_max(&self) -> usize {
        self.account.bytes_max.load(Ordering::Relaxed)
    }

    /// Changes the budget. What is held stays, even where it is more.
    pub(crate) fn set_bytes_max(&self, bytes_max: usize) {
        self.account.bytes_max.store(bytes_max, Ordering::Relaxed);
    }

    /// Octets in use now that are only remembered.
    pub fn bytes_stored(&self) -> usize {
        self.store_entries().bytes()
    }

    fn charge(&self, bytes: usize) -> Result<(), BudgetSpent> {
        if self.try_charge(bytes) {
            return Ok(());
        }
        let mut store = self.store_entries();
        let spent = BudgetSpent {
            bytes_wanted: bytes,
            bytes_max: self.bytes_max(),
        };
        // Nothing is given up for what does not fit even so.
        let work = self.bytes_used().saturating_sub(store.bytes());
        if work.saturating_add(bytes) > self.bytes_max() {
            return Err(spent);
        }
        while let Some(freed) = store.remove_oldest() {
            self.release(freed);
            if self.try_charge(bytes) {
                return Ok(());
            }
        }
        Err(spent)
    }

    fn try_charge(&self, bytes: usize) -> bool {
        let bytes_max = self.bytes_max();
        self.account
            .bytes_used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= bytes_max)
            })
            .is_ok()
    }

    /// Keeps a copy of `octets` for as long as nobody needs the room, with at most
    /// `stored_bytes_max` kept in all; none where there is no room.
    pub(crate) fn store(&self, octets: &[u8], stored_bytes_max: usize) -> Option<StoredId> {
        let bytes = octets.len();
        if bytes > stored_bytes_max {
            return None;
        }
        let mut store = self.store_entries();
        while store.bytes() + bytes > stored_bytes_max || !self.try_charge(bytes) {
            self.release(store.remove_oldest()?);
        }
        Some(store.insert(octets))
    }

    /// What was stored, if it did not give way.
    pub(crate) fn stored(&self, id: StoredId) -> Option<Arc<[u8]>> {
        self.store_entries().get(id)
    }

    pub(crate) fn has_stored(&self, id: StoredId) -> bool {
        self.store_entries().has(id)
    }

    pub(crate) fn forget_stored(&self, id: StoredId) {
        let freed = self.store_entries().remove(id);
        self.release(freed);
    }

    pub(crate) fn clear_stored(&self) {
        let mut store = self.store_entries();
        while let Some(freed) = store.remove_oldest() {
            self.release(freed);
        }
    }

    fn store_entries(&self) -> MutexGuard<'_, Store> {
        let store = &self.account.store;
        store.lock().unwrap_or_else(PoisonError::into_inner)
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
        budget.charge(octets.len())?;
        Ok(HeldBytes {
            bytes: octets.to_vec(),
            range: 0..octets.len(),
            charged: octets.len(),
            budget: budget.clone(),
        })
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
            // Room to grow is a wish, for which nothing remembered gives way.
            let capacity = match self.budget.try_charge(capacity - self.charged) {
                true => capacity,
                false => {
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

    /// Writes `octets` at `offset`, after zeros where nothing was yet. Only for what
    /// was [`empty`](Self::empty) at first.
    ///
    /// # Errors
    /// As [`extend`](Self::extend).
    pub(crate) fn write_at(&mut self, offset: usize, octets: &[u8]) -> Result<(), BudgetSpent> {
        let end = offset + octets.len();
        if end > self.range.end {
            self.extend(&vec![0; end - self.range.end])?;
        }
        if let Some(place) = self.bytes.get_mut(offset..end) {
            place.copy_from_slice(octets);
        }
        Ok(())
    }

    /// Cuts off what is beyond `len` octets.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.range.end = self.range.end.min(self.range.start + len);
    }

    /// The account that pays for them.
    pub(crate) fn budget(&self) -> &ByteBudget {
        &self.budget
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
    fn what_is_only_remembered_gives_way_to_work_the_oldest_first() {
        let budget = ByteBudget::new(1000);
        let old = budget.store(&[1; 400], 900).unwrap();
        let new = budget.store(&[2; 400], 900).unwrap();
        assert_eq!((budget.bytes_used(), budget.bytes_stored()), (800, 800));
        let work = HeldBytes::copy_of(&budget, &[3; 500]).unwrap();
        assert!(!budget.has_stored(old));
        assert_eq!(budget.stored(new).as_deref(), Some(&[2; 400][..]));
        // What does not fit anyway drives nothing out.
        assert!(HeldBytes::copy_of(&budget, &[4; 600]).is_err());
        assert!(budget.has_stored(new));
        drop(work);
        budget.forget_stored(new);
        assert_eq!(budget.bytes_used(), 0);
    }

    #[test]
    fn what_is_remembered_is_bounded_on_its_own() {
        let budget = ByteBudget::new(1000);
        let first = budget.store(&[1; 60], 100).unwrap();
        assert_eq!(budget.store(&[2; 101], 100), None);
        assert!(budget.has_stored(first));
        let second = budget.store(&[2; 60], 100).unwrap();
        assert!(!budget.has_stored(first) && budget.has_stored(second));
        assert_eq!(budget.bytes_used(), 60);
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
