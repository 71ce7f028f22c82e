//! An entity from a table of a configuration: files in a folder, and a journal beside it.

mod settings;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub use settings::{Checksum, FileSettings, Nak, PeerSettings, SettingsError};

use crate::agent::FileAgent;
use crate::entity::Entity;
use crate::pdu::TransactionId;
use crate::store::{Directory, FileStore, JournalError, RedbJournal, StoreError};

/// A transaction number as large as no entity reaches by counting.
const NUMBER_UNUSED: u64 = 1 << 31;
const NUMBER_RANDOM: u32 = 1 << 30;
/// The first second of 2020.
const UNIX_S_2020: u64 = 1_577_836_800;

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
    open_with(settings, |directory| directory)
}

/// The same with a store of its own: what `wrap` makes of the folder of the files.
///
/// # Errors
/// As there.
pub fn open_with<S>(
    settings: &FileSettings,
    wrap: impl FnOnce(Directory) -> S,
) -> Result<FileAgent<S, RedbJournal>, OpenError>
where
    S: FileStore + AsMut<Directory> + Send + 'static,
    S::Source: Send,
    S::Staged: Send,
{
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
    config.first_number = number_of(SystemTime::now());
    if let Some(damaged) = journal.take_set_aside() {
        // Which numbers were given is not known, but that they were not as large.
        config.first_number = NUMBER_UNUSED | u64::from(fastrand::u32(..NUMBER_RANDOM));
        log::error!(
            "the journal of transactions was damaged and is kept as {}: what was under way is lost",
            damaged.display()
        );
    }
    let store = wrap(store);
    let entity = Entity::new(Instant::now(), config, settings.peers(), store, journal);
    let mut entity = entity.map_err(no_journal)?;
    let known: Vec<TransactionId> = entity.stagings().map(|of| of.transaction).collect();
    let cleared = entity.store().as_mut().clear_unknown_staging(&known);
    log::debug!("places of staging: {:?}", cleared.map_err(no_files)?);
    Ok(FileAgent::new(entity))
}

/// The number from which an entity counts that starts now, if its journal has none above.
///
/// Its peers may know numbers that its journal does not: of an entity with its id on a disk
/// that is gone, or from before an old journal was put back. They drop what comes under these.
/// So it is the seconds since 2020, which is larger than any number that was given, as long
/// as there was less than a transaction a second, and the clock is right.
fn number_of(now: SystemTime) -> u64 {
    let since_2020 = now.duration_since(UNIX_EPOCH + Duration::from_secs(UNIX_S_2020));
    let seconds = since_2020.map_or(0, |time| time.as_secs());
    seconds.min(NUMBER_UNUSED - 1)
}

fn make_folder(path: &Path) -> Result<(), OpenError> {
    fs::create_dir_all(path).map_err(|source| OpenError::Folder {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_counts_from_above_what_one_before_it_counted() {
        let at = |unix_s| number_of(UNIX_EPOCH + Duration::from_secs(unix_s));
        assert_eq!(at(UNIX_S_2020 + 7), 7);
        assert!(at(2_000_000_000) > at(1_800_000_000));
        // A clock that is not set.
        assert_eq!(at(0), 0);
        assert!(at(u64::from(u32::MAX)) < NUMBER_UNUSED);
    }

    #[test]
    fn a_journal_that_is_there_goes_on_counting() {
        use crate::entity::PutRequest;
        use crate::pdu::{EntityId, TransactionId};
        let folder = tempfile::tempdir().unwrap();
        let settings = FileSettings {
            root: folder.path().join("files"),
            journal: folder.path().join("files.redb"),
            ..FileSettings::default()
        };
        let begin = || -> TransactionId {
            let mut agent = open(&settings).unwrap();
            let request = PutRequest::without_file(EntityId(2));
            agent.entity().put(Instant::now(), &request).unwrap()
        };
        let (first, second) = (begin(), begin());
        assert!(first.number.0 > 0);
        assert!(second.number.0 > first.number.0);
    }
}
