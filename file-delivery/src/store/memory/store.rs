//! The files of a disk in memory.

use std::sync::Arc;

use super::staged::StagedFile;
use super::tree::NamedFile;
use super::{FAILED, MemoryDisk, State, failed};
use crate::StoreName;
use crate::pdu::TransactionId;
use crate::pdu::tlv::{FilestoreRequest, FilestoreStatus};
use crate::store::{
    FileIdentity, FileStore, Staging, StoreError, missing, not_allowed, refuse_own,
};

/// The files of a [`MemoryDisk`], for simulations and tests.
#[derive(Clone, Debug)]
pub struct MemoryStore(pub(super) MemoryDisk);

/// A file of a [`MemoryDisk`] that is read: as it was when it was opened.
#[derive(Debug)]
pub struct MemorySource(Arc<Vec<u8>>);

/// A place of staging of a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryStaged(TransactionId);

impl MemoryStore {
    fn change<T>(
        &self,
        what: &str,
        change: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.0.change(|| failed(what, FAILED), change)
    }
}

impl FileStore for MemoryStore {
    type Source = MemorySource;
    type Staged = MemoryStaged;

    fn open(&mut self, name: &StoreName) -> Result<(MemorySource, FileIdentity), StoreError> {
        refuse_own(name)?;
        self.0.read(|state| match state.tree.file(name.as_str()) {
            Some(file) => Ok((MemorySource(Arc::clone(&file.octets)), identity(file))),
            None if state.tree.is_directory(name.as_str()) => {
                Err(not_allowed(name, "it is a directory"))
            }
            None => Err(missing(name)),
        })
    }

    fn read(
        &mut self,
        source: &mut MemorySource,
        offset: u64,
        octets: &mut [u8],
    ) -> Result<(), StoreError> {
        self.0.read(|_| fill(octets, &source.0, offset))
    }

    fn stage(&mut self, staging: &Staging, size: Option<u64>) -> Result<MemoryStaged, StoreError> {
        self.change("staging", |state| {
            if let Some(beside) = &staging.beside {
                refuse_own(beside)?;
                if !state.tree.make_parents(beside.as_str()) {
                    return Err(not_allowed(beside, "it is beneath a file"));
                }
            }
            let place = state.staged.get(&staging.transaction);
            let reserved = place.map_or(0, StagedFile::reserved_bytes);
            let others = state.bytes() - reserved;
            let bytes = size.unwrap_or(0).max(reserved);
            if others.saturating_add(bytes) > state.bytes_max {
                let why = format!("no room for {bytes} octets");
                return Err(not_allowed(&staging.transaction, why));
            }
            let place = state.staged.entry(staging.transaction).or_default();
            if let Some(size) = size {
                place.expect(size);
            }
            Ok(MemoryStaged(staging.transaction))
        })
    }

    fn write(
        &mut self,
        staged: &mut MemoryStaged,
        offset: u64,
        octets: &[u8],
    ) -> Result<(), StoreError> {
        let end = offset.saturating_add(octets.len() as u64);
        self.change("writing", |state| {
            let room = state.bytes_max.saturating_sub(state.bytes());
            let place = state.staged.get_mut(&staged.0);
            let place = place.ok_or_else(|| missing(&staged.0))?;
            if place.expected_bytes().is_some_and(|size| end > size) {
                return Err(not_allowed(&staged.0, "it is beyond the file's size"));
            }
            if end.saturating_sub(place.reserved_bytes()) > room {
                return Err(failed("writing", "no space left on the disk"));
            }
            let offset = usize::try_from(offset);
            let offset = offset.map_err(|_| failed("writing", "no such address"))?;
            place.write(offset, octets);
            state.counts.octets_written += octets.len() as u64;
            Ok(())
        })
    }

    fn read_staged(
        &mut self,
        staged: &mut MemoryStaged,
        offset: u64,
        octets: &mut [u8],
    ) -> Result<(), StoreError> {
        self.0.read(|state| {
            let place = state.staged.get(&staged.0);
            let place = place.ok_or_else(|| missing(&staged.0))?;
            fill(octets, place.octets(), offset)
        })
    }

    fn sync(&mut self, staged: &mut MemoryStaged) -> Result<(), StoreError> {
        self.change("syncing", |state| {
            if std::mem::take(&mut state.next_sync_fails) {
                return Err(failed("syncing", FAILED));
            }
            let place = state.staged.get_mut(&staged.0);
            place.ok_or_else(|| missing(&staged.0))?.sync();
            state.counts.syncs += 1;
            Ok(())
        })
    }

    fn deliver(
        &mut self,
        staging: &Staging,
        size: u64,
        name: &StoreName,
    ) -> Result<(), StoreError> {
        refuse_own(name)?;
        self.change("delivering", |state| {
            let there = state.tree.file(name.as_str());
            let is_there = there.is_some_and(|file| file.octets.len() as u64 == size);
            if !state.staged.contains_key(&staging.transaction) {
                return match is_there {
                    true => Ok(()),
                    false => Err(missing(&staging.transaction)),
                };
            }
            if state.tree.is_directory(name.as_str()) {
                return Err(not_allowed(name, "it is a directory"));
            }
            if !state.tree.make_parents(name.as_str()) {
                return Err(not_allowed(name, "it is beneath a file"));
            }
            let bytes = usize::try_from(size);
            let bytes = bytes.map_err(|_| failed("delivering", "no such address"))?;
            let place = state.staged.remove(&staging.transaction);
            let mut octets = place.map(StagedFile::into_octets).unwrap_or_default();
            octets.resize(bytes, 0);
            state.tree.put(name.as_str(), octets);
            state.counts.delivered += 1;
            Ok(())
        })
    }

    fn discard(&mut self, staging: &Staging) -> Result<(), StoreError> {
        self.change("discarding", |state| {
            state.staged.remove(&staging.transaction);
            Ok(())
        })
    }

    fn perform(&mut self, request: &FilestoreRequest<'_>) -> FilestoreStatus {
        let performed = self.change("performing", |state| {
            state.counts.performed += 1;
            Ok(state.tree.perform(request))
        });
        performed.unwrap_or(FilestoreStatus::NotAllowed)
    }

    fn list(&mut self, directory: Option<&StoreName>) -> Result<Vec<String>, StoreError> {
        self.0.read(|state| match directory {
            None => Ok(state.tree.list(None)),
            Some(name) if state.tree.is_directory(name.as_str()) => {
                Ok(state.tree.list(Some(name.as_str())))
            }
            Some(name) if state.tree.file(name.as_str()).is_some() => {
                Err(not_allowed(name, "it is a file"))
            }
            Some(name) => Err(missing(name)),
        })
    }
}

fn identity(file: &NamedFile) -> FileIdentity {
    FileIdentity {
        size: file.octets.len() as u64,
        modified_ns: i128::from(file.number),
        number: file.number,
    }
}

fn fill(octets: &mut [u8], from: &[u8], offset: u64) -> Result<(), StoreError> {
    let part = usize::try_from(offset).ok().and_then(|start| {
        let end = start.checked_add(octets.len())?;
        from.get(start..end)
    });
    let part = part.ok_or_else(|| failed("reading", "the file ends before"))?;
    octets.copy_from_slice(part);
    Ok(())
}
