//! The order of those that are ready: by level, senders in turns, the first first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::names::AppId;
use crate::record::TransferId;
use crate::request::Priority;

/// Where one stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// As which priority it counts.
    level: Priority,
    /// Which it has.
    priority: Priority,
    sender: AppId,
    id: TransferId,
}

impl Place {
    pub(super) fn new(level: Priority, priority: Priority, sender: AppId, id: TransferId) -> Self {
        Place {
            level,
            priority,
            sender,
            id,
        }
    }
}

/// Those that are ready on one route.
#[derive(Debug, Default)]
pub(super) struct Turns {
    levels: BTreeMap<Priority, Level>,
    /// Of those that are ready, by the priority that they have.
    priorities: BTreeSet<(Priority, TransferId)>,
}

/// Senders take turns: the one that waited longest for its turn is first.
#[derive(Debug, Default)]
struct Level {
    of: HashMap<AppId, Row>,
    turns: BTreeSet<(u64, AppId)>,
    next_turn: u64,
}

#[derive(Debug)]
struct Row {
    turn: u64,
    ids: BTreeSet<TransferId>,
}

impl Turns {
    pub(super) fn insert(&mut self, place: &Place) {
        self.priorities.insert((place.priority, place.id));
        let level = self.levels.entry(place.level).or_default();
        let turn = level.next_turn;
        let row = level.of.entry(place.sender.clone());
        let row = row.or_insert_with(|| Row {
            turn,
            ids: BTreeSet::new(),
        });
        if row.ids.is_empty() {
            level.next_turn += 1;
            level.turns.insert((turn, place.sender.clone()));
        }
        row.ids.insert(place.id);
    }

    pub(super) fn remove(&mut self, place: &Place) {
        self.priorities.remove(&(place.priority, place.id));
        let Some(level) = self.levels.get_mut(&place.level) else {
            return;
        };
        let Some(row) = level.of.get_mut(&place.sender) else {
            return;
        };
        row.ids.remove(&place.id);
        if row.ids.is_empty() {
            level.turns.remove(&(row.turn, place.sender.clone()));
            level.of.remove(&place.sender);
        }
    }

    /// The next to run, which is [left](Self::leave) after that; its sender is last from now
    /// on.
    pub(super) fn take_first(&mut self) -> Option<TransferId> {
        let level = self.levels.values_mut().rev();
        let level = level.into_iter().find(|level| !level.turns.is_empty())?;
        let (turn, sender) = level.turns.pop_first()?;
        let row = level.of.get_mut(&sender)?;
        let id = row.ids.pop_first()?;
        debug_assert_eq!(row.turn, turn);
        match row.ids.is_empty() {
            true => {
                level.of.remove(&sender);
            }
            false => {
                row.turn = level.next_turn;
                level.turns.insert((row.turn, sender));
                level.next_turn += 1;
            }
        }
        Some(id)
    }

    /// One that was taken, with the priority that it has.
    pub(super) fn leave(&mut self, place: &Place) {
        self.priorities.remove(&(place.priority, place.id));
    }

    /// The highest priority that one has which is ready.
    pub(super) fn highest(&self) -> Option<Priority> {
        self.priorities.last().map(|(priority, _)| *priority)
    }
}
