//! What makes files and names durable, counted and told step by step.

use std::fs::File;
use std::os::fd::OwnedFd;

use rustix::fs::fsync;

use crate::store::step::{Step, Steps};
use crate::store::{StoreError, failed};

/// How often the disk was waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectoryCounts {
    /// Syncs of files.
    pub file_syncs: u64,
    /// Syncs of directories.
    pub directory_syncs: u64,
}

#[derive(Debug, Default)]
pub(super) struct Durable {
    pub(super) steps: Steps,
    pub(super) counts: DirectoryCounts,
}

impl Durable {
    /// Waits until what a file holds is on the disk.
    pub(super) fn file(&mut self, file: &File, name: &str, step: Step) -> Result<(), StoreError> {
        self.counts.file_syncs += 1;
        let synced = file.sync_all();
        synced.map_err(|error| failed(format!("syncing {name}"), error))?;
        self.steps.done(step);
        Ok(())
    }

    /// Waits until the names in a directory are on the disk.
    pub(super) fn names(&mut self, directory: &OwnedFd, step: Step) -> Result<(), StoreError> {
        self.counts.directory_syncs += 1;
        fsync(directory).map_err(|error| failed("syncing a directory", error))?;
        self.steps.done(step);
        Ok(())
    }

    /// A directory was made in this one.
    pub(super) fn made_directory(&mut self, directory: &OwnedFd) -> Result<(), StoreError> {
        self.names(directory, Step::DirectoryMade)
    }
}
