//! What is known of transfers, across restarts.

mod group;
mod redb;

pub use self::redb::RedbJournal;

use crate::record::{Order, Transfer, TransferId};

/// Why the journal did not keep something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal of transfers failed: {0}")]
pub struct JournalError(pub String);

/// The last record of each transfer.
///
/// # For implementors
///
/// - Several threads put at once; a record that is durable for one may be so for all.
/// - A [`put`](Journal::put) that fails may have been made.
pub trait Journal: Send + Sync {
    /// All transfers that are known, in the order of their ids.
    ///
    /// # Errors
    /// [`JournalError`].
    fn load(&self) -> Result<Vec<Transfer>, JournalError>;

    /// What is known of a transfer from now on. When it returns, it is durable.
    ///
    /// # Errors
    /// [`JournalError`].
    fn put(&self, transfer: &Transfer) -> Result<(), JournalError>;

    /// The same, and does something else meanwhile: nobody knows what of both is first. It is
    /// done also where this fails.
    ///
    /// # Errors
    /// [`JournalError`].
    fn put_while(
        &self,
        transfer: &Transfer,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), JournalError> {
        meanwhile();
        self.put(transfer)
    }

    /// As [`put`](Self::put), of what the disk says as well: it may be lost by a cut of the power, and
    /// need not be waited for.
    ///
    /// # Errors
    /// [`JournalError`].
    fn note(&self, transfer: &Transfer) -> Result<(), JournalError> {
        self.put(transfer)
    }

    /// Which legs of transfers were acknowledged by their recipients: transfer and index of
    /// the leg.
    ///
    /// # Errors
    /// [`JournalError`].
    fn load_acknowledged(&self) -> Result<Vec<(TransferId, u32)>, JournalError>;

    /// The recipient of a leg has taken what came to it. When it returns, that is durable.
    ///
    /// # Errors
    /// [`JournalError`].
    fn acknowledge(&self, id: TransferId, leg: u32) -> Result<(), JournalError>;

    /// What was asked of transfers since they were accepted.
    ///
    /// # Errors
    /// [`JournalError`].
    fn load_orders(&self) -> Result<Vec<(TransferId, Order)>, JournalError>;

    /// What is asked of a transfer from now on. When it returns, that is durable.
    ///
    /// # Errors
    /// [`JournalError`].
    fn order(&self, id: TransferId, order: Order) -> Result<(), JournalError>;

    /// A transfer is not known any more, nor what was acknowledged or asked of it. When it
    /// returns, that is durable.
    ///
    /// # Errors
    /// [`JournalError`].
    fn remove(&self, id: TransferId) -> Result<(), JournalError>;

    /// The same, and nobody waits for it: after a cut of the power it may be known again.
    ///
    /// # Errors
    /// [`JournalError`].
    fn forget(&self, id: TransferId) -> Result<(), JournalError> {
        self.remove(id)
    }
}
