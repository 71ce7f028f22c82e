//! What is known of all transfers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::DeskLimits;
use crate::code::Code;
use crate::names::AppId;
use crate::queue::{Deadline, Now, Queue, Route, Ticket};
use crate::record::{Phase, Transfer, TransferId};
use crate::request::LinkRequest;

/// A request, by whoever made it: the same is made once.
pub(super) type Key = (AppId, String);

/// What stands under a key.
pub(super) enum Known {
    /// It is being looked at right now.
    Pending,
    /// It was accepted.
    Transfer(TransferId),
}

pub(super) struct State {
    pub(super) queue: Queue,
    pub(super) transfers: BTreeMap<TransferId, Entry>,
    pub(super) keys: HashMap<Key, Known>,
    /// Those that have ended, in the order in which they did, as far as that is known.
    ended: BTreeSet<(u64, TransferId)>,
    next_ended: u64,
    next_id: u64,
    pub(super) stopping: bool,
}

/// One transfer.
pub(super) struct Entry {
    pub(super) transfer: Transfer,
    /// Why it was not delivered when it was tried last.
    pub(super) waits_for: Option<(Code, String)>,
    ended: Option<u64>,
}

/// Seconds from 1970 to 2020: numbers count from there, so that one is not given twice
/// though all records are gone.
const ERA: u64 = 1_577_836_800;
/// Numbers of a second.
const PER_SECOND: u64 = 1 << 20;

impl State {
    pub(super) fn restored(now: Now, limits: &DeskLimits, transfers: Vec<Transfer>) -> Self {
        let seconds = now
            .wall
            .map_or(0, |wall| wall.as_secs().saturating_sub(ERA));
        let mut state = State {
            queue: Queue::new(limits.queue.clone()),
            transfers: BTreeMap::new(),
            keys: HashMap::new(),
            ended: BTreeSet::new(),
            next_ended: 0,
            next_id: seconds.saturating_mul(PER_SECOND),
            stopping: false,
        };
        for transfer in transfers {
            state.next_id = state.next_id.max(transfer.id.0.saturating_add(1));
            state.insert(now, transfer);
        }
        state
    }

    /// A number for one more.
    pub(super) fn take_id(&mut self) -> TransferId {
        let id = TransferId(self.next_id);
        self.next_id += 1;
        id
    }

    /// One that was accepted.
    pub(super) fn insert(&mut self, now: Now, transfer: Transfer) {
        let id = transfer.id;
        let key = (transfer.sender.clone(), transfer.request.request_id.clone());
        self.keys.insert(key, Known::Transfer(id));
        let has_ended = matches!(transfer.phase, Phase::Ended(_));
        if !has_ended {
            self.queue.insert(now, id, ticket(now, &transfer));
        }
        let entry = Entry {
            transfer,
            waits_for: None,
            ended: None,
        };
        self.transfers.insert(id, entry);
        if has_ended {
            self.note_end(id);
        }
    }

    /// One has ended: its place among those is the last.
    pub(super) fn note_end(&mut self, id: TransferId) {
        let Some(entry) = self.transfers.get_mut(&id) else {
            return;
        };
        let place = self.next_ended;
        self.next_ended += 1;
        if let Some(before) = entry.ended.replace(place) {
            self.ended.remove(&(before, id));
        }
        self.ended.insert((place, id));
    }

    /// The oldest of those that have ended, if there are more than that: it is forgotten.
    pub(super) fn forget_one(&mut self, ended_max: usize) -> Option<TransferId> {
        if self.ended.len() <= ended_max {
            return None;
        }
        let (_, id) = self.ended.pop_first()?;
        if let Some(Entry { transfer, .. }) = self.transfers.remove(&id) {
            self.keys
                .remove(&(transfer.sender, transfer.request.request_id));
        }
        Some(id)
    }
}

/// By what one goes.
pub(super) fn route(_: &LinkRequest) -> Route {
    Route::Local
}

fn ticket(now: Now, transfer: &Transfer) -> Ticket {
    let request = &transfer.request;
    // Without a clock that is right, it has none.
    let accepted_at = Some(transfer.accepted_at).filter(|at| !at.is_zero());
    let deadline = Deadline::restored(now, accepted_at, request.expires);
    Ticket {
        sender: transfer.sender.clone(),
        route: route(request),
        priority: request.priority,
        deadline,
        attempts: transfer.attempts,
        held: false,
    }
}
