//! What nobody wants any more is removed after a time; never what is queued.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Store, disk};
use crate::item::Uuid;
use crate::work_directory::{DATA_SUFFIX, META_SUFFIX, id_of};

impl Store {
    /// Removes what is older than `age` and of no use: uploads, what is dead, new versions of
    /// the agent, and halves of pairs in `transfers/`; a whole pair there stays, whoever's it is.
    /// Of what is queued `is_queued` knows.
    /// How many files that were.
    pub fn clean(&self, age: Duration, is_queued: &dyn Fn(Uuid) -> bool) -> usize {
        let places = &self.places;
        let mut removed = 0;
        for directory in [
            &places.uploads,
            &places.dead,
            &places.upgrades,
            &places.transfers,
        ] {
            let is_transfers = directory == &places.transfers;
            let is_kept = |name: &str| {
                let id = id_of(name, DATA_SUFFIX).or_else(|| id_of(name, META_SUFFIX));
                let is_item =
                    |id| disk::is_there(&self.record(id)) || is_queued(id) || self.is_whole(id);
                is_transfers && id.is_none_or(is_item)
            };
            removed += remove_old(directory, age, is_transfers, &is_kept);
        }
        removed
    }
}

/// In `transfers/`, a file is as old as its name: its octets may be older than the item.
fn remove_old(
    directory: &Path,
    age: Duration,
    by_name: bool,
    is_kept: &dyn Fn(&str) -> bool,
) -> usize {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            log::warn!("cannot look through {}: {error}", directory.display());
            return 0;
        }
    };
    let now = SystemTime::now();
    let mut removed = 0;
    for entry in entries.flatten() {
        let Ok(found) = entry.metadata() else {
            continue;
        };
        let modified = found.modified().ok();
        let named = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(
            u64::try_from(found.ctime()).unwrap_or(0),
        ));
        let at = match by_name {
            true => modified.max(named),
            false => modified,
        };
        let since = at.and_then(|at| now.duration_since(at).ok());
        let is_old = since.is_some_and(|since| since >= age);
        let name = entry.file_name();
        if !is_old || found.is_dir() || name.to_str().is_none_or(is_kept) {
            continue;
        }
        log::info!(
            "{}: older than {} s, removed",
            entry.path().display(),
            age.as_secs()
        );
        disk::remove_or_say(&entry.path());
        removed += 1;
    }
    removed
}
