//! What goes next: per topic three stages, urgent before bulk before surplus, each first in,
//! first out. No clock, no thread and no disk is in it: time is a parameter, in ms from any
//! moment on.
//!
//! ```text
//! insert ─▶ urgent ──TTL──▶ bulk ──TTL──▶ surplus ──TTL──▶ expired
//!              └───────────────┴── next ──────┴──▶ out ──put_back──▶ where it was
//! ```
//!
//! - A TTL of zero skips its stage. An item that is out ages on: it comes back to the stage that
//!   it is in by then.
//! - Topics take turns within a stage.
//! - Where room is needed, the oldest surplus goes first, then the oldest bulk; never what is
//!   urgent, and never what is out.

mod stage;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::item::{Topic, TtlParams, Uuid};

pub use stage::Stage;

/// A moment, in ms from the same moment as all others.
pub type Ms = u64;

/// What the queue is to know of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Its topic.
    pub topic: Topic,
    /// Octets that it takes on the disk.
    pub bytes: u64,
    /// How long it stays in each stage, as it was sent with.
    pub ttl: TtlParams,
    /// The stage that somebody put it into, and for how many s.
    pub chosen: Option<(Stage, u64)>,
    /// How long ago that was, or else how long ago it was handed over, in ms.
    pub age: Ms,
}

/// The queue.
#[derive(Debug, Default)]
pub struct Queue {
    items: HashMap<Uuid, Item>,
    /// What waits, in the order in which it goes: by stage and topic.
    lines: BTreeMap<(Stage, Topic), BTreeSet<Place>>,
    /// When each is in another stage, or expires.
    due: BTreeSet<(Ms, Uuid)>,
    /// The topic whose turn was last, of each stage.
    turns: BTreeMap<Stage, Topic>,
    next_number: u64,
}

/// The order of those of one stage and topic: by when they came to it.
type Place = (u64, Uuid);

#[derive(Debug)]
struct Item {
    topic: Topic,
    bytes: u64,
    /// As it was sent with.
    ttl: TtlParams,
    /// None where it has expired while it was out.
    stage: Option<Stage>,
    number: u64,
    /// In whose line it stands.
    stands_in: Option<Stage>,
    is_out: bool,
    /// When it leaves urgent, bulk and surplus.
    ends: [Ms; 3],
    due: Ms,
}

impl Queue {
    /// One more; one that is known stays as it is. False where it has expired already: it is
    /// not in the queue then.
    pub fn insert(&mut self, now: Ms, id: Uuid, ticket: Ticket) -> bool {
        self.place(now, id, ticket, false)
    }

    /// One more that is out already, though it should have expired.
    pub fn insert_out(&mut self, now: Ms, id: Uuid, ticket: Ticket) {
        self.place(now, id, ticket, true);
    }

    fn place(&mut self, now: Ms, id: Uuid, ticket: Ticket, is_out: bool) -> bool {
        if self.items.contains_key(&id) {
            return true;
        }
        let ttl = ticket
            .chosen
            .map_or(ticket.ttl, |(stage, stays)| stage.ttl(ticket.ttl, stays));
        let ends = ends(now, ticket.age, ttl);
        let number = self.take_number();
        let item = Item {
            topic: ticket.topic,
            bytes: ticket.bytes,
            ttl: ticket.ttl,
            stage: None,
            number,
            stands_in: None,
            is_out,
            ends,
            due: now,
        };
        self.items.insert(id, item);
        self.settle(now, id)
    }

    /// Whether there is such an item, and in which stage it is; none where it has expired and
    /// is out.
    #[must_use]
    pub fn stage(&self, id: Uuid) -> Option<Option<Stage>> {
        self.items.get(&id).map(|item| item.stage)
    }

    /// Whether it is out.
    #[must_use]
    pub fn is_out(&self, id: Uuid) -> bool {
        self.items.get(&id).is_some_and(|item| item.is_out)
    }

    /// How many there are, those that are out among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many octets the items of a stage take, and how many they are.
    #[must_use]
    pub fn depth(&self, stage: Stage) -> (usize, u64) {
        let items = self.items.values();
        let of_stage = items.filter(|item| item.stage == Some(stage));
        of_stage.fold((0, 0), |(count, bytes), item| {
            (count + 1, u64::saturating_add(bytes, item.bytes))
        })
    }

    /// Moves what is due; what has expired and is not out, is gone from the queue: for
    /// whoever calls to remove.
    pub fn tick(&mut self, now: Ms) -> Vec<Uuid> {
        let mut expired = Vec::new();
        while let Some((at, id)) = self.due.first().copied()
            && at <= now
        {
            if !self.settle(now, id) {
                expired.push(id);
            }
        }
        expired
    }

    /// When to [`tick`](Self::tick) again; none while nothing is due ever.
    #[must_use]
    pub fn next_due(&self) -> Option<Ms> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The next that goes: it is out until it is [put back](Self::put_back) or
    /// [removed](Self::remove).
    pub fn take_next(&mut self) -> Option<Uuid> {
        self.take_next_where(|_| true, |_| true)
    }

    /// The same of those topics and those items that may go; others are passed over and keep
    /// their places.
    pub fn take_next_where(
        &mut self,
        may_topic: impl Fn(&Topic) -> bool,
        may_item: impl Fn(Uuid) -> bool,
    ) -> Option<Uuid> {
        for stage in Stage::ALL {
            let Some((topic, id)) = self.next_of(stage, &may_topic, &may_item) else {
                continue;
            };
            self.leave_line(id);
            self.turns.insert(stage, topic);
            if let Some(item) = self.items.get_mut(&id) {
                item.is_out = true;
            }
            return Some(id);
        }
        None
    }

    /// This one goes, whether it is next or not: whoever was before this process has it. False
    /// where it is not there.
    pub fn take(&mut self, id: Uuid) -> bool {
        self.leave_line(id);
        let item = self.items.get_mut(&id);
        item.is_some_and(|item| {
            item.is_out = true;
            true
        })
    }

    /// When it leaves its stage.
    #[must_use]
    pub fn due(&self, id: Uuid) -> Option<Ms> {
        let item = self.items.get(&id).filter(|item| item.stage.is_some());
        item.map(|item| item.due)
    }

    /// One that was out waits again, in its old place where it is still in that stage. False
    /// where it has expired meanwhile: it is gone then.
    pub fn put_back(&mut self, now: Ms, id: Uuid) -> bool {
        match self.items.get_mut(&id) {
            Some(item) => item.is_out = false,
            None => return false,
        }
        self.settle(now, id)
    }

    /// It is gone.
    pub fn remove(&mut self, id: Uuid) {
        self.leave_line(id);
        if let Some(item) = self.items.remove(&id) {
            self.due.remove(&(item.due, id));
        }
    }

    /// It is in that stage from now on, for `stays` s, and then in those behind it for as long
    /// as it was sent with. False where there is no such item.
    pub fn set_stage(&mut self, now: Ms, id: Uuid, stage: Stage, stays: u64) -> bool {
        let Some(item) = self.items.get_mut(&id) else {
            return false;
        };
        item.ends = ends(now, 0, stage.ttl(item.ttl, stays));
        self.settle(now, id)
    }

    /// Which may go to make room for so many octets: the oldest surplus first, then the oldest
    /// bulk. Empty where all of them would not be enough.
    #[must_use]
    pub fn evictable(&self, bytes: u64) -> Vec<Uuid> {
        let mut chosen = Vec::new();
        let mut room = 0_u64;
        for stage in [Stage::Surplus, Stage::Bulk] {
            let lines = self.lines.iter().filter(|((of, _), _)| *of == stage);
            let mut waiting: Vec<Place> =
                lines.flat_map(|(_, line)| line.iter().copied()).collect();
            waiting.sort_unstable();
            for (_, id) in waiting {
                if room >= bytes {
                    return chosen;
                }
                room = room.saturating_add(self.items.get(&id).map_or(0, |item| item.bytes));
                chosen.push(id);
            }
        }
        if room >= bytes { chosen } else { Vec::new() }
    }

    /// The first that may go of the topic that is next of those that have such a one in that
    /// stage.
    fn next_of(
        &self,
        stage: Stage,
        may_topic: impl Fn(&Topic) -> bool,
        may_item: impl Fn(Uuid) -> bool,
    ) -> Option<(Topic, Uuid)> {
        let last = self.turns.get(&stage);
        let is_after = |topic: &Topic| last.is_none_or(|last| topic > last);
        // First the topics behind the last one, then all from the beginning.
        [true, false].into_iter().find_map(|is_behind| {
            let lines = self.lines.iter();
            let lines = lines.filter(|((of, topic), _)| {
                *of == stage && (!is_behind || is_after(topic)) && may_topic(topic)
            });
            lines
                .filter_map(|((_, topic), line)| {
                    let (_, id) = line.iter().find(|(_, id)| may_item(*id))?;
                    Some((topic.clone(), *id))
                })
                .next()
        })
    }

    /// Puts one where it belongs at that time. False where it has expired and is gone.
    fn settle(&mut self, now: Ms, id: Uuid) -> bool {
        self.leave_line(id);
        let Some(item) = self.items.get_mut(&id) else {
            return false;
        };
        self.due.remove(&(item.due, id));
        let stages = Stage::ALL.into_iter().zip(item.ends);
        let stage = stages.into_iter().find(|(_, end)| now < *end);
        let was = item.stage;
        item.stage = stage.map(|(stage, _)| stage);
        let Some((stage, end)) = stage else {
            let is_out = item.is_out;
            if !is_out {
                self.items.remove(&id);
            }
            return is_out;
        };
        item.due = end;
        self.due.insert((end, id));
        if was.is_some_and(|was| was != stage) {
            // It comes last in the stage that it comes to.
            item.number = self.next_number;
            self.next_number += 1;
        }
        if !item.is_out {
            item.stands_in = Some(stage);
            let line = self.lines.entry((stage, item.topic.clone())).or_default();
            line.insert((item.number, id));
        }
        true
    }

    fn leave_line(&mut self, id: Uuid) {
        let Some(item) = self.items.get_mut(&id) else {
            return;
        };
        let Some(stage) = item.stands_in.take() else {
            return;
        };
        let key = (stage, item.topic.clone());
        if let Some(line) = self.lines.get_mut(&key) {
            line.remove(&(item.number, id));
            if line.is_empty() {
                self.lines.remove(&key);
            }
        }
    }

    fn take_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }
}

/// When an item of that age leaves each stage.
fn ends(now: Ms, age: Ms, ttl: TtlParams) -> [Ms; 3] {
    let mut at = now.saturating_sub(age);
    // Before time began, it was there already.
    let mut early = age.saturating_sub(now);
    [ttl.urgent, ttl.bulk, ttl.surplus].map(|seconds| {
        let stays = seconds.saturating_mul(1000);
        let gone = stays.min(early);
        early -= gone;
        at = at.saturating_add(stays - gone);
        at
    })
}
