//! The journal on the disk: one database, written by one thread, so that many transfers
//! wait for the disk once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use kept_database::{DatabaseFile, explained};
use redb::{Database, Durability, Error, ReadableDatabase, ReadableTable, TableDefinition};

use super::{Journal, JournalError};
use crate::record::{Order, Transfer, TransferId};

/// Octets of the database's cache in memory.
const CACHE_BYTES: usize = 1 << 20;
/// Changes of one commit at most, and that wait for one.
const CHANGES_MAX: usize = 1024;

/// Number → the last record.
const TRANSFERS: TableDefinition<u64, &[u8]> = TableDefinition::new("transfers");
/// Number, and which of its legs was acknowledged.
const ACKNOWLEDGED: TableDefinition<(u64, u32), ()> = TableDefinition::new("acknowledged");
/// Number → what was asked of it.
const ORDERS: TableDefinition<u64, &[u8]> = TableDefinition::new("orders");

/// A journal in a file. Clones are the same journal; the last one that goes ends its thread,
/// with everything on the disk.
#[derive(Clone, Debug)]
pub struct RedbJournal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// None once it ends.
    work: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
    set_aside: Arc<Mutex<Option<PathBuf>>>,
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

#[derive(Debug)]
enum Work {
    Change {
        change: Change,
        /// Who waits for it; nobody where it need not be durable.
        reply: Option<Sender<Result<(), JournalError>>>,
    },
    Load(Sender<Result<Read, JournalError>>),
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
        let set_aside = Arc::new(Mutex::new(file.take_set_aside()));
        let (work, works) = bounded(CHANGES_MAX);
        let told = Arc::clone(&set_aside);
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || run(file, &works, &told))
            .map_err(|error| JournalError(format!("no thread: {error}")))?;
        Ok(RedbJournal(Arc::new(Inner {
            path: path.to_owned(),
            work: Some(work),
            thread: Some(thread),
            set_aside,
        })))
    }

    /// Where a damaged database is kept now, if one was found since this was asked last. Of
    /// the transfers that were under way then, the new one knows what came after.
    pub fn take_set_aside(&self) -> Option<PathBuf> {
        let aside = self.0.set_aside.lock();
        aside.unwrap_or_else(PoisonError::into_inner).take()
    }

    fn ask<T>(&self, work: impl FnOnce(Sender<T>) -> Work) -> Result<T, JournalError> {
        let (reply, replied) = bounded(1);
        self.hand_in(work(reply))?;
        replied.recv().map_err(|_| self.0.ended())
    }

    fn hand_in(&self, work: Work) -> Result<(), JournalError> {
        let sender = self.0.work.as_ref();
        let handed_in = sender.is_some_and(|sender| sender.send(work).is_ok());
        handed_in.then_some(()).ok_or_else(|| self.0.ended())
    }
}

impl Journal for RedbJournal {
    fn load(&self) -> Result<Vec<Transfer>, JournalError> {
        let Read { records, .. } = self.ask(Work::Load)??;
        let path = self.0.path.display();
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
        let change = encoded(transfer)?;
        self.ask(|reply| Work::Change {
            change,
            reply: Some(reply),
        })?
    }

    fn note(&self, transfer: &Transfer) -> Result<(), JournalError> {
        let change = encoded(transfer)?;
        self.hand_in(Work::Change {
            change,
            reply: None,
        })
    }

    fn load_acknowledged(&self) -> Result<Vec<(TransferId, u32)>, JournalError> {
        Ok(self.ask(Work::Load)??.acknowledged)
    }

    fn acknowledge(&self, id: TransferId, leg: u32) -> Result<(), JournalError> {
        self.ask(|reply| Work::Change {
            change: Change::Acknowledge(id, leg),
            reply: Some(reply),
        })?
    }

    fn load_orders(&self) -> Result<Vec<(TransferId, Order)>, JournalError> {
        let orders = self.ask(Work::Load)??.orders;
        let path = self.0.path.display();
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
        self.ask(|reply| Work::Change {
            change: Change::Order(id, octets),
            reply: Some(reply),
        })?
    }

    fn remove(&self, id: TransferId) -> Result<(), JournalError> {
        self.ask(|reply| Work::Change {
            change: Change::Remove(id),
            reply: Some(reply),
        })?
    }
}

impl Inner {
    fn ended(&self) -> JournalError {
        JournalError(format!("{}: its thread has ended", self.path.display()))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.work.take());
        if let Some(thread) = self.thread.take() {
            // It told of a panic itself.
            let _ = thread.join();
        }
    }
}

fn encoded(transfer: &Transfer) -> Result<Change, JournalError> {
    let octets = transfer.encode();
    let octets = octets.map_err(|error| JournalError(error.to_string()))?;
    Ok(Change::Put(transfer.id, octets))
}

/// The thread: what waits goes into one commit.
fn run(mut file: DatabaseFile, works: &Receiver<Work>, set_aside: &Mutex<Option<PathBuf>>) {
    while let Ok(first) = works.recv() {
        let mut changes = Vec::new();
        let mut replies = Vec::new();
        let mut loads = Vec::new();
        let more = works.try_iter().take(CHANGES_MAX - 1);
        for work in std::iter::once(first).chain(more) {
            match work {
                Work::Change { change, reply } => {
                    changes.push(change);
                    replies.extend(reply);
                }
                Work::Load(reply) => loads.push(reply),
            }
        }
        let durability = match replies.is_empty() {
            true => Durability::None,
            false => Durability::Immediate,
        };
        let written = match changes.is_empty() {
            true => Ok(()),
            false => file.with(|database| write(database, &changes, durability)),
        };
        let written = written.map_err(|error| JournalError(explained(file.path(), &error)));
        if let (Err(error), true) = (&written, replies.is_empty()) {
            log::warn!("{error}");
        }
        for reply in replies {
            // Who does not wait any more, does not want to know.
            let _ = reply.send(written.clone());
        }
        for reply in loads {
            let read = file.with(read);
            let read = read.map_err(|error| JournalError(explained(file.path(), &error)));
            let _ = reply.send(read);
        }
        if let Some(aside) = file.take_set_aside() {
            log::error!(
                "the journal of transfers was damaged and is kept as {}",
                aside.display()
            );
            *set_aside.lock().unwrap_or_else(PoisonError::into_inner) = Some(aside);
        }
    }
    // What nobody waits for, too.
    if let Err(error) = file.with(|database| write(database, &[], Durability::Immediate)) {
        log::warn!("{}", explained(file.path(), &error));
    }
}

fn prepare(database: &Database) -> Result<(), Error> {
    write(database, &[], Durability::Immediate)?;
    read(database).map(|_| ())
}

fn write(database: &Database, changes: &[Change], durability: Durability) -> Result<(), Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(durability)?;
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
