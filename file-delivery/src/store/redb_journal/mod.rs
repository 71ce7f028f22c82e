//! The journal of transactions on the disk: one `redb` database.
//!
//! A commit is one transaction of the database. There are as many records as the entity
//! has transactions: its limit is the journal's.

mod backend;

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, Durability, Error, ReadableDatabase, ReadableTable, TableDefinition};

use super::step::AtStep;
use super::{Change, Journal, JournalError, Journaled};
use crate::pdu::{EntityId, TransactionId, TransactionSeq};

use backend::{Backend, Told};

/// Octets of the database's cache in memory.
const CACHE_BYTES: usize = 1 << 20;
/// Damaged databases that are kept aside at most.
const SET_ASIDE_MAX: u32 = 100;

/// Source and number → the last record.
const RECORDS: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("transactions");
/// One entry, the next number.
const NEXT_NUMBER: TableDefinition<(), u64> = TableDefinition::new("next-number");

/// How often the disk was waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalCounts {
    /// Commits that are on the disk.
    pub commits: u64,
    /// Syncs of the database's file, those of opening among them.
    pub syncs: u64,
}

/// A journal in a file.
///
/// After an error the next call opens the file again, so that nobody has to restart: of
/// the commit that failed all or nothing is there then.
#[derive(Debug)]
pub struct RedbJournal {
    path: PathBuf,
    /// None after it failed, until it is opened again.
    database: Option<Database>,
    told: Arc<Told>,
    commits: u64,
    set_aside: Option<PathBuf>,
}

impl RedbJournal {
    /// Opens the journal at `path`, or begins one; its directory is made. A damaged one is
    /// kept aside, and a new one begun: [`take_set_aside`](Self::take_set_aside) tells.
    ///
    /// # Errors
    /// [`JournalError`]: it cannot be made or read, or another process has it open.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let mut journal = RedbJournal {
            path: path.to_owned(),
            database: None,
            told: Arc::default(),
            commits: 0,
            set_aside: None,
        };
        if let Some(directory) = directory_of(path) {
            let made = fs::create_dir_all(directory);
            made.map_err(|error| journal.failed(error.into()))?;
        }
        journal.with_database(|_| Ok(()))?;
        Ok(journal)
    }

    /// Where a damaged database is kept now, if one was found since this was asked last.
    /// The new one has no transactions, and **knows no number**: who goes on must not
    /// begin at one that was used.
    pub fn take_set_aside(&mut self) -> Option<PathBuf> {
        self.set_aside.take()
    }

    /// How often the disk was waited for.
    pub fn counts(&self) -> JournalCounts {
        JournalCounts {
            commits: self.commits,
            syncs: self.told.syncs(),
        }
    }

    /// Calls `at_step` after each [`Step`](super::Step) from now on: for tests, which end
    /// the process there.
    pub fn at_each_step(&mut self, at_step: AtStep) {
        self.told.tell(at_step);
    }

    /// Runs with the database, which is opened where it is not.
    fn with_database<T>(
        &mut self,
        run: impl FnOnce(&Database) -> Result<T, Error>,
    ) -> Result<T, JournalError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => {
                let opened = open_or_begin(&self.path, &self.told);
                let (database, aside) = opened.map_err(|error| self.failed(error))?;
                self.set_aside = aside.or(self.set_aside.take());
                database
            }
        };
        let ran = unless_it_panics(|| run(&database));
        match ran {
            Ok(value) => {
                self.database = Some(database);
                Ok(value)
            }
            Err(error) => {
                // It may panic once more on the way out.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
                Err(self.failed(error))
            }
        }
    }

    fn failed(&self, error: Error) -> JournalError {
        let path = self.path.display();
        match error {
            Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch => {
                JournalError(format!("another process has {path} open"))
            }
            error => JournalError(format!("{path}: {error}")),
        }
    }
}

impl Journal for RedbJournal {
    fn load(&mut self) -> Result<Journaled, JournalError> {
        self.with_database(read)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), JournalError> {
        self.with_database(|database| write(database, changes))?;
        self.commits += 1;
        Ok(())
    }
}

fn read(database: &Database) -> Result<Journaled, Error> {
    let transaction = database.begin_read()?;
    let records = transaction.open_table(RECORDS)?;
    let number = transaction.open_table(NEXT_NUMBER)?.get(())?;
    let mut journaled = Journaled {
        records: Vec::new(),
        next_number: number.map_or(0, |number| number.value()),
    };
    for found in records.iter()? {
        let (key, record) = found?;
        let (source, number) = key.value();
        let transaction = TransactionId {
            source: EntityId(source),
            number: TransactionSeq(number),
        };
        journaled
            .records
            .push((transaction, record.value().to_vec()));
    }
    Ok(journaled)
}

fn write(database: &Database, changes: &[Change]) -> Result<(), Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    {
        let mut records = transaction.open_table(RECORDS)?;
        let mut numbers = transaction.open_table(NEXT_NUMBER)?;
        for change in changes {
            match change {
                Change::Put(id, record) => {
                    records.insert(key(*id), record.as_slice())?;
                }
                Change::Remove(id) => {
                    records.remove(key(*id))?;
                }
                Change::NextNumber(number) => {
                    let before = numbers.get(())?.map_or(0, |before| before.value());
                    numbers.insert((), before.max(*number))?;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

fn key(id: TransactionId) -> (u64, u64) {
    (id.source.0, id.number.0)
}

/// Opens or makes the database at `path`. A damaged one is kept aside, which is told.
fn open_or_begin(path: &Path, told: &Arc<Told>) -> Result<(Database, Option<PathBuf>), Error> {
    match open(path, told) {
        Ok(database) => Ok((database, None)),
        Err(error) if is_damage(&error) => {
            let aside = set_aside(path).map_err(Error::Io)?;
            open(path, told).map(|database| (database, Some(aside)))
        }
        Err(error) => Err(error),
    }
}

/// Opens or makes the database at `path`, and reads all of it.
fn open(path: &Path, told: &Arc<Told>) -> Result<Database, Error> {
    unless_it_panics(|| {
        let backend = Backend::open(path, Arc::clone(told))?;
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(backend)?;
        // Makes the tables.
        write(&database, &[])?;
        // So that the database's name is on the disk, too.
        if let Some(directory) = directory_of(path) {
            fs::File::open(directory)?.sync_all()?;
        }
        read(&database)?;
        Ok(database)
    })
}

fn directory_of(path: &Path) -> Option<&Path> {
    let directory = path.parent()?;
    match directory.as_os_str().is_empty() {
        true => Some(Path::new(".")),
        false => Some(directory),
    }
}

/// What the library takes for impossible in a file that it did not write.
fn unless_it_panics<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(Error::Corrupted(
            "the database library panicked on it".to_string(),
        ))
    })
}

fn is_damage(error: &Error) -> bool {
    match error {
        Error::Corrupted(_)
        | Error::RepairAborted
        | Error::UpgradeRequired(_)
        | Error::TableTypeMismatch { .. }
        | Error::TypeDefinitionChanged { .. } => true,
        // No database at all, or one that ends too soon.
        Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
        ),
        _ => false,
    }
}

fn set_aside(path: &Path) -> io::Result<PathBuf> {
    for number in 1..=SET_ASIDE_MAX {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".damaged-{number}"));
        let aside = PathBuf::from(aside);
        // The last place is used again and again.
        if number == SET_ASIDE_MAX || !aside.exists() {
            fs::rename(path, &aside)?;
            return Ok(aside);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
