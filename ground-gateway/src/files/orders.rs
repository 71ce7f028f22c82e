//! What commands asked for, on the disk before it is begun and until it has ended; and the
//! last that ended, for whoever comes to ask.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use comms_service::durable_file;
use file_delivery::pdu::TransactionId;
use serde::{Deserialize, Serialize};

use super::passes::Passes;
use super::transfer::Direction;

/// Orders that have ended and are still known.
pub(crate) const ENDED_MAX: usize = 256;
/// Octets of the largest file of orders that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// One file that is to go or come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Drawn by the command: the same order asked for twice is one.
    pub(crate) key: String,
    pub(crate) direction: Direction,
    /// Whether a command of the ground asked for it.
    pub(crate) asked_here: bool,
    /// The transaction, once it is begun.
    pub(crate) transaction: Option<String>,
    /// The name at the satellite.
    pub(crate) remote: String,
    /// Where it is, or will be, on the ground.
    pub(crate) local: PathBuf,
    /// Its name in the store meanwhile.
    pub(crate) stored: String,
    /// Whether it may replace what is at `local`.
    pub(crate) force: bool,
    pub(crate) size: Option<u64>,
    /// It came whole, and is being moved to `local`.
    pub(crate) is_moving: bool,
    pub(crate) end: Option<End>,
}

impl Order {
    pub(crate) fn transaction_id(&self) -> Option<TransactionId> {
        self.transaction.as_ref()?.parse().ok()
    }
}

/// How an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    /// Ends are numbered, from 1.
    pub(crate) number: u64,
    /// Why the file is not where it should be; none if it is.
    pub(crate) failure: Option<String>,
}

/// All orders, and the file that has them.
#[derive(Debug)]
pub(crate) struct Orders {
    path: PathBuf,
    known: Known,
    /// The file is another process's now.
    is_closed: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    pending: Vec<Order>,
    ended: VecDeque<Order>,
    ends: u64,
    passes: Passes,
}

impl Orders {
    /// Those in the file at `path`. One that cannot be read is kept aside, with none known.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let known = match read(&path) {
            Ok(known) => known,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Known::default(),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let aside = path.with_extension("damaged");
                fs::rename(&path, &aside)?;
                log::error!(
                    "the orders of files are damaged ({error}) and kept as {}: what was asked for \
                     stays in the store when it comes",
                    aside.display()
                );
                Known::default()
            }
            Err(error) => return Err(error),
        };
        Ok(Orders {
            path,
            known,
            is_closed: false,
        })
    }

    /// Nothing is written any more: the file is about to be another process's.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
    }

    fn save(&self) -> io::Result<()> {
        if self.is_closed {
            return Err(io::Error::other(
                "this process does not hold the link any more",
            ));
        }
        let octets = serde_json::to_vec(&self.known)?;
        durable_file::replace(&self.path, &octets)
    }

    pub(crate) fn pending(&self) -> impl Iterator<Item = &Order> {
        self.known.pending.iter()
    }

    /// The newest last.
    pub(crate) fn ended(&self) -> impl Iterator<Item = &Order> {
        self.known.ended.iter()
    }

    /// How many ended, ever.
    pub(crate) fn ends(&self) -> u64 {
        self.known.ends
    }

    pub(crate) fn passes(&self) -> &Passes {
        &self.known.passes
    }

    /// One that is pending or ended.
    pub(crate) fn find(&self, key: &str) -> Option<&Order> {
        let mut all = self.known.pending.iter().chain(&self.known.ended);
        all.find(|order| order.key == key)
    }

    /// Adds one; it is durable when this returns.
    pub(crate) fn add(&mut self, order: Order) -> io::Result<()> {
        self.known.pending.push(order);
        let saved = self.save();
        if saved.is_err() {
            self.known.pending.pop();
        }
        saved
    }

    /// Changes a pending one; it is durable when this returns.
    pub(crate) fn change(&mut self, key: &str, change: impl FnOnce(&mut Order)) -> io::Result<()> {
        let mut pending = self.known.pending.iter_mut();
        if let Some(order) = pending.find(|order| order.key == key) {
            change(order);
        }
        self.save()
    }

    /// Forgets one that did not begin.
    pub(crate) fn withdraw(&mut self, key: &str) -> io::Result<()> {
        self.known.pending.retain(|order| order.key != key);
        self.save()
    }

    /// One has ended.
    pub(crate) fn end(&mut self, key: &str, failure: Option<String>) -> io::Result<()> {
        let pending = &mut self.known.pending;
        if let Some(at) = pending.iter().position(|order| order.key == key) {
            let order = pending.remove(at);
            self.add_ended(order, failure);
        }
        self.save()
    }

    /// One is over that was never pending.
    pub(crate) fn note_ended(&mut self, order: Order, failure: Option<String>) -> io::Result<()> {
        self.add_ended(order, failure);
        self.save()
    }

    fn add_ended(&mut self, mut order: Order, failure: Option<String>) {
        self.known.ends += 1;
        let number = self.known.ends;
        order.end = Some(End { number, failure });
        self.known.ended.push_back(order);
        while self.known.ended.len() > ENDED_MAX {
            self.known.ended.pop_front();
        }
    }

    /// A pass is over that moved so many octets.
    pub(crate) fn add_pass(&mut self, octets: u64) -> io::Result<()> {
        self.known.passes.add(octets);
        self.save()
    }
}

fn read(path: &Path) -> io::Result<Known> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        let problem = format!("it has more than {FILE_BYTES_MAX} octets");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    let octets = fs::read(path)?;
    serde_json::from_slice(&octets)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(key: &str) -> Order {
        Order {
            key: key.to_owned(),
            direction: Direction::Down,
            asked_here: true,
            transaction: None,
            remote: "log.txt".to_owned(),
            local: "/tmp/log.txt".into(),
            stored: format!("incoming/{key}-log.txt"),
            force: false,
            size: None,
            is_moving: false,
            end: None,
        }
    }

    #[test]
    fn orders_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("files.orders.json");
        let mut orders = Orders::open(path.clone()).unwrap();
        orders.add(order("a")).unwrap();
        orders.add(order("b")).unwrap();
        let named = Some("2-1".to_owned());
        orders
            .change("a", |order| order.transaction = named.clone())
            .unwrap();
        orders.end("b", Some("no".to_owned())).unwrap();
        let orders = Orders::open(path).unwrap();
        assert_eq!(orders.pending().count(), 1);
        assert_eq!(orders.find("a").unwrap().transaction, named);
        let end = orders.find("b").unwrap().end.clone().unwrap();
        assert_eq!((end.number, end.failure.as_deref()), (1, Some("no")));
    }

    #[test]
    fn who_let_go_of_the_file_writes_it_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("files.orders.json");
        let mut before = Orders::open(path.clone()).unwrap();
        before.close();
        let mut next = Orders::open(path.clone()).unwrap();
        next.add(order("a")).unwrap();
        assert!(before.add(order("b")).is_err());
        assert!(before.find("b").is_none());
        assert!(Orders::open(path).unwrap().find("a").is_some());
    }

    #[test]
    fn the_last_that_ended_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let mut orders = Orders::open(folder.path().join("orders.json")).unwrap();
        for number in 0..ENDED_MAX + 2 {
            orders.note_ended(order(&number.to_string()), None).unwrap();
        }
        assert_eq!(orders.ended().count(), ENDED_MAX);
        assert!(orders.find("1").is_none() && orders.find("2").is_some());
    }

    #[test]
    fn a_damaged_file_is_kept_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("files.orders.json");
        fs::write(&path, "{").unwrap();
        assert_eq!(Orders::open(path.clone()).unwrap().pending().count(), 0);
        assert!(path.with_extension("damaged").exists());
    }
}
