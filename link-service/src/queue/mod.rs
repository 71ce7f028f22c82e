//! What runs next: an order of transfers by priority, age and fairness, with retries, holds,
//! cancellation and expiry. No thread, no disk and no clock is in it: time is a parameter,
//! and what runs is for whoever asks.
//!
//! ```text
//! insert ──▶ ready ──poll_run──▶ running ──▶ ended
//!              ▲                   │  may be asked to stop at the next chunk: one of a
//!              ├── its time ◀── retry   higher priority waits, it was cancelled, it expired
//!              └──────────────── stopped
//! cancelled, expired ──poll_over──▶ running, to be given up
//! ```
//!
//! - The higher priority goes first. One that waited for [`QueueLimits::ageing`] counts as one
//!   priority higher, and so on up to `High`: nothing waits for ever. `Critical` is never
//!   reached by waiting.
//! - Of one priority, senders take turns; of one sender, the first goes first.
//! - What can heal is tried again, after a pause that doubles up to
//!   [`QueueLimits::retry_pause_max`].

mod entry;
mod expiry;
mod limits;
mod order;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

pub use entry::{Standing, Ticket};
pub use expiry::{Deadline, Now};
pub use limits::{Full, QueueLimits};

use crate::names::AppId;
use crate::record::TransferId;
use crate::request::Priority;
use entry::Entry;
use order::{Place, Turns};

/// By what a transfer goes. Each route runs so many at once as its slots say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// From folder to folder.
    Local,
    /// To the ground.
    Downlink,
    /// To another spacecraft.
    Crosslink(AppId),
    /// Into the bucket of that name.
    Bucket(AppId),
}

/// Why one that runs is to stop at its next chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// One of a higher priority waits for its slot.
    Preempted,
    /// Somebody wants it no more.
    Cancelled,
    /// Its time is over.
    Expired,
    /// It was put on hold.
    Held,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// Nothing more becomes of it.
    Ended,
    /// It may heal: again, later.
    Retry,
    /// It stopped, as it was asked to.
    Stopped,
}

/// Transfers that have not ended.
#[derive(Debug)]
pub struct Queue {
    limits: QueueLimits,
    entries: BTreeMap<TransferId, Entry>,
    /// How many are open, of each sender.
    open: HashMap<AppId, usize>,
    turns: BTreeMap<Route, Turns>,
    running: BTreeMap<Route, BTreeSet<TransferId>>,
    /// When one is ready again, or counts as one priority higher, or expires.
    due: BTreeSet<(Instant, TransferId)>,
    /// Cancelled or expired, and to be given up.
    over: BTreeSet<TransferId>,
}

impl Queue {
    /// With nothing in it.
    #[must_use]
    pub fn new(limits: QueueLimits) -> Self {
        Queue {
            limits,
            entries: BTreeMap::new(),
            open: HashMap::new(),
            turns: BTreeMap::new(),
            running: BTreeMap::new(),
            due: BTreeSet::new(),
            over: BTreeSet::new(),
        }
    }

    /// Whether there is room for one more of `sender`.
    ///
    /// # Errors
    /// [`Full`], which says when to try again.
    pub fn room(&self, sender: &AppId, priority: Priority) -> Result<(), Full> {
        let open = self.open_of(sender);
        self.limits.room(self.entries.len(), open, priority)
    }

    /// One more, which was accepted, or was found in the journal. It is for whoever calls to
    /// look for [room](Self::room) before it is accepted; here all are taken.
    pub fn insert(&mut self, now: Now, id: TransferId, ticket: Ticket) {
        if self.entries.contains_key(&id) {
            return;
        }
        // Those that are older than this one have their place first.
        self.pass_time(now);
        *self.open.entry(ticket.sender.clone()).or_default() += 1;
        self.entries.insert(id, Entry::new(now, ticket));
        self.make_ready(now, id);
    }

    /// How many of `sender` have not ended.
    #[must_use]
    pub fn open_of(&self, sender: &AppId) -> usize {
        self.open.get(sender).copied().unwrap_or(0)
    }

    /// How many have not ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether all have ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How one stands; nothing of one that has ended.
    #[must_use]
    pub fn standing(&self, id: TransferId) -> Option<Standing> {
        self.entries.get(&id).map(|entry| entry.standing)
    }

    /// How often one was tried that has not ended.
    #[must_use]
    pub fn attempts(&self, id: TransferId) -> Option<u32> {
        self.entries.get(&id).map(|entry| entry.attempts)
    }

    /// The next that is to run on `route`, if a slot is free. It runs from now on.
    pub fn poll_run(&mut self, now: Now, route: &Route) -> Option<TransferId> {
        self.pass_time(now);
        if self.slots_free(route) == 0 {
            return None;
        }
        let turns = self.turns.get_mut(route)?;
        let id = turns.take_first()?;
        let entry = self.entries.get_mut(&id)?;
        entry.standing = Standing::Running;
        if let Some(place) = entry.place.take() {
            turns.leave(&place);
        }
        self.running.entry(route.clone()).or_default().insert(id);
        Some(id)
    }

    /// Whether one that runs is to stop at its next chunk.
    #[must_use]
    pub fn stop(&self, now: Now, id: TransferId) -> Option<Stop> {
        let entry = self.entries.get(&id)?;
        if entry.cancelled {
            return Some(Stop::Cancelled);
        }
        if entry.deadline.is_over(now) {
            return Some(Stop::Expired);
        }
        if entry.held {
            return Some(Stop::Held);
        }
        // Nobody is stopped for one that is only old, nor one that would be next again.
        let first = self.turns.get(&entry.route)?.highest()?;
        let waits = first > self.level(now, entry) && self.slots_free(&entry.route) == 0;
        let is_lowest = || self.lowest_running(now, &entry.route) == Some(id);
        (waits && is_lowest()).then_some(Stop::Preempted)
    }

    /// One that ran does not run any more.
    pub fn handle_ran(&mut self, now: Now, id: TransferId, ran: Ran) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        if let Some(running) = self.running.get_mut(&entry.route) {
            running.remove(&id);
        }
        match ran {
            Ran::Ended => self.remove(id),
            Ran::Stopped => self.make_ready(now, id),
            Ran::Retry => {
                entry.attempts = entry.attempts.saturating_add(1);
                let pause = self.limits.retry_pause(id, entry.attempts);
                entry.retry_at = Some(now.monotonic + pause);
                self.make_ready(now, id);
            }
        }
    }

    /// Nobody wants it any more: it is to be [given up](Self::poll_over), once it has stopped
    /// where it runs. False if it has ended.
    pub fn cancel(&mut self, now: Now, id: TransferId) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else {
            return false;
        };
        entry.cancelled = true;
        self.make_ready(now, id);
        true
    }

    /// It goes on by another route, from its place there on. It does not run.
    pub fn reroute(&mut self, now: Now, id: TransferId, route: Route) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        if let (Some(place), Some(turns)) = (entry.place.take(), self.turns.get_mut(&entry.route)) {
            turns.remove(&place);
        }
        if let Some(running) = self.running.get_mut(&entry.route) {
            running.remove(&id);
        }
        entry.route = route;
        self.make_ready(now, id);
    }

    /// It is not to run until it is [let go](Self::release).
    pub fn hold(&mut self, now: Now, id: TransferId) -> bool {
        self.set_held(now, id, true)
    }

    /// It may run again.
    pub fn release(&mut self, now: Now, id: TransferId) -> bool {
        self.set_held(now, id, false)
    }

    /// It has another priority from now on.
    pub fn reprioritise(&mut self, now: Now, id: TransferId, priority: Priority) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else {
            return false;
        };
        entry.priority = priority;
        self.make_ready(now, id);
        true
    }

    /// One that is to be given up, and why. It runs from now on, whatever slots there are.
    pub fn poll_over(&mut self, now: Now) -> Option<(TransferId, Stop)> {
        self.pass_time(now);
        let id = self.over.pop_first()?;
        let entry = self.entries.get_mut(&id)?;
        entry.standing = Standing::Running;
        let running = self.running.entry(entry.route.clone()).or_default();
        running.insert(id);
        match entry.cancelled {
            true => Some((id, Stop::Cancelled)),
            false => Some((id, Stop::Expired)),
        }
    }

    /// When to look again, if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    fn set_held(&mut self, now: Now, id: TransferId, held: bool) -> bool {
        let Some(entry) = self.entries.get_mut(&id) else {
            return false;
        };
        entry.held = held;
        self.make_ready(now, id);
        true
    }

    fn slots_free(&self, route: &Route) -> usize {
        let running = self.running.get(route).map_or(0, BTreeSet::len);
        self.limits.slots(route).saturating_sub(running)
    }

    /// Of those that run, the one that stops for others: of the lowest priority the newest.
    fn lowest_running(&self, now: Now, route: &Route) -> Option<TransferId> {
        let running = self.running.get(route)?.iter();
        let running = running.filter_map(|id| self.entries.get_key_value(id));
        let lowest = running.min_by_key(|(id, entry)| (self.level(now, entry), Reverse(**id)));
        lowest.map(|(id, _)| *id)
    }

    fn level(&self, now: Now, entry: &Entry) -> Priority {
        self.limits.aged(now, entry.since, entry.priority).0
    }

    fn pass_time(&mut self, now: Now) {
        while let Some((at, id)) = self.due.first().copied()
            && at <= now.monotonic
        {
            self.due.remove(&(at, id));
            self.make_ready(now, id);
        }
    }

    /// Finds out where one stands that does not run, and when to look again.
    fn make_ready(&mut self, now: Now, id: TransferId) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let turns = self.turns.entry(entry.route.clone()).or_default();
        if let Some(place) = entry.place.take() {
            turns.remove(&place);
        }
        if let Some(at) = entry.look_at.take() {
            self.due.remove(&(at, id));
        }
        let is_running = self.running.get(&entry.route);
        if is_running.is_some_and(|running| running.contains(&id)) {
            // It finds out by itself, when it asks whether to stop.
            return;
        }
        self.over.remove(&id);
        let is_over = entry.cancelled || entry.deadline.is_over(now);
        entry.retry_at = entry.retry_at.filter(|at| *at > now.monotonic);
        entry.standing = match (is_over, entry.held, entry.retry_at) {
            (true, _, None) => Standing::Over,
            (true, _, Some(_)) => Standing::Waits,
            (false, true, _) => Standing::Held,
            (false, false, Some(_)) => Standing::Waits,
            (false, false, None) => Standing::Ready,
        };
        if entry.standing == Standing::Over {
            self.over.insert(id);
            return;
        }
        let mut look_at = entry.deadline.next_look(now).filter(|_| !is_over);
        if entry.standing == Standing::Ready {
            let (level, higher_at) = self.limits.aged(now, entry.since, entry.priority);
            let place = Place::new(level, entry.priority, entry.sender.clone(), id);
            turns.insert(&place);
            entry.place = Some(place);
            look_at = look_at.into_iter().chain(higher_at).min();
        }
        look_at = look_at.into_iter().chain(entry.retry_at).min();
        if let Some(at) = look_at {
            entry.look_at = Some(at);
            self.due.insert((at, id));
        }
    }

    fn remove(&mut self, id: TransferId) {
        let Some(entry) = self.entries.remove(&id) else {
            return;
        };
        if let (Some(place), Some(turns)) = (&entry.place, self.turns.get_mut(&entry.route)) {
            turns.remove(place);
        }
        if let Some(at) = entry.look_at {
            self.due.remove(&(at, id));
        }
        self.over.remove(&id);
        if let Some(open) = self.open.get_mut(&entry.sender) {
            *open -= 1;
            if *open == 0 {
                self.open.remove(&entry.sender);
            }
        }
    }
}
