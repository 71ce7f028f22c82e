//! What others do in `transfers/`: they take items out, and put them back.

use super::ended::{End, Ended};
use super::{Agent, age};
use crate::item::Uuid;
use crate::limits::ITEMS_MAX;

impl Agent {
    /// Items whose files somebody took out of `transfers/` are collected; those whose files are
    /// back are queued again.
    pub(super) fn scan(&self) {
        let whole = match self.store.whole() {
            Ok(whole) => whole,
            Err(error) => {
                log::warn!("cannot look at what is queued: {error}");
                return;
            }
        };
        let state = self.state();
        let missing = state.items.keys().filter(|id| !whole.contains(id));
        let missing: Vec<Uuid> = missing.copied().collect();
        let back = whole.iter().filter(|id| state.may_be_back(**id));
        let back: Vec<Uuid> = back.copied().collect();
        drop(state);
        // What came after the look is there.
        self.collected(missing);
        back.into_iter().for_each(|id| self.take_back(id));
    }

    /// The same for one.
    pub(super) fn look_at(&self, id: Uuid) {
        let state = self.state();
        let is_queued = state.items.contains_key(&id);
        let may_be_back = state.may_be_back(id);
        drop(state);
        if is_queued {
            self.collected(vec![id]);
        } else if may_be_back && self.store.is_whole(id) {
            self.take_back(id);
        }
    }

    /// Somebody put both files of an item that has ended into `transfers/` again: it is queued
    /// again, as it would be after a restart.
    fn take_back(&self, id: Uuid) {
        let meta = match self.store.queued(id) {
            Ok(Some(meta)) => meta,
            Ok(None) => return,
            // It may be half written.
            Err(error) => {
                log::warn!("{id}: it is back in transfers/, and not to be read: {error}");
                return;
            }
        };
        let mut state = self.state();
        if !state.may_be_back(id) || state.items.len() >= ITEMS_MAX {
            return;
        }
        if let Some(ended) = state.ended.forget(id) {
            state.forget(&ended);
        }
        state.counts.found = state.counts.found.saturating_add(1);
        state.insert(self.clock.now(), &meta, age(&*self.clock, meta.time), 0);
        drop(state);
        log::info!("{id}: it is back in transfers/, and queued again");
        self.notify();
    }

    fn collected(&self, mut missing: Vec<Uuid>) {
        missing.retain(|id| !self.store.is_whole(*id));
        if missing.is_empty() {
            return;
        }
        let mut state = self.state();
        let now = self.clock.seconds();
        let reason = "taken out of transfers/";
        let ended = missing.into_iter();
        let ended = ended.filter_map(|id| state.end(id, End::Collected, reason, now, None));
        let ended: Vec<Ended> = ended.collect();
        drop(state);
        self.written(&ended);
    }
}
