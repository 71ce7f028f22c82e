//! What an earlier process left: places of transactions that nobody knows, and names that
//! are perhaps not on the disk.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, DirEntry, FileType, statat, unlinkat};
use rustix::io::Errno;

use super::Directory;
use super::beneath::{self, How};
use super::limits::Place;
use super::staging::{is_place_name, place_name};
use crate::pdu::TransactionId;
use crate::store::step::Step;
use crate::store::{StoreError, failed};

/// How deep directories are gone into: no name has more components.
const DEPTH_MAX: usize = crate::name::NAME_BYTES_MAX / 2 + 1;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Places that were removed.
    pub removed: u64,
    /// Places of known transactions, which are there.
    pub kept: u64,
    /// Directories that could not be read; what is beneath them is as it was.
    pub unreadable: u64,
}

impl Directory {
    /// To be called at the start: removes every place of staging but those of `known`
    /// transactions, which count towards the limits from now on. What a process did that
    /// ended before it was durable, is durable then.
    ///
    /// # Errors
    /// [`StoreError::Failed`]: a place could not be removed.
    pub fn clear_unknown_staging(
        &mut self,
        known: &[TransactionId],
    ) -> Result<Cleared, StoreError> {
        let known = known.iter().map(|known| (place_name(*known), *known));
        let known: BTreeMap<String, TransactionId> = known.collect();
        let mut cleared = Cleared::default();
        let root = beneath::directory(&self.root, None)?;
        self.clear(&root, &known, DEPTH_MAX, &mut cleared)?;
        Ok(cleared)
    }

    fn clear(
        &mut self,
        within: &OwnedFd,
        known: &BTreeMap<String, TransactionId>,
        depth_left: usize,
        cleared: &mut Cleared,
    ) -> Result<(), StoreError> {
        let Ok(entries) = Dir::read_from(within) else {
            cleared.unreadable += 1;
            return Ok(());
        };
        for entry in entries {
            let Ok(entry) = entry else {
                cleared.unreadable += 1;
                break;
            };
            // Not the store's.
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            let kind = kind_of(within, &entry);
            let kind = kind.map_err(|error| failed(format!("looking at {name}"), error))?;
            match kind {
                Some(FileType::Directory) if name != "." && name != ".." => {
                    match beneath::open_directory(within, name) {
                        Ok(below) if depth_left > 0 => {
                            self.clear(&below, known, depth_left - 1, cleared)?;
                        }
                        _ => cleared.unreadable += 1,
                    }
                }
                Some(FileType::Directory) | None => {}
                Some(_) if is_place_name(name) => {
                    self.clear_place(within, name, known.get(name), cleared)?;
                }
                Some(_) => {}
            }
        }
        self.durable.names(within, Step::NameSynced)
    }

    fn clear_place(
        &mut self,
        within: &OwnedFd,
        name: &str,
        known: Option<&TransactionId>,
        cleared: &mut Cleared,
    ) -> Result<(), StoreError> {
        let file = beneath::open_file(within, name, How::Read, name);
        if let (Some(transaction), Ok(file)) = (known, file) {
            let metadata = file.metadata();
            let metadata = metadata.map_err(|error| failed(format!("opening {name}"), error))?;
            let place = Place {
                reserved_bytes: metadata.len(),
                // This directory is synced next.
                is_named: true,
                ..Place::default()
            };
            self.places.put(*transaction, place);
            cleared.kept += 1;
            return Ok(());
        }
        match unlinkat(within, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(failed(format!("removing {name}"), error)),
        }
        self.durable.steps.done(Step::Removed);
        cleared.removed += 1;
        Ok(())
    }
}

/// What an entry is; a link is a link. Nothing where it is gone meanwhile.
pub(super) fn kind_of(within: &OwnedFd, entry: &DirEntry) -> Result<Option<FileType>, Errno> {
    match entry.file_type() {
        FileType::Unknown => match statat(within, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(FileType::from_raw_mode(found.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        },
        kind => Ok(Some(kind)),
    }
}
