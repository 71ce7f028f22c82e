//! A store and a journal in memory, for simulations and tests: a model of a disk that
//! loses what was not synced when the power is cut.
//!
//! [`MemoryDisk`] is the disk. Stores and journals are handles of it, so that what an
//! entity left is there for the next one:
//!
//! ```
//! # use file_delivery::store::memory::MemoryDisk;
//! let disk = MemoryDisk::new(7);
//! disk.fail_after(3);
//! let (store, journal) = (disk.store(), disk.journal());
//! // An entity runs with them until its fourth change fails, and is dropped.
//! # drop((store, journal));
//! disk.power_cut();
//! // Another entity runs with what is left.
//! let (store, journal) = (disk.store(), disk.journal());
//! # drop((store, journal));
//! ```
//!
//! Not for flight: what is in it is gone with the process.

mod journal;
mod staged;
mod store;
mod tree;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::StoreError;
use crate::StoreName;
use crate::pdu::TransactionId;

pub use journal::MemoryJournal;
pub use store::{MemorySource, MemoryStaged, MemoryStore};

use staged::StagedFile;
use tree::Tree;

/// What the disk did since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskCounts {
    /// Changes of any kind: what [`MemoryDisk::fail_after`] counts.
    pub changes: u64,
    /// Octets written to places of staging.
    pub octets_written: u64,
    /// Times that a place of staging was made durable.
    pub syncs: u64,
    /// Files that got their name.
    pub delivered: u64,
    /// Filestore requests.
    pub performed: u64,
    /// Transactions of the journal.
    pub commits: u64,
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct MemoryDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    tree: Tree,
    staged: BTreeMap<TransactionId, StagedFile>,
    records: BTreeMap<TransactionId, Vec<u8>>,
    next_number: u64,
    random: fastrand::Rng,
    /// Octets of files and staging that there is room for.
    bytes_max: u64,
    /// Changes until the next one fails, and all that follow.
    changes_left: Option<u64>,
    failed: bool,
    next_sync_fails: bool,
    counts: DiskCounts,
}

/// What a disk says that has failed.
const FAILED: &str = "the disk does not answer";

impl MemoryDisk {
    /// An empty disk without a limit. The seed decides what a cut leaves.
    pub fn new(seed: u64) -> Self {
        MemoryDisk(Arc::new(Mutex::new(State {
            tree: Tree::default(),
            staged: BTreeMap::new(),
            records: BTreeMap::new(),
            next_number: 0,
            random: fastrand::Rng::with_seed(seed),
            bytes_max: u64::MAX,
            changes_left: None,
            failed: false,
            next_sync_fails: false,
            counts: DiskCounts::default(),
        })))
    }

    /// A store on this disk.
    pub fn store(&self) -> MemoryStore {
        MemoryStore(self.clone())
    }

    /// A journal on this disk.
    pub fn journal(&self) -> MemoryJournal {
        MemoryJournal(self.clone())
    }

    /// `changes` more changes are made. The next fails, having been made or not (the seed
    /// decides), and so does everything from then on, until [`power_cut`](Self::power_cut)
    /// or [`restart`](Self::restart).
    pub fn fail_after(&self, changes: u64) {
        self.state().changes_left = Some(changes);
    }

    /// Whether it failed as [`fail_after`](Self::fail_after) said.
    pub fn has_failed(&self) -> bool {
        self.state().failed
    }

    /// The next sync of a place of staging fails, and everything else goes on.
    pub fn fail_next_sync(&self) {
        self.state().next_sync_fails = true;
    }

    /// Cuts the power and gives it back: of what was written and not synced, each write
    /// is there, or is not, or is there in part.
    pub fn power_cut(&self) {
        let mut state = self.state();
        let State { staged, random, .. } = &mut *state;
        staged.retain(|_, file| file.lose(random));
        state.answer_again();
    }

    /// The process ended and starts again: everything that was written is there.
    pub fn restart(&self) {
        self.state().answer_again();
    }

    /// From now on there is room for so many octets of files and staging.
    pub fn set_bytes_max(&self, bytes_max: u64) {
        self.state().bytes_max = bytes_max;
    }

    /// Puts a file there, or another in its place.
    pub fn put(&self, name: &StoreName, octets: &[u8]) {
        let mut state = self.state();
        state.tree.make_parents(name.as_str());
        state.tree.put(name.as_str(), octets.to_vec());
    }

    /// What a file holds; nothing where there is none.
    pub fn file(&self, name: &StoreName) -> Option<Vec<u8>> {
        let state = self.state();
        let file = state.tree.file(name.as_str())?;
        Some(file.octets.to_vec())
    }

    /// The transactions that have a place of staging, in order.
    pub fn staged(&self) -> Vec<TransactionId> {
        self.state().staged.keys().copied().collect()
    }

    /// What it did since it was made.
    pub fn counts(&self) -> DiskCounts {
        self.state().counts
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs what changes nothing, unless the disk has failed.
    fn read<T>(&self, read: impl FnOnce(&State) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let state = self.state();
        match state.failed {
            true => Err(failed("reading", FAILED)),
            false => read(&state),
        }
    }

    /// Runs a change, unless the disk has failed; where it fails at this one, perhaps.
    fn change<T, E>(
        &self,
        no_answer: impl FnOnce() -> E,
        change: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut state = self.state();
        if state.failed {
            return Err(no_answer());
        }
        if state.changes_left == Some(0) {
            state.failed = true;
            if state.random.bool() {
                // Made, but nobody is told.
                let _ = change(&mut state);
            }
            return Err(no_answer());
        }
        state.changes_left = state.changes_left.map(|left| left - 1);
        state.counts.changes += 1;
        change(&mut state)
    }
}

impl State {
    fn answer_again(&mut self) {
        self.failed = false;
        self.changes_left = None;
    }

    /// Octets of files, and of staging with what is expected there.
    fn bytes(&self) -> u64 {
        let staged = self.staged.values().map(StagedFile::reserved_bytes);
        self.tree.bytes().saturating_add(staged.sum())
    }
}

fn failed(what: impl Into<String>, error: &str) -> StoreError {
    StoreError::Failed {
        what: what.into(),
        error: error.to_string(),
    }
}
