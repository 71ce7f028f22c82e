//! Transactions that are over and still known, so that a PDU that comes late, or again,
//! does not begin them anew.

use std::collections::BTreeMap;

use super::record::EndedRecord;
use crate::pdu::{EntityId, TransactionId, TransactionSeq};

#[derive(Debug, Default)]
pub(super) struct Ended {
    known: BTreeMap<TransactionId, EndedRecord>,
    by_order: BTreeMap<u64, TransactionId>,
    /// Of each source the largest number that was forgotten: what is not above is over.
    forgotten: BTreeMap<EntityId, TransactionSeq>,
}

impl Ended {
    /// Remembers one, and gives those that are forgotten for it.
    pub(super) fn insert(
        &mut self,
        id: TransactionId,
        record: EndedRecord,
        ended_max: usize,
    ) -> Vec<TransactionId> {
        self.by_order.insert(record.order, id);
        self.known.insert(id, record);
        let mut forgotten = Vec::new();
        while self.known.len() > ended_max.max(1) {
            let Some((_, oldest)) = self.by_order.pop_first() else {
                break;
            };
            self.known.remove(&oldest);
            let last = self.forgotten.entry(oldest.source).or_insert(oldest.number);
            *last = oldest.number.max(*last);
            forgotten.push(oldest);
        }
        forgotten
    }

    /// Whether a transaction is over: it is known, or older than one that was forgotten.
    pub(super) fn contains(&self, id: &TransactionId) -> bool {
        let forgotten = self.forgotten.get(&id.source);
        self.known.contains_key(id) || forgotten.is_some_and(|last| id.number <= *last)
    }

    /// What was noted of one that is known.
    pub(super) fn verdict(&self, id: &TransactionId) -> Option<u8> {
        self.known.get(id).map(|record| record.verdict)
    }

    pub(super) fn next_order(&self) -> u64 {
        let last = self.by_order.last_key_value();
        last.map_or(0, |(order, _)| order + 1)
    }
}
