//! Windows, uploads, tokens and the audit log, on the disk: `tasking.sqlite`.
//!
//! What belongs together changes together or not at all: [`Store::change`] is one transaction,
//! and what it did is durable when it returns.

mod audit;
mod keys;
mod schema;
mod tokens;
mod uploads;
mod windows;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, TransactionBehavior};

pub(crate) use keys::KeptAnswer;
pub(crate) use uploads::{NewUpload, UploadFilter};
pub(crate) use windows::WindowFilter;

use crate::database::{self, DatabaseError};

/// Rows that are removed in one transaction at most.
pub(crate) const REMOVED_MAX: usize = 1_000;

/// Why the store does not do what it is to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(transparent)]
    Open(#[from] DatabaseError),
    #[error("tasking.sqlite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("tasking.sqlite holds what it cannot hold: {0}")]
    Damaged(String),
}

impl StoreError {
    /// Whether the disk is full.
    pub(crate) fn is_full(&self) -> bool {
        let StoreError::Sqlite(error) = self else {
            return false;
        };
        error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
    }
}

/// The file, open.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Mutex<Connection>,
}

/// What is done with the tables; within [`Store::change`] as one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tables<'c>(&'c Connection);

impl Store {
    /// Opens it, or makes it.
    ///
    /// # Errors
    /// [`StoreError::Open`].
    pub(crate) fn open(file: &Path) -> Result<Store, StoreError> {
        let connection = database::open(file, &schema::STEPS)?;
        Ok(Store {
            connection: Mutex::new(connection),
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        let connection = self.connection.lock();
        connection.unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what `change` does, all of it or, where that fails, nothing.
    pub(crate) fn change<T, E>(&self, change: impl FnOnce(Tables) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let mut connection = self.connection();
        let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = begun.map_err(StoreError::from)?;
        let changed = change(Tables(&transaction))?;
        transaction.commit().map_err(StoreError::from)?;
        Ok(changed)
    }

    /// Looks at the tables as they are at one time.
    pub(crate) fn look<T, E>(&self, look: impl FnOnce(Tables) -> Result<T, E>) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let mut connection = self.connection();
        let begun = connection.transaction().map_err(StoreError::from)?;
        look(Tables(&begun))
    }
}

/// A number of the file that is to be unsigned.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
