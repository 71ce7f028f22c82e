//! Octets that are kept only as long as nobody needs the room: they are within
//! the budget, and the oldest give way before work is refused.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

/// Names what was stored. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StoredId(NonZeroU64);

#[derive(Debug)]
pub(super) struct Store {
    /// Ids ascend, so the oldest is the first.
    entries: BTreeMap<StoredId, Arc<[u8]>>,
    bytes: usize,
    next_id: StoredId,
}

impl Default for Store {
    fn default() -> Self {
        Store {
            entries: BTreeMap::new(),
            bytes: 0,
            next_id: StoredId(NonZeroU64::MIN),
        }
    }
}

impl Store {
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn insert(&mut self, octets: &[u8]) -> StoredId {
        let id = self.next_id;
        self.next_id = StoredId(id.0.saturating_add(1));
        self.bytes += octets.len();
        self.entries.insert(id, octets.into());
        id
    }

    pub(super) fn get(&self, id: StoredId) -> Option<Arc<[u8]>> {
        self.entries.get(&id).cloned()
    }

    pub(super) fn has(&self, id: StoredId) -> bool {
        self.entries.contains_key(&id)
    }

    /// Gives how many octets are free now.
    pub(super) fn remove(&mut self, id: StoredId) -> usize {
        let freed = self.entries.remove(&id).map_or(0, |octets| octets.len());
        self.bytes -= freed;
        freed
    }

    /// As [`remove`](Self::remove), of the oldest; none when nothing is stored.
    pub(super) fn remove_oldest(&mut self) -> Option<usize> {
        let (id, _) = self.entries.first_key_value()?;
        let id = *id;
        Some(self.remove(id))
    }
}
