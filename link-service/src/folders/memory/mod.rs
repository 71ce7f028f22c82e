//! Boxes and a journal in memory, for simulations and tests: a model of a disk that loses
//! what was not synced when the power is cut.
//!
//! [`MemoryDisk`] is the disk; [`MemoryFolders`] and [`MemoryJournal`] are handles of it,
//! so that what a service left is there for the next one.
//!
//! Not for flight: what is in it is gone with the process.

mod apps;
mod folders;
mod journal;
mod octets;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{FolderError, Side};
use crate::names::AppId;
use crate::record::{Order, TransferId};

pub use folders::{MemoryDirectory, MemoryFile, MemoryFolders};
pub use journal::MemoryJournal;

use tree::{Number, Tree};

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct MemoryDisk(Arc<Mutex<State>>);

/// What goes wrong once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk fails; a sync that does, loses what it was to keep.
    Io,
    /// There is no room.
    NoSpace,
    /// Two directories are on different file systems.
    OtherFileSystem,
    /// Only a part is written, and then the disk fails.
    ShortWrite,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Fault; 4] = [
        Fault::Io,
        Fault::NoSpace,
        Fault::OtherFileSystem,
        Fault::ShortWrite,
    ];
}

#[derive(Debug)]
struct State {
    tree: Tree,
    boxes: BTreeMap<(AppId, Side), Number>,
    owners: BTreeMap<AppId, u32>,
    /// Records that are durable.
    records: BTreeMap<TransferId, Vec<u8>>,
    /// Records that are perhaps.
    noted: BTreeMap<TransferId, Vec<u8>>,
    /// Legs that were acknowledged.
    acknowledged: BTreeSet<(TransferId, u32)>,
    /// What was asked of transfers.
    orders: BTreeMap<TransferId, Order>,
    random: fastrand::Rng,
    bytes_max: u64,
    boot: u128,
    changes: u64,
    /// Changes until the next one fails, and all that follow.
    changes_left: Option<u64>,
    failed: bool,
    /// Changes until one fails, and how; what follows goes on.
    fault: Option<(u64, Fault)>,
    next_sync_corrupts: bool,
    /// So many times it is read, and then waited for.
    hung: Option<(Number, u64)>,
    /// What always fails.
    broken: Option<&'static str>,
}

/// What a disk says that has failed.
const FAILED: &str = "the disk does not answer";

/// What is done when a name is removed, or given to something else.
const REMOVING: &str = "removing";
const RENAMING: &str = "renaming";

/// What becomes of a change.
enum Fate {
    /// It is made.
    Made,
    /// It fails, having been made or not.
    Fails { is_made: bool, error: FolderError },
}

impl MemoryDisk {
    /// An empty disk without a limit. The seed decides what a cut leaves.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        MemoryDisk(Arc::new(Mutex::new(State {
            tree: Tree::default(),
            boxes: BTreeMap::new(),
            owners: BTreeMap::new(),
            records: BTreeMap::new(),
            noted: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            orders: BTreeMap::new(),
            random: fastrand::Rng::with_seed(seed),
            bytes_max: u64::MAX,
            boot: 1,
            changes: 0,
            changes_left: None,
            failed: false,
            fault: None,
            next_sync_corrupts: false,
            hung: None,
            broken: None,
        })))
    }

    /// The boxes on this disk.
    #[must_use]
    pub fn folders(&self) -> MemoryFolders {
        MemoryFolders(self.clone())
    }

    /// The journal on this disk.
    #[must_use]
    pub fn journal(&self) -> MemoryJournal {
        MemoryJournal(self.clone())
    }

    /// Changes that were made since the disk was.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// `changes` more changes are made. The next fails, having been made or not (the seed
    /// decides), and so does everything from then on, until [`power_cut`](Self::power_cut)
    /// or [`restart`](Self::restart).
    pub fn fail_after(&self, changes: u64) {
        self.state().changes_left = Some(changes);
    }

    /// Whether it failed as [`fail_after`](Self::fail_after) said.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.state().failed
    }

    /// `changes` more changes are made, the next has the fault, and what follows goes on.
    pub fn fault_after(&self, changes: u64, fault: Fault) {
        self.state().fault = Some((changes, fault));
    }

    /// Whether the fault is still to come.
    #[must_use]
    pub fn has_fault_to_come(&self) -> bool {
        self.state().fault.is_some()
    }

    /// From now on removing a name fails, until it does not any more.
    pub fn break_removing(&self, is_broken: bool) {
        self.state().broken = is_broken.then_some(REMOVING);
    }

    /// From now on renaming fails, until it does not any more.
    pub fn break_renaming(&self, is_broken: bool) {
        self.state().broken = is_broken.then_some(RENAMING);
    }

    /// The next sync of a file succeeds, and what is on the disk is something else.
    pub fn corrupt_next_sync(&self) {
        self.state().next_sync_corrupts = true;
    }

    /// Cuts the power and gives it back: what was not synced is there or not, in part or
    /// out of order.
    pub fn power_cut(&self) {
        let mut state = self.state();
        let state = &mut *state;
        state.tree.lose(&mut state.random);
        for (id, record) in std::mem::take(&mut state.noted) {
            if state.random.bool() {
                state.records.insert(id, record);
            }
        }
        state.boot += 1;
        state.answer_again();
    }

    /// The process ended and starts again: everything that was written is there.
    pub fn restart(&self) {
        self.state().answer_again();
    }

    /// From now on there is room for so many octets.
    pub fn set_bytes_max(&self, bytes_max: u64) {
        self.state().bytes_max = bytes_max;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn answer_again(&mut self) {
        self.failed = false;
        self.changes_left = None;
        self.fault = None;
    }

    /// What becomes of the next change.
    fn fate(&mut self, what: &str) -> Fate {
        let failed = |error: &str| FolderError::Failed {
            what: what.to_string(),
            error: error.to_string(),
        };
        if self.failed {
            return Fate::Fails {
                is_made: false,
                error: failed(FAILED),
            };
        }
        if self.broken == Some(what) {
            return Fate::Fails {
                is_made: false,
                error: failed("input or output error"),
            };
        }
        if self.changes_left == Some(0) {
            self.failed = true;
            return Fate::Fails {
                is_made: self.random.bool(),
                error: failed(FAILED),
            };
        }
        self.changes_left = self.changes_left.map(|left| left - 1);
        self.changes += 1;
        match self.fault {
            Some((0, fault)) => {
                self.fault = None;
                let what = what.to_string();
                let (is_made, error) = match fault {
                    Fault::Io => (self.random.bool(), failed("input or output error")),
                    Fault::ShortWrite => (false, failed("not all was written")),
                    Fault::NoSpace => {
                        let error = "no space left".to_string();
                        (false, FolderError::NoSpace { what, error })
                    }
                    Fault::OtherFileSystem => (false, FolderError::OtherFileSystem { what }),
                };
                Fate::Fails { is_made, error }
            }
            Some((left, fault)) => {
                self.fault = Some((left - 1, fault));
                Fate::Made
            }
            None => Fate::Made,
        }
    }
}
