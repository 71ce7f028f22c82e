//! The journal on the disk: one database, to whose commits many transfers go together.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kept_database::{DatabaseFile, explained};
use redb::{Database, Error, ReadableDatabase, ReadableTable, TableDefinition};

use super::group::Group;
use super::{Journal, JournalError};
use crate::record::{Order, Transfer, TransferId};

/// Octets of the database's cache in memory.
const CACHE_BYTES: usize = 1 << 20;
/// Changes at most that wait for a commit, where nobody waits for them.
const NOTED_MAX: usize = 1024;

/// Number → the last record.
const TRANSFERS: TableDefinition<u64, &[u8]> = TableDefinition::new("transfers");
/// Number, and which of its legs was acknowledged.
const ACKNOWLEDGED: TableDefinition<(u64, u32), ()> = TableDefinition::new("acknowledged");
/// Number → what was asked of it.
const ORDERS: TableDefinition<u64, &[u8]> = TableDefinition::new("orders");

/// A journal in a file. Clones are the same journal; the last one that goes leaves everything
/// on the disk.
#[derive(Clone, Debug)]
pub struct RedbJournal {
    changes: Arc<Group<Change, JournalError>>,
    disk: Arc<Disk>,
}

#[derive(Debug)]
struct Disk {
    path: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    file: DatabaseFile,
    set_aside: Option<PathBuf>,
}

#[derive(Debug)]
enum Change {
    Put(TransferId, Vec<u8>),
    Acknowledge(TransferId, u32),
    Order(TransferId, Vec<u8>),
    Remove(TransferId),
}

/// All that is in it.
#[derive(Debug, Default)]
struct Read {
    records: Vec<Vec<u8>>,
    acknowledged: Vec<(TransferId, u32)>,
    orders: Vec<(TransferId, Vec<u8>)>,
}

impl RedbJournal {
    /// Opens the journal at `path`, or begins one; its directory is made. A damaged one is
    /// kept aside, and a new one begun: [`take_set_aside`](Self::take_set_aside) tells.
    ///
    /// # Errors
    /// [`JournalError`]: it cannot be made or read, or another process has it open.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let opened = DatabaseFile::open(path, CACHE_BYTES, prepare);
        let mut file = opened.map_err(|error| JournalError(explained(path, &error)))?;
        let set_aside = file.take_set_aside();
        let disk = Arc::new(Disk {
            path: path.to_owned(),
            kept: Mutex::new(Kept { file, set_aside }),
        });
        let of = path.display();
        let lost = JournalError(format!("{of}: who wrote to it panicked"));
        let of_thread = Arc::clone(&disk);
        let changes = Group::start(lost, move |changes| of_thread.commit(changes));
        let changes = changes.map_err(|error| JournalError(format!("{of}: no thread: {error}")))?;
        Ok(RedbJournal {
            changes: Arc::new(changes),
            disk,
        })
    }

    /// Where a damaged database is kept now, if one was found since this was asked last. Of
    /// the transfers that were under way then, the new one knows what came after.
    pub fn take_set_aside(&self) -> Option<PathBuf> {
        self.disk.kept().set_aside.take()
    }
}

impl Journal for RedbJournal {
    fn load(&self) -> Result<Vec<Transfer>, JournalError> {
        let Read { records, .. } = self.read()?;
        let path = self.disk.path.display();
        let transfers = records.iter().filter_map(|octets| {
            let decoded = Transfer::decode(octets);
            // Nobody knows what it was of: it is left where it is.
            decoded
                .inspect_err(|error| log::error!("{path}: {error}"))
                .ok()
        });
        Ok(transfers.collect())
    }

    fn put(&self, transfer: &Transfer) -> Result<(), JournalError> {
        self.keep(encoded(transfer)?)
    }

    fn put_while(
        &self,
        transfer: &Transfer,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), JournalError> {
        let handed = self.changes.hand_in(encoded(transfer)?);
        meanwhile();
        self.changes.wait(&handed)
    }

    fn note(&self, transfer: &Transfer) -> Result<(), JournalError> {
        self.leave(encoded(transfer)?);
        Ok(())
    }

    fn load_acknowledged(&self) -> Result<Vec<(TransferId, u32)>, JournalError> {
        Ok(self.read()?.acknowledged)
    }

    fn acknowledge(&self, id: TransferId, leg: u32) -> Result<(), JournalError> {
        self.keep(Change::Acknowledge(id, leg))
    }

    fn load_orders(&self) -> Result<Vec<(TransferId, Order)>, JournalError> {
        let orders = self.read()?.orders;
        let path = self.disk.path.display();
        let orders = orders.into_iter().filter_map(|(id, octets)| {
            let decoded = Order::decode(&octets);
            let decoded = decoded.inspect_err(|error| log::error!("{path}: {error}"));
            Some((id, decoded.ok()?))
        });
        Ok(orders.collect())
    }

    fn order(&self, id: TransferId, order: Order) -> Result<(), JournalError> {
        let octets = order.encode();
        let octets = octets.map_err(|error| JournalError(error.to_string()))?;
        self.keep(Change::Order(id, octets))
    }

    fn remove(&self, id: TransferId) -> Result<(), JournalError> {
        self.keep(Change::Remove(id))
    }

    fn forget(&self, id: TransferId) -> Result<(), JournalError> {
        self.leave(Change::Remove(id));
        Ok(())
    }
}

impl RedbJournal {
    /// Makes a change, and waits until it is on the disk.
    fn keep(&self, change: Change) -> Result<(), JournalError> {
        let handed = self.changes.hand_in(change);
        self.changes.wait(&handed)
    }

    /// Makes a change with the next that is waited for.
    fn leave(&self, change: Change) {
        if self.changes.leave(change) > NOTED_MAX {
            self.changes.flush();
        }
    }

    /// All that is in it, and what waits.
    fn read(&self) -> Result<Read, JournalError> {
        self.changes.flush();
        self.disk.with(read)
    }
}

impl Disk {
    fn commit(&self, changes: &[Change]) -> Result<(), JournalError> {
        let written = self.with(|database| write(database, changes));
        written.inspect_err(|error| log::warn!("{error}"))
    }

    fn with<T>(&self, does: impl FnOnce(&Database) -> Result<T, Error>) -> Result<T, JournalError> {
        let mut kept = self.kept();
        let done = kept.file.with(does);
        if let Some(aside) = kept.file.take_set_aside() {
            let (path, kept_as) = (self.path.display(), aside.display());
            log::error!("{path} was damaged and is kept as {kept_as}");
            kept.set_aside = Some(aside);
        }
        done.map_err(|error| JournalError(explained(&self.path, &error)))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encoded(transfer: &Transfer) -> Result<Change, JournalError> {
    let octets = transfer.encode();
    let octets = octets.map_err(|error| JournalError(error.to_string()))?;
    Ok(Change::Put(transfer.id, octets))
}

fn prepare(database: &Database) -> Result<(), Error> {
    write(database, &[])?;
    read(database).map(|_| ())
}

fn write(database: &Database, changes: &[Change]) -> Result<(), Error> {
    let transaction = database.begin_write()?;
    {
        let mut transfers = transaction.open_table(TRANSFERS)?;
        let mut acknowledged = transaction.open_table(ACKNOWLEDGED)?;
        let mut orders = transaction.open_table(ORDERS)?;
        for change in changes {
            match change {
                Change::Put(id, octets) => {
                    transfers.insert(id.0, octets.as_slice())?;
                }
                Change::Acknowledge(id, leg) => {
                    acknowledged.insert((id.0, *leg), ())?;
                }
                Change::Order(id, octets) => {
                    orders.insert(id.0, octets.as_slice())?;
                }
                Change::Remove(id) => {
                    transfers.remove(id.0)?;
                    orders.remove(id.0)?;
                    let legs = (id.0, 0)..=(id.0, u32::MAX);
                    acknowledged.retain_in(legs, |_, ()| false)?;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

fn read(database: &Database) -> Result<Read, Error> {
    let transaction = database.begin_read()?;
    let transfers = transaction.open_table(TRANSFERS)?;
    let mut all = Read::default();
    for found in transfers.iter()? {
        all.records.push(found?.1.value().to_vec());
    }
    for found in transaction.open_table(ACKNOWLEDGED)?.iter()? {
        let (id, leg) = found?.0.value();
        all.acknowledged.push((TransferId(id), leg));
    }
    for found in transaction.open_table(ORDERS)?.iter()? {
        let (id, octets) = found?;
        all.orders
            .push((TransferId(id.value()), octets.value().to_vec()));
    }
    Ok(all)
}
