//! What is known of all transfers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use super::DeskLimits;
use super::counts::Counts;
use super::entry::Entry;
use super::watch::{Event, Watchers};
use super::ways::Ways;
use crate::names::AppId;
use crate::queue::{Deadline, Now, Queue, Route, Ticket};
use crate::record::{LegPhase, Order, Phase, Transfer, TransferId};
use crate::request::{LinkRequest, Recipient};

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
    ways: Ways,
    pub(super) queue: Queue,
    pub(super) transfers: BTreeMap<TransferId, Entry>,
    pub(super) keys: HashMap<Key, Known>,
    /// Those that have ended, in the order in which they did, as far as that is known.
    ended: BTreeSet<(u64, TransferId)>,
    /// Those besides of which not everything was acknowledged.
    unread: BTreeSet<(u64, TransferId)>,
    /// What arrived at each app and is not acknowledged: transfer and leg.
    pub(super) inboxes: BTreeMap<AppId, BTreeSet<(TransferId, u32)>>,
    pub(super) acknowledged: BTreeSet<(TransferId, u32)>,
    next_ended: u64,
    pub(super) counts: Counts,
    /// Those that run in a thread of the mover, and when each gave its last sign of life.
    pub(super) running: BTreeMap<TransferId, Instant>,
    next_id: u64,
    pub(super) stopping: bool,
    pub(super) watchers: Watchers,
}

/// Seconds from 1970 to 2020: numbers count from there, so that one is not given twice
/// though all records are gone.
const ERA: u64 = 1_577_836_800;
/// Numbers of a second.
const PER_SECOND: u64 = 1 << 20;

impl State {
    pub(super) fn restored(
        now: Now,
        limits: &DeskLimits,
        ways: Ways,
        transfers: Vec<Transfer>,
        acknowledged: Vec<(TransferId, u32)>,
        orders: &BTreeMap<TransferId, Order>,
    ) -> Self {
        let seconds = now
            .wall
            .map_or(0, |wall| wall.as_secs().saturating_sub(ERA));
        let mut state = State {
            ways,
            queue: Queue::new(limits.queue.clone()),
            transfers: BTreeMap::new(),
            keys: HashMap::new(),
            ended: BTreeSet::new(),
            unread: BTreeSet::new(),
            inboxes: BTreeMap::new(),
            acknowledged: acknowledged.into_iter().collect(),
            next_ended: 0,
            counts: Counts::default(),
            running: BTreeMap::new(),
            next_id: seconds.saturating_mul(PER_SECOND),
            stopping: false,
            watchers: Watchers::default(),
        };
        for transfer in transfers {
            state.next_id = state.next_id.max(transfer.id.0.saturating_add(1));
            let id = transfer.id;
            state.insert(now, transfer);
            if let Some(order) = orders.get(&id) {
                state.give_order(now, id, *order);
            }
        }
        state
    }

    /// Something is asked of one.
    pub(super) fn give_order(&mut self, now: Now, id: TransferId, order: Order) {
        let Some(entry) = self.transfers.get_mut(&id) else {
            return;
        };
        entry.order = order;
        let priority = entry.transfer().map(|transfer| entry.priority(&transfer));
        match order.held {
            true => self.queue.hold(now, id),
            false => self.queue.release(now, id),
        };
        if let Some(priority) = priority {
            self.queue.reprioritise(now, id, priority);
        }
        if order.cancelled {
            self.queue.cancel(now, id);
        }
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
        self.note_arrivals(&transfer);
        self.transfers.insert(id, Entry::new(transfer));
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
            self.unread.remove(&(before, id));
        }
        match self.is_unread(id) {
            true => self.unread.insert((place, id)),
            false => self.ended.insert((place, id)),
        };
        self.watchers.tell(&Event::Ended(id));
    }

    /// Whether nobody needs to wait for it. What is not known, never happens.
    pub(super) fn has_happened(&self, event: &Event) -> bool {
        match event {
            Event::Ended(id) => self.transfers.get(id).is_none_or(Entry::has_ended),
            Event::Arrived(app) => self.inboxes.contains_key(app),
            Event::Arrives(_) => false,
        }
    }

    /// The oldest of those that have ended, if there are more than that: it is forgotten.
    pub(super) fn forget_one(&mut self, limits: &DeskLimits) -> Option<TransferId> {
        let (_, id) = if self.ended.len() > limits.ended_max {
            self.ended.pop_first()?
        } else if self.unread.len() > limits.unread_max {
            let oldest = self.unread.pop_first()?;
            self.counts.unread_forgotten += 1;
            oldest
        } else {
            return None;
        };
        let entry = self.transfers.remove(&id);
        if let Some(transfer) = entry.as_ref().and_then(Entry::transfer) {
            for (index, leg) in (0..).zip(&transfer.legs) {
                self.acknowledged.remove(&(id, index));
                if let Recipient::App(app) = &leg.recipient {
                    self.take_from_inbox(app, id, index);
                }
            }
            let request_id = transfer.request.request_id.clone();
            self.keys.remove(&(transfer.sender.clone(), request_id));
        }
        Some(id)
    }

    /// A leg of one that runs is another.
    pub(super) fn note_leg(&mut self, transfer: &Transfer) {
        if let Some(entry) = self.transfers.get_mut(&transfer.id) {
            entry.is_now(transfer.clone());
        }
        self.note_arrivals(transfer);
    }

    /// So many octets for a leg of one that runs are there.
    pub(super) fn note_copied(&mut self, id: TransferId, leg: usize, done_bytes: u64) {
        let entry = self.transfers.get_mut(&id);
        let transfer = entry.and_then(Entry::open_mut);
        let leg = transfer.and_then(|transfer| transfer.legs.get_mut(leg));
        if let Some(leg) = leg
            && matches!(leg.phase, LegPhase::Waiting | LegPhase::Copying { .. })
        {
            leg.phase = LegPhase::Copying { done_bytes };
        }
    }

    /// A recipient has taken what came to it.
    pub(super) fn note_acknowledged(&mut self, app: &AppId, id: TransferId, leg: u32) {
        let ended = match self.transfers.get(&id) {
            Some(entry) => entry.ended,
            None => return,
        };
        self.acknowledged.insert((id, leg));
        self.take_from_inbox(app, id, leg);
        if let Some(place) = ended
            && !self.is_unread(id)
            && self.unread.remove(&(place, id))
        {
            self.ended.insert((place, id));
        }
    }

    pub(super) fn note_arrivals(&mut self, transfer: &Transfer) {
        let id = transfer.id;
        for (index, leg) in (0..).zip(&transfer.legs) {
            let has_arrived = leg.phase == LegPhase::Committed;
            if let Recipient::App(app) = &leg.recipient
                && has_arrived
                && !self.acknowledged.contains(&(id, index))
                && self.ways.is_folder(app)
            {
                let inbox = self.inboxes.entry(app.clone()).or_default();
                if inbox.insert((id, index)) {
                    self.watchers.tell(&Event::Arrived(app.clone()));
                    self.watchers.tell(&Event::Arrives(app.clone()));
                }
            }
        }
    }

    fn take_from_inbox(&mut self, app: &AppId, id: TransferId, leg: u32) {
        if let Some(inbox) = self.inboxes.get_mut(app) {
            inbox.remove(&(id, leg));
            if inbox.is_empty() {
                self.inboxes.remove(app);
            }
        }
    }

    fn is_unread(&self, id: TransferId) -> bool {
        let entry = self.transfers.get(&id);
        let Some(transfer) = entry.and_then(Entry::transfer) else {
            return false;
        };
        (0..).zip(&transfer.legs).any(|(index, leg)| {
            let is_here = matches!(&leg.recipient, Recipient::App(app) if self.ways.is_folder(app));
            let has_arrived = leg.phase == LegPhase::Committed;
            is_here && has_arrived && !self.acknowledged.contains(&(id, index))
        })
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
