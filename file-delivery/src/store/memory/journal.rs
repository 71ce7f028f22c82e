//! The journal of a disk in memory.

use super::{FAILED, MemoryDisk};
use crate::store::{Change, Journal, JournalError, Journaled};

/// The journal of a [`MemoryDisk`], for simulations and tests.
#[derive(Clone, Debug)]
pub struct MemoryJournal(pub(super) MemoryDisk);

impl Journal for MemoryJournal {
    fn load(&mut self) -> Result<Journaled, JournalError> {
        let state = self.0.state();
        if state.failed {
            return Err(no_answer());
        }
        let records = state.records.iter();
        Ok(Journaled {
            records: records.map(|(id, record)| (*id, record.clone())).collect(),
            next_number: state.next_number,
        })
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), JournalError> {
        self.0.change(no_answer, |state| {
            for change in changes {
                match change {
                    Change::Put(id, record) => drop(state.records.insert(*id, record.clone())),
                    Change::Remove(id) => drop(state.records.remove(id)),
                    Change::NextNumber(number) => {
                        state.next_number = state.next_number.max(*number);
                    }
                }
            }
            state.counts.commits += 1;
            Ok(())
        })
    }
}

fn no_answer() -> JournalError {
    JournalError(FAILED.to_string())
}
