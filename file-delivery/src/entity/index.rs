//! Which transactions have something to do: found without looking at all of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::pdu::TransactionId;

/// Priority, arrival.
type DataOrder = (Reverse<u8>, u64);

/// What a transaction has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ToDo {
    pub(super) directive: bool,
    /// Priority and arrival of one that has file data.
    pub(super) data: Option<(u8, u64)>,
    /// Time of contact at which its timer runs out.
    pub(super) due: Option<Duration>,
    /// Work on files that waits for nothing.
    pub(super) work: bool,
}

#[derive(Debug, Default)]
pub(super) struct Index {
    all: BTreeMap<TransactionId, ToDo>,
    directives: BTreeSet<TransactionId>,
    data: BTreeSet<(DataOrder, TransactionId)>,
    due: BTreeSet<(Duration, TransactionId)>,
    work: BTreeSet<TransactionId>,
}

impl Index {
    /// From now on a transaction has this to do; nothing, if it is over.
    pub(super) fn set(&mut self, id: TransactionId, to_do: ToDo) {
        let before = match to_do == ToDo::default() {
            true => self.all.remove(&id),
            false => self.all.insert(id, to_do),
        };
        if before == Some(to_do) {
            return;
        }
        if let Some(before) = before {
            self.directives.remove(&id);
            self.work.remove(&id);
            if let Some((priority, arrival)) = before.data {
                self.data.remove(&((Reverse(priority), arrival), id));
            }
            if let Some(due) = before.due {
                self.due.remove(&(due, id));
            }
        }
        if to_do.directive {
            self.directives.insert(id);
        }
        if to_do.work {
            self.work.insert(id);
        }
        if let Some((priority, arrival)) = to_do.data {
            self.data.insert(((Reverse(priority), arrival), id));
        }
        if let Some(due) = to_do.due {
            self.due.insert((due, id));
        }
    }

    pub(super) fn directive(&self) -> Option<TransactionId> {
        self.directives.first().copied()
    }

    /// The first of the highest priority.
    pub(super) fn data(&self) -> Option<TransactionId> {
        self.data.first().map(|(_, id)| *id)
    }

    pub(super) fn next_due(&self) -> Option<Duration> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Those whose timers ran out by `contact`.
    pub(super) fn due(&self, contact: Duration) -> Vec<TransactionId> {
        let due = self.due.iter().take_while(|(due, _)| *due <= contact);
        due.map(|(_, id)| *id).collect()
    }

    pub(super) fn has_work(&self) -> bool {
        !self.work.is_empty()
    }

    pub(super) fn work(&self) -> Vec<TransactionId> {
        self.work.iter().copied().collect()
    }
}
