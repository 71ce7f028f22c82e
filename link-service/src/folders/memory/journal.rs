//! The journal of a disk in memory.

use super::{Fate, MemoryDisk, State};
use crate::journal::{Journal, JournalError};
use crate::record::{Order, Transfer, TransferId};

/// The journal of a [`MemoryDisk`], for simulations and tests.
#[derive(Clone, Debug)]
pub struct MemoryJournal(pub(super) MemoryDisk);

impl MemoryJournal {
    fn change(&self, change: impl FnOnce(&mut State)) -> Result<(), JournalError> {
        let mut state = self.0.state();
        match state.fate("writing to the journal") {
            Fate::Made => {
                change(&mut state);
                Ok(())
            }
            Fate::Fails { is_made, error } => {
                if is_made {
                    change(&mut state);
                }
                Err(JournalError(error.to_string()))
            }
        }
    }
}

impl Journal for MemoryJournal {
    fn load(&self) -> Result<Vec<Transfer>, JournalError> {
        let state = self.0.state();
        let mut records = state.records.clone();
        records.extend(state.noted.clone());
        let transfers = records.values().map(|record| Transfer::decode(record));
        let transfers: Result<_, _> = transfers.collect();
        transfers.map_err(|error| JournalError(error.to_string()))
    }

    fn put(&self, transfer: &Transfer) -> Result<(), JournalError> {
        let record = transfer.encode();
        let record = record.map_err(|error| JournalError(error.to_string()))?;
        self.change(|state| {
            state.noted.remove(&transfer.id);
            state.records.insert(transfer.id, record);
        })
    }

    fn put_while(
        &self,
        transfer: &Transfer,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), JournalError> {
        let is_first = self.0.state().random.bool();
        if is_first {
            let put = self.put(transfer);
            meanwhile();
            return put;
        }
        meanwhile();
        self.put(transfer)
    }

    fn note(&self, transfer: &Transfer) -> Result<(), JournalError> {
        let record = transfer.encode();
        let record = record.map_err(|error| JournalError(error.to_string()))?;
        self.change(|state| drop(state.noted.insert(transfer.id, record)))
    }

    fn load_acknowledged(&self) -> Result<Vec<(TransferId, u32)>, JournalError> {
        Ok(self.0.state().acknowledged.iter().copied().collect())
    }

    fn acknowledge(&self, id: TransferId, leg: u32) -> Result<(), JournalError> {
        self.change(|state| {
            state.acknowledged.insert((id, leg));
        })
    }

    fn load_orders(&self) -> Result<Vec<(TransferId, Order)>, JournalError> {
        let state = self.0.state();
        Ok(state
            .orders
            .iter()
            .map(|(id, order)| (*id, *order))
            .collect())
    }

    fn order(&self, id: TransferId, order: Order) -> Result<(), JournalError> {
        self.change(|state| {
            state.orders.insert(id, order);
        })
    }

    fn remove(&self, id: TransferId) -> Result<(), JournalError> {
        self.change(|state| {
            state.noted.remove(&id);
            state.records.remove(&id);
            state.orders.remove(&id);
            state.acknowledged.retain(|(of, _)| *of != id);
        })
    }
}
