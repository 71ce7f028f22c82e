//! Places of staging: made, written, synced, and at last the file.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use rustix::fs::{AtFlags, FallocateFlags, fallocate, renameat, unlinkat};
use rustix::io::Errno;

use super::Directory;
use super::beneath::{self, How};
use super::limits::Place;
use crate::StoreName;
use crate::pdu::TransactionId;
use crate::store::step::Step;
use crate::store::{OWN_PREFIX, Staging, StoreError, failed, missing, not_allowed, refuse_own};

/// Octets of a block as the system counts them in a file's metadata.
const BLOCK_BYTES: u64 = 512;
const PLACE_SUFFIX: &str = ".part";
/// A file that a request, or a delivery across file systems, puts together.
const COPY: &str = ".cfdp-copy.part";

/// A file beneath a [`Directory`] that is put together.
#[derive(Debug)]
pub struct DirectoryStaged {
    file: File,
    staging: Staging,
}

impl DirectoryStaged {
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// What a place is called.
pub(super) fn place_name(transaction: TransactionId) -> String {
    format!("{OWN_PREFIX}{transaction}{PLACE_SUFFIX}")
}

/// Whether so a place is called, or a copy.
pub(super) fn is_place_name(name: &str) -> bool {
    name.starts_with(OWN_PREFIX) && name.ends_with(PLACE_SUFFIX)
}

impl Directory {
    pub(super) fn make_place(
        &mut self,
        staging: &Staging,
        size: Option<u64>,
    ) -> Result<DirectoryStaged, StoreError> {
        let transaction = staging.transaction;
        let known = self.places.get(transaction).copied();
        let expected_bytes = size.or(known.and_then(|place| place.expected_bytes));
        let bytes = expected_bytes.unwrap_or(0);
        self.places.allow(&self.limits, transaction, bytes)?;
        let within = match &staging.beside {
            Some(beside) => {
                refuse_own(beside)?;
                let (within, last) = beneath::make_parent(&self.root, beside, &mut self.durable)?;
                // Better now than when all of it has come.
                beneath::is_file(&within, last, beside)?;
                within
            }
            None => beneath::directory(&self.root, None)?,
        };
        let name = place_name(transaction);
        let (file, is_new) = match beneath::open_file(&within, &name, How::Write, &name) {
            Err(StoreError::Missing { .. }) => {
                self.limits.allow_more(&name, &within, bytes)?;
                let file = beneath::open_file(&within, &name, How::Make, &name)?;
                self.durable.steps.done(Step::PlaceMade);
                (file, true)
            }
            found => (found?, false),
        };
        let taken = self.take_room(&within, &name, &file, bytes);
        let there_bytes = match taken {
            Ok(there_bytes) => there_bytes,
            Err(error) => {
                if is_new {
                    // It holds nothing, and is cleared at the next start at the latest.
                    let _ = unlinkat(&within, &name, AtFlags::empty());
                }
                return Err(error);
            }
        };
        let place = Place {
            expected_bytes,
            reserved_bytes: bytes.max(there_bytes),
            ..known.unwrap_or_default()
        };
        self.places.put(transaction, place);
        Ok(DirectoryStaged {
            file,
            staging: staging.clone(),
        })
    }

    pub(super) fn open_place(&self, staging: &Staging) -> Result<DirectoryStaged, StoreError> {
        let within = self.place_directory(staging)?;
        let name = place_name(staging.transaction);
        Ok(DirectoryStaged {
            file: beneath::open_file(&within, &name, How::Write, &name)?,
            staging: staging.clone(),
        })
    }

    /// Takes the room on the disk that a file will need, where the file system can. Octets
    /// that are there already.
    fn take_room(
        &self,
        within: &OwnedFd,
        name: &str,
        file: &File,
        bytes: u64,
    ) -> Result<u64, StoreError> {
        let metadata = file.metadata();
        let metadata = metadata.map_err(|error| failed(format!("opening {name}"), error))?;
        let taken_bytes = metadata.blocks().saturating_mul(BLOCK_BYTES);
        let more_bytes = bytes.saturating_sub(taken_bytes);
        if more_bytes > 0 {
            self.limits.allow_more(name, within, more_bytes)?;
            loop {
                match fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes) {
                    Err(Errno::INTR) => continue,
                    Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => break,
                    Err(error) => {
                        return Err(failed(format!("taking {bytes} octets for {name}"), error));
                    }
                }
            }
        }
        Ok(metadata.size())
    }

    pub(super) fn write_to_place(
        &mut self,
        staged: &DirectoryStaged,
        offset: u64,
        octets: &[u8],
    ) -> Result<(), StoreError> {
        let transaction = staged.staging.transaction;
        let place = self.places.get(transaction);
        let mut place = *place.ok_or_else(|| missing(&place_name(transaction)))?;
        let end = offset.saturating_add(octets.len() as u64);
        if let Some(expected_bytes) = place.expected_bytes
            && end > expected_bytes
        {
            let why = format!("octets up to {end} of a file of {expected_bytes}");
            return Err(not_allowed(&transaction, why));
        }
        let more_bytes = end.saturating_sub(place.reserved_bytes);
        if more_bytes > 0 {
            self.places.allow(&self.limits, transaction, end)?;
            let name = place_name(transaction);
            self.limits.allow_more(&name, &staged.file, more_bytes)?;
        }
        let written = staged.file.write_all_at(octets, offset);
        if more_bytes > 0 {
            // Also where only a part of it was written.
            place.reserved_bytes = end;
            self.places.put(transaction, place);
        }
        written.map_err(|error| failed(format!("writing to {}", place_name(transaction)), error))
    }

    pub(super) fn sync_place(&mut self, staged: &DirectoryStaged) -> Result<(), StoreError> {
        let within = match self.needs_its_name(&staged.staging)? {
            true => Some(self.place_directory(&staged.staging)?),
            false => None,
        };
        self.sync_octets(&staged.staging, &staged.file, Step::PlaceSynced)?;
        match within {
            Some(within) => self.sync_place_name(&staged.staging, &within),
            None => Ok(()),
        }
    }

    pub(super) fn deliver_place(
        &mut self,
        staging: &Staging,
        size: u64,
        name: &StoreName,
    ) -> Result<(), StoreError> {
        refuse_own(name)?;
        self.limits.allow_file(name.as_str(), size)?;
        let place = place_name(staging.transaction);
        let opened = self.place_directory(staging).and_then(|from| {
            let file = beneath::open_file(&from, &place, How::Write, &place)?;
            Ok((from, file))
        });
        let (from, file) = match opened {
            Err(StoreError::Missing { .. }) => return self.find_delivered(staging, size, name),
            opened => opened?,
        };
        let (to, last) = beneath::make_parent(&self.root, name, &mut self.durable)?;
        beneath::is_file(&to, last, name)?;
        // Twice: a size that grows leaves what was taken behind it, one that stays does not.
        let cut = file.set_len(size).and_then(|()| file.set_len(size));
        cut.map_err(|error| failed(format!("giving {place} its size"), error))?;
        self.sync_octets(staging, &file, Step::FileSynced)?;
        // Else the place may be gone after a cut of the power, while the name still has an
        // old file, of the same size perhaps: it would be taken for this one.
        if self.needs_its_name(staging)? {
            self.sync_place_name(staging, &from)?;
        }
        match renameat(&from, &place, &to, last) {
            Ok(()) => {
                self.durable.steps.done(Step::Renamed);
                self.durable.names(&to, Step::NameSynced)?;
            }
            Err(Errno::XDEV) => {
                self.put_copy(&to, last, name, &[&file])?;
                let removed = unlinkat(&from, &place, AtFlags::empty());
                removed.map_err(|error| failed(format!("removing {place}"), error))?;
                self.durable.steps.done(Step::Removed);
            }
            Err(error) => return Err(failed(format!("giving {place} the name {name}"), error)),
        }
        self.places.remove(staging.transaction);
        Ok(())
    }

    /// There is no place: the file has its name already, or is not there.
    fn find_delivered(
        &mut self,
        staging: &Staging,
        size: u64,
        name: &StoreName,
    ) -> Result<(), StoreError> {
        let not_there = || missing(&place_name(staging.transaction));
        let found = beneath::parent(&self.root, name).and_then(|(to, last)| {
            let file = beneath::open_file(&to, last, How::Read, name.as_str())?;
            Ok((to, file))
        });
        let (to, file) = match found {
            Err(StoreError::Missing { .. }) => return Err(not_there()),
            found => found?,
        };
        let metadata = file.metadata();
        let metadata = metadata.map_err(|error| failed(format!("opening {name}"), error))?;
        if metadata.size() != size {
            return Err(not_there());
        }
        self.durable.names(&to, Step::NameSynced)?;
        self.places.remove(staging.transaction);
        Ok(())
    }

    pub(super) fn remove_place(&mut self, staging: &Staging) -> Result<(), StoreError> {
        let place = place_name(staging.transaction);
        match self.place_directory(staging) {
            Err(StoreError::Missing { .. }) => {}
            within => match unlinkat(&within?, &place, AtFlags::empty()) {
                Ok(()) => self.durable.steps.done(Step::Removed),
                Err(Errno::NOENT) => {}
                Err(error) => return Err(failed(format!("removing {place}"), error)),
            },
        }
        self.places.remove(staging.transaction);
        Ok(())
    }

    /// Puts a copy of `parts`, one after the other, in the place of the file `last`; the
    /// name has the old file or the new one.
    pub(super) fn put_copy(
        &mut self,
        within: &OwnedFd,
        last: &str,
        name: &StoreName,
        parts: &[&File],
    ) -> Result<(), StoreError> {
        let copied = self.try_put_copy(within, last, name, parts);
        if copied.is_err() {
            // What is left of it is no more than what the next one removes.
            let _ = unlinkat(within, COPY, AtFlags::empty());
        }
        copied
    }

    fn try_put_copy(
        &mut self,
        within: &OwnedFd,
        last: &str,
        name: &StoreName,
        parts: &[&File],
    ) -> Result<(), StoreError> {
        let failure = |error| failed(format!("copying to {name}"), error);
        let mut bytes: u64 = 0;
        for part in parts {
            let metadata = part.metadata().map_err(failure)?;
            bytes = bytes.saturating_add(metadata.size());
        }
        self.limits.allow_file(name.as_str(), bytes)?;
        self.limits.allow_more(name.as_str(), within, bytes)?;
        match unlinkat(within, COPY, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(failure(error.into())),
        }
        let mut file = beneath::open_file(within, COPY, How::Make, COPY)?;
        let mut left_bytes = bytes;
        for part in parts {
            let part: &File = part;
            let copied = io::copy(&mut part.take(left_bytes), &mut file);
            left_bytes = left_bytes.saturating_sub(copied.map_err(failure)?);
        }
        self.durable.file(&file, COPY, Step::FileSynced)?;
        renameat(within, COPY, within, last).map_err(|error| failure(error.into()))?;
        self.durable.steps.done(Step::Renamed);
        self.durable.names(within, Step::NameSynced)
    }

    fn place_directory(&self, staging: &Staging) -> Result<OwnedFd, StoreError> {
        match &staging.beside {
            Some(beside) => {
                refuse_own(beside)?;
                beneath::parent(&self.root, beside).map(|(within, _)| within)
            }
            None => beneath::directory(&self.root, None),
        }
    }

    /// Whether a place's name is perhaps not on the disk.
    fn needs_its_name(&self, staging: &Staging) -> Result<bool, StoreError> {
        match self.places.get(staging.transaction) {
            Some(place) if place.is_lost => Err(lost(staging.transaction)),
            Some(place) => Ok(!place.is_named),
            None => Ok(true),
        }
    }

    /// After a sync that failed, the system may call octets synced that are not.
    fn sync_octets(
        &mut self,
        staging: &Staging,
        file: &File,
        step: Step,
    ) -> Result<(), StoreError> {
        self.needs_its_name(staging)?;
        let synced = self
            .durable
            .file(file, &place_name(staging.transaction), step);
        if let (Err(_), Some(place)) = (&synced, self.places.get_mut(staging.transaction)) {
            place.is_lost = true;
        }
        synced
    }

    fn sync_place_name(&mut self, staging: &Staging, within: &OwnedFd) -> Result<(), StoreError> {
        self.durable.names(within, Step::PlaceNamed)?;
        if let Some(place) = self.places.get_mut(staging.transaction) {
            place.is_named = true;
        }
        Ok(())
    }
}

fn lost(transaction: TransactionId) -> StoreError {
    StoreError::Failed {
        what: format!("syncing {}", place_name(transaction)),
        error: "it failed before, and nobody knows what is on the disk; discard it".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdu::{EntityId, TransactionSeq};
    use crate::store::{DirectoryLimits, FileStore as _};

    #[test]
    fn after_a_sync_that_failed_nothing_of_the_place_is_called_durable() {
        let root = tempfile::tempdir().unwrap();
        let mut store = Directory::open(root.path(), DirectoryLimits::default()).unwrap();
        let transaction = TransactionId {
            source: EntityId(3),
            number: TransactionSeq(1),
        };
        let staging = Staging {
            transaction,
            beside: None,
        };
        let mut staged = store.stage(&staging, Some(3)).unwrap();
        store.places.get_mut(transaction).unwrap().is_lost = true;
        let name = "file".parse().unwrap();
        for _ in 0..2 {
            store.sync(&mut staged).unwrap_err();
            store.deliver(&staging, 0, &name).unwrap_err();
            // Nor when it is opened again.
            staged = store.stage(&staging, Some(3)).unwrap();
        }
        store.discard(&staging).unwrap();
        store.stage(&staging, Some(3)).unwrap();
        store.deliver(&staging, 0, &name).unwrap();
    }
}
