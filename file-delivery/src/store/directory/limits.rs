//! Limits of a directory, and what is taken of them.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use rustix::fs::fstatvfs;

use crate::pdu::TransactionId;
use crate::store::{StoreError, failed, not_allowed};

/// What transactions may take of the disk. All of it is checked before the first octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryLimits {
    /// Octets of a file that is received, or that a filestore request makes.
    pub file_bytes_max: u64,
    /// Octets of all places of staging together, with what is expected there.
    pub staged_bytes_max: u64,
    /// Places of staging.
    pub staged_files_max: usize,
    /// Octets of the file system that are left free.
    pub free_bytes_min: u64,
    /// Names of one listing.
    pub listed_names_max: usize,
}

impl Default for DirectoryLimits {
    fn default() -> Self {
        DirectoryLimits {
            file_bytes_max: 16 << 30,
            staged_bytes_max: 64 << 30,
            staged_files_max: 4096,
            free_bytes_min: 64 << 20,
            listed_names_max: 65_536,
        }
    }
}

impl DirectoryLimits {
    /// Whether a file may have so many octets.
    pub(super) fn allow_file(&self, name: &str, bytes: u64) -> Result<(), StoreError> {
        let most = self.file_bytes_max;
        match bytes <= most {
            true => Ok(()),
            false => {
                let why = format!("a file of {bytes} octets; {most} are the most");
                Err(not_allowed(&name, why))
            }
        }
    }

    /// Whether the file system has room for so many more octets.
    pub(super) fn allow_more(
        &self,
        name: &str,
        on: impl AsFd,
        more_bytes: u64,
    ) -> Result<(), StoreError> {
        let system = fstatvfs(on).map_err(|error| failed("asking for free space", error))?;
        let free_bytes = system.f_bavail.saturating_mul(system.f_frsize);
        let left = self.free_bytes_min;
        match free_bytes >= left.saturating_add(more_bytes) {
            true => Ok(()),
            false => {
                let why = format!(
                    "{more_bytes} more octets on a file system with {free_bytes} free, of which \
                     {left} are left free"
                );
                Err(not_allowed(&name, why))
            }
        }
    }
}

/// What is known of a place of staging.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// Octets of the file, where they are known.
    pub(super) expected_bytes: Option<u64>,
    /// Octets that it takes, or will.
    pub(super) reserved_bytes: u64,
    /// Its name is on the disk.
    pub(super) is_named: bool,
    /// A sync failed: nobody knows what of it is on the disk.
    pub(super) is_lost: bool,
}

/// The places of staging that there are.
#[derive(Debug, Default)]
pub(super) struct Places {
    places: BTreeMap<TransactionId, Place>,
    reserved_bytes: u64,
}

impl Places {
    pub(super) fn get(&self, transaction: TransactionId) -> Option<&Place> {
        self.places.get(&transaction)
    }

    pub(super) fn get_mut(&mut self, transaction: TransactionId) -> Option<&mut Place> {
        self.places.get_mut(&transaction)
    }

    /// Whether a place may take so many octets.
    pub(super) fn allow(
        &self,
        limits: &DirectoryLimits,
        transaction: TransactionId,
        bytes: u64,
    ) -> Result<(), StoreError> {
        limits.allow_file(&transaction.to_string(), bytes)?;
        let place = self.places.get(&transaction);
        if place.is_none() && self.places.len() >= limits.staged_files_max {
            let why = format!("{} files are being received", self.places.len());
            return Err(not_allowed(&transaction, why));
        }
        let others = self.reserved_bytes - place.map_or(0, |place| place.reserved_bytes);
        if others.saturating_add(bytes) > limits.staged_bytes_max {
            let why = format!(
                "{bytes} octets beside {others} of other files that are being received; {} are \
                 the most",
                limits.staged_bytes_max
            );
            return Err(not_allowed(&transaction, why));
        }
        Ok(())
    }

    /// Takes what was allowed.
    pub(super) fn put(&mut self, transaction: TransactionId, place: Place) {
        self.remove(transaction);
        self.reserved_bytes = self.reserved_bytes.saturating_add(place.reserved_bytes);
        self.places.insert(transaction, place);
    }

    pub(super) fn remove(&mut self, transaction: TransactionId) {
        if let Some(place) = self.places.remove(&transaction) {
            self.reserved_bytes = self.reserved_bytes.saturating_sub(place.reserved_bytes);
        }
    }

    pub(super) fn reserved_bytes(&self) -> u64 {
        self.reserved_bytes
    }

    pub(super) fn count(&self) -> usize {
        self.places.len()
    }
}
