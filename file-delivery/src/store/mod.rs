//! What an entity keeps outside its memory: files, and the journal of its transactions.
//!
//! Both are traits, so that the entity does no I/O of its own: on a real system
//! [`Directory`] and [`RedbJournal`] stand behind them, in a simulation a model that loses
//! what was not synced when the power is cut ([`memory`]).

#[cfg(target_os = "linux")]
pub mod directory;
pub mod memory;
pub mod redb_journal;
mod step;

use std::fmt;
use std::io;

use crate::StoreName;
use crate::pdu::TransactionId;
use crate::pdu::tlv::{FilestoreRequest, FilestoreStatus};

#[cfg(target_os = "linux")]
pub use directory::{Directory, DirectoryLimits};
pub use redb_journal::RedbJournal;
pub use step::{AtStep, Step};

/// Why the store did not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such file or directory.
    #[error("there is no {name}")]
    Missing {
        /// Its name.
        name: String,
    },
    /// The store does not allow it: no regular file, a link, a name that is the store's
    /// own, a quota.
    #[error("{name} is not allowed: {why}")]
    NotAllowed {
        /// The name.
        name: String,
        /// Which rule.
        why: String,
    },
    /// The store never takes such a file: whoever sends it again hears the same.
    #[error("{name} is refused: {why}")]
    Refused {
        /// The name.
        name: String,
        /// Why.
        why: String,
    },
    /// What came is not the file that its name says.
    #[error("{name} is another file than was sent: {why}")]
    WrongOctets {
        /// The name.
        name: String,
        /// By what that is seen.
        why: String,
    },
    /// The system refused it.
    #[error("{what} failed: {error}")]
    Failed {
        /// What was tried, with which name.
        what: String,
        /// What the system said.
        error: String,
    },
}

/// What a file was when it was opened: another one is another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileIdentity {
    /// Octets.
    pub size: u64,
    /// When it was changed last, in ns since 1970.
    pub modified_ns: i128,
    /// The inode, or something like it.
    pub number: u64,
}

/// Where a file is put together before it has its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staging {
    /// The transaction that it comes by: no two have the same place.
    pub transaction: TransactionId,
    /// The file that it will be: the place is in the same directory. Without, it is in
    /// the root.
    pub beside: Option<StoreName>,
}

/// The files beneath one root.
///
/// # For implementors
///
/// - Names are resolved beneath the root, through no link; only regular files are opened.
/// - `write` need not be durable. What was written is, once `sync` has returned.
/// - After `deliver` has returned, the file has its name and is whole whatever happens;
///   before, its name has what it had. Nothing else is ever visible under a name.
/// - Places of staging are not visible to `open`, `perform` and `list`.
pub trait FileStore {
    /// A file that is read.
    type Source;
    /// A file that is put together.
    type Staged;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`StoreError`]: it is not there, or no regular file.
    fn open(&mut self, name: &StoreName) -> Result<(Self::Source, FileIdentity), StoreError>;

    /// Fills `octets` from `offset` on.
    ///
    /// # Errors
    /// [`StoreError`]: also when the file ends before.
    fn read(
        &mut self,
        source: &mut Self::Source,
        offset: u64,
        octets: &mut [u8],
    ) -> Result<(), StoreError>;

    /// Whether a file of this name may come, and of that size, where it is known: asked once
    /// its name is, and before it is staged under it. By default any may.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where it never may; others where it may another time.
    fn may_receive(
        &mut self,
        name: &StoreName,
        transaction: TransactionId,
        size: Option<u64>,
    ) -> Result<(), StoreError> {
        let _ = (name, transaction, size);
        Ok(())
    }

    /// Opens the place of a transaction, with what was written there, or makes it.
    /// `size` octets are expected, where that is known.
    ///
    /// # Errors
    /// [`StoreError`]: also when quota or free space do not have room for `size`.
    fn stage(&mut self, staging: &Staging, size: Option<u64>) -> Result<Self::Staged, StoreError>;

    /// Writes octets at `offset`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn write(
        &mut self,
        staged: &mut Self::Staged,
        offset: u64,
        octets: &[u8],
    ) -> Result<(), StoreError>;

    /// Fills `octets` from what was written at `offset`.
    ///
    /// # Errors
    /// [`StoreError`]: also where less was written.
    fn read_staged(
        &mut self,
        staged: &mut Self::Staged,
        offset: u64,
        octets: &mut [u8],
    ) -> Result<(), StoreError>;

    /// Makes what was written durable.
    ///
    /// # Errors
    /// [`StoreError`].
    fn sync(&mut self, staged: &mut Self::Staged) -> Result<(), StoreError>;

    /// Gives the file of exactly `size` octets its name, in the place of any other.
    /// Done again after a restart, it finds it done.
    ///
    /// # Errors
    /// [`StoreError`]; what has the name is as it was.
    fn deliver(&mut self, staging: &Staging, size: u64, name: &StoreName)
    -> Result<(), StoreError>;

    /// Removes the place of a transaction; one that is not there is removed.
    ///
    /// # Errors
    /// [`StoreError`].
    fn discard(&mut self, staging: &Staging) -> Result<(), StoreError>;

    /// Does what a filestore request asks for; durable when it returns.
    fn perform(&mut self, request: &FilestoreRequest<'_>) -> FilestoreStatus;

    /// The names in a directory, sorted, those of directories with a `/` behind; of the
    /// root without a name.
    ///
    /// # Errors
    /// [`StoreError`].
    fn list(&mut self, directory: Option<&StoreName>) -> Result<Vec<String>, StoreError>;
}

/// Why the journal did not keep something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal of transactions failed: {0}")]
pub struct JournalError(pub String);

/// One change of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// What is known of a transaction from now on.
    Put(TransactionId, Vec<u8>),
    /// A transaction is not known any more.
    Remove(TransactionId),
    /// The next transaction of this entity has at least this number.
    NextNumber(u64),
}

/// What the journal holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journaled {
    /// The last record of each transaction that is known, in the order of their ids.
    pub records: Vec<(TransactionId, Vec<u8>)>,
    /// The next number; 0 where none was ever put.
    pub next_number: u64,
}

/// What is known of transactions, across restarts.
pub trait Journal {
    /// All that it holds.
    ///
    /// # Errors
    /// [`JournalError`].
    fn load(&mut self) -> Result<Journaled, JournalError>;

    /// Makes changes, all or none of them. When it returns they are durable.
    ///
    /// # Errors
    /// [`JournalError`]; none of them was made.
    fn commit(&mut self, changes: &[Change]) -> Result<(), JournalError>;
}

/// How a name begins that is the store's own.
const OWN_PREFIX: &str = ".cfdp-";

/// Whether a name, or a directory that it is in, is the store's own.
fn is_own(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with(OWN_PREFIX))
}

fn refuse_own(name: &StoreName) -> Result<(), StoreError> {
    match is_own(name.as_str()) {
        true => Err(not_allowed(name, "such names are the store's own")),
        false => Ok(()),
    }
}

fn missing(name: &impl fmt::Display) -> StoreError {
    StoreError::Missing {
        name: name.to_string(),
    }
}

fn not_allowed(name: &impl fmt::Display, why: impl Into<String>) -> StoreError {
    StoreError::NotAllowed {
        name: name.to_string(),
        why: why.into(),
    }
}

fn failed(what: impl Into<String>, error: impl Into<io::Error>) -> StoreError {
    StoreError::Failed {
        what: what.into(),
        error: error.into().to_string(),
    }
}
