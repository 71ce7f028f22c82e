//! The journal of transactions on the disk: one `redb` database.
//!
//! A commit is one transaction of the database. There are as many records as the entity
//! has transactions: its limit is the journal's.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kept_database::{DatabaseFile, Watch, explained};

use redb::{Database, Durability, Error, ReadableDatabase, ReadableTable, TableDefinition};

use super::step::{AtStep, Step, Steps};
use super::{Change, Journal, JournalError, Journaled};
use crate::pdu::{EntityId, TransactionId, TransactionSeq};

/// Octets of the database's cache in memory.
const CACHE_BYTES: usize = 1 << 20;

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
    file: DatabaseFile,
    told: Arc<Told>,
    commits: u64,
}

/// What is told of the file.
#[derive(Debug, Default)]
struct Told {
    syncs: AtomicU64,
    steps: Mutex<Steps>,
}

impl Told {
    fn done(&self, step: Step) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.done(step);
    }
}

impl Watch for Told {
    fn written(&self) {
        self.done(Step::JournalWritten);
    }

    fn synced(&self) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.done(Step::JournalSynced);
    }
}

impl RedbJournal {
    /// Opens the journal at `path`, or begins one; its directory is made. A damaged one is
    /// kept aside, and a new one begun: [`take_set_aside`](Self::take_set_aside) tells.
    ///
    /// # Errors
    /// [`JournalError`]: it cannot be made or read, or another process has it open.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let told = Arc::new(Told::default());
        let watch = Arc::clone(&told) as Arc<dyn Watch>;
        let opened = DatabaseFile::open_watched(path, CACHE_BYTES, prepare, watch);
        Ok(RedbJournal {
            file: opened.map_err(|error| failed(path, &error))?,
            told,
            commits: 0,
        })
    }

    /// Where a damaged database is kept now, if one was found since this was asked last.
    /// The new one has no transactions, and **knows no number**: who goes on must not
    /// begin at one that was used.
    pub fn take_set_aside(&mut self) -> Option<PathBuf> {
        self.file.take_set_aside()
    }

    /// How often the disk was waited for.
    pub fn counts(&self) -> JournalCounts {
        JournalCounts {
            commits: self.commits,
            syncs: self.told.syncs.load(Ordering::Relaxed),
        }
    }

    /// Calls `at_step` after each [`Step`] from now on: for tests, which end
    /// the process there.
    pub fn at_each_step(&mut self, at_step: AtStep) {
        let mut steps = self
            .told
            .steps
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        steps.tell(at_step);
    }

    fn with_database<T>(
        &mut self,
        run: impl FnOnce(&Database) -> Result<T, Error>,
    ) -> Result<T, JournalError> {
        let ran = self.file.with(run);
        ran.map_err(|error| failed(self.file.path(), &error))
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

/// Makes the tables, and reads all of them.
fn prepare(database: &Database) -> Result<(), Error> {
    write(database, &[])?;
    read(database).map(|_| ())
}

fn failed(path: &Path, error: &Error) -> JournalError {
    JournalError(explained(path, error))
}
