//! An entity from a table of a configuration: files in a folder, and a journal beside it.

mod settings;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub use settings::{Checksum, FileSettings, Nak, PeerSettings, SettingsError};

use crate::agent::FileAgent;
use crate::entity::Entity;
use crate::pdu::TransactionId;
use crate::store::{Directory, JournalError, RedbJournal, StoreError};

/// A transaction number as large as no entity reaches by counting.
const NUMBER_UNUSED: u64 = 1 << 31;
const NUMBER_RANDOM: u32 = 1 << 30;

/// Why there is no entity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A folder cannot be made.
    #[error("cannot make the folder {}: {source}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder of the files cannot be used.
    #[error("the files in {}: {source}", path.display())]
    Files {
        /// Which.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// The journal cannot be used; for one, another process has it.
    #[error("the journal {}: {source}", path.display())]
    Journal {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: JournalError,
    },
}

/// The entity of `settings`, which were [checked](FileSettings::check), as it was left.
///
/// # Errors
/// [`OpenError`]: what cannot be used.
pub fn open(settings: &FileSettings) -> Result<FileAgent<Directory, RedbJournal>, OpenError> {
    make_folder(&settings.root)?;
    if let Some(beside) = settings.journal.parent() {
        make_folder(beside)?;
    }
    let no_files = |source| OpenError::Files {
        path: settings.root.clone(),
        source,
    };
    let no_journal = |source| OpenError::Journal {
        path: settings.journal.clone(),
        source,
    };
    let store = Directory::open(&settings.root, settings.limits()).map_err(no_files)?;
    let mut journal = RedbJournal::open(&settings.journal).map_err(no_journal)?;
    let mut config = settings.entity();
    if let Some(damaged) = journal.take_set_aside() {
        // Which numbers were given is not known, but that they were not as large.
        config.first_number = NUMBER_UNUSED | u64::from(fastrand::u32(..NUMBER_RANDOM));
        log::error!(
            "the journal of transactions was damaged and is kept as {}: what was under way is lost",
            damaged.display()
        );
    }
    let entity = Entity::new(Instant::now(), config, settings.peers(), store, journal);
    let mut entity = entity.map_err(no_journal)?;
    let known: Vec<TransactionId> = entity.stagings().map(|of| of.transaction).collect();
    let cleared = entity.store().clear_unknown_staging(&known);
    log::debug!("places of staging: {:?}", cleared.map_err(no_files)?);
    Ok(FileAgent::new(entity))
}

fn make_folder(path: &Path) -> Result<(), OpenError> {
    fs::create_dir_all(path).map_err(|source| OpenError::Folder {
        path: path.to_owned(),
        source,
    })
}
