//! Whoever waits for something without a thread of its own is called when it happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Desk, Shared};
use crate::folders::Folders;
use crate::journal::Journal;
use crate::names::AppId;
use crate::record::TransferId;

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A transfer has ended.
    Ended(TransferId),
    /// Something has arrived at this app.
    Arrived(AppId),
    /// Something arrives at this app from now on.
    Arrives(AppId),
}

/// Is called once; it must not block.
pub type Call = Box<dyn FnOnce() + Send>;

/// Somebody waits. Dropped, nobody does.
pub struct Watch {
    shared: Arc<Shared>,
    key: (Event, u64),
}

/// All who wait.
#[derive(Default)]
pub(super) struct Watchers {
    calls: BTreeMap<(Event, u64), Call>,
    next: u64,
}

impl Watchers {
    pub(super) fn tell(&mut self, event: &Event) {
        let of_event = (event.clone(), 0)..=(event.clone(), u64::MAX);
        let keys = self.calls.range(of_event).map(|(key, _)| key.clone());
        let keys: Vec<_> = keys.collect();
        for key in keys {
            if let Some(call) = self.calls.remove(&key) {
                call();
            }
        }
    }

    pub(super) fn tell_all(&mut self) {
        for (_, call) in std::mem::take(&mut self.calls) {
            call();
        }
    }
}

impl<F: Folders, J: Journal> Desk<F, J> {
    /// Calls `call` once it happens: at once, if it has already, or the desk stops.
    pub fn watch(&self, event: Event, call: Call) -> Watch {
        let mut state = self.state();
        let number = state.watchers.next;
        state.watchers.next += 1;
        let key = (event, number);
        match state.stopping || state.has_happened(&key.0) {
            true => call(),
            false => {
                state.watchers.calls.insert(key.clone(), call);
            }
        }
        drop(state);
        Watch {
            shared: Arc::clone(&self.shared),
            key,
        }
    }

    /// Whether it was [stopped](Self::stop): nobody is told of anything any more.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.state().stopping
    }

    /// Whoever waits, waits no more, and nothing runs any more.
    pub fn stop(&self) {
        let mut state = self.state();
        state.stopping = true;
        state.watchers.tell_all();
        drop(state);
        self.shared.work.notify_all();
        self.shared.settled.notify_all();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.state().watchers.calls.remove(&self.key);
    }
}
