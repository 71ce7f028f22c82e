//! Counters. What was accepted is waiting, out, or has ended.

use std::collections::BTreeMap;

use super::ended::End;

/// Since the agent started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Items that were handed over.
    pub handed_over: u64,
    /// Items that were there when it started.
    pub found: u64,
    /// Items by how they ended.
    pub ended: BTreeMap<End, u64>,
    /// Requests that were refused, by why.
    pub refused: BTreeMap<&'static str, u64>,
    /// Items that wait now.
    pub waiting: u64,
    /// Items that the link service has now.
    pub out: u64,
    /// Files that were retrieved.
    pub retrieved: u64,
    /// Files that the cleaner removed.
    pub cleaned: u64,
}

impl Counts {
    pub(super) fn ended(&mut self, end: End) {
        let count = self.ended.entry(end).or_default();
        *count = count.saturating_add(1);
    }

    pub(super) fn refused(&mut self, reason: &'static str) {
        let count = self.refused.entry(reason).or_default();
        *count = count.saturating_add(1);
    }

    /// Items that were accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.handed_over.saturating_add(self.found)
    }
}
