//! At the start: what an earlier process began comes to its end, or never was.

use std::fs;
use std::io;

use super::Store;
use super::disk;
use super::error::{StoreError, at};
use super::identity::Identity;
use super::intake::{INODE, MODIFIED_NS, RECORD_SUFFIX, SOURCE_PATH};
use crate::item::{TransferMeta, Uuid};
use crate::work_directory::{self as names, META_SUFFIX};

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// What is queued, the oldest first.
    pub items: Vec<TransferMeta>,
    /// Intakes that came to their end.
    pub finished: usize,
    /// Intakes that never were.
    pub undone: usize,
}

impl Store {
    /// Looks at what is there. To be called once, before anything else.
    ///
    /// # Errors
    /// The work directory cannot be read or written to.
    pub fn recover(&self) -> Result<Found, StoreError> {
        let mut found = Found::default();
        let intake = &self.places.intake;
        for id in names::ids(intake, RECORD_SUFFIX).map_err(at(intake))? {
            match self.recover_intake(id)? {
                true => found.finished += 1,
                false => found.undone += 1,
            }
        }
        for directory in [intake, &self.places.retrieving] {
            for entry in fs::read_dir(directory).map_err(at(directory))? {
                let path = entry.map_err(at(directory))?.path();
                if directory == &self.places.retrieving {
                    self.undo_retrieval(&path);
                }
                disk::remove_or_say(&path);
            }
        }
        let transfers = &self.places.transfers;
        let mut items = Vec::new();
        for id in names::ids(transfers, META_SUFFIX).map_err(at(transfers))? {
            match self.queued(id) {
                Ok(Some(meta)) => items.push((self.written(id), meta)),
                Ok(None) => {}
                Err(error) => self.bury(id, transfers, &error.to_string()),
            }
        }
        // Those of one second by when they were written down.
        items.sort_by_key(|(written, meta)| (meta.time, *written, meta.file_info.id));
        found.items = items.into_iter().map(|(_, meta)| meta).collect();
        Ok(found)
    }

    /// Whether it is queued then.
    fn recover_intake(&self, id: Uuid) -> Result<bool, StoreError> {
        let record = self.record(id);
        let data = names::data(&self.places.transfers, id);
        if !disk::is_there(&data) {
            disk::remove(&record).map_err(at(&record))?;
            return Ok(false);
        }
        let meta = match super::read_meta(&record) {
            Ok(meta) => meta,
            // Where nothing is synced, a power cut takes the record's octets.
            Err(error) => {
                self.bury(id, &self.places.transfers, &format!("its record: {error}"));
                disk::remove(&record).map_err(at(&record))?;
                return Ok(false);
            }
        };
        self.remove_copied_source(&meta);
        self.publish(id)?;
        log::info!("{id}: its intake came to its end after a restart");
        Ok(true)
    }

    /// The source of a copy, where it is still the file that was copied.
    fn remove_copied_source(&self, meta: &TransferMeta) {
        let number = |key: &str| {
            meta.extra
                .get(key)
                .and_then(|value| value.as_str()?.parse().ok())
        };
        let (Some(inode), Some(modified)) = (number(INODE), number(MODIFIED_NS)) else {
            return;
        };
        let was = Identity {
            device: 0,
            inode: u64::try_from(inode).unwrap_or_default(),
            bytes: meta.file_info.size,
            modified,
        };
        let path = meta.extra.get(SOURCE_PATH).and_then(|path| path.as_str());
        let path = std::path::Path::new(path.unwrap_or(&meta.file_info.path));
        let data = fs::metadata(names::data(&self.places.transfers, meta.file_info.id));
        let (Ok(found), Ok(data)) = (fs::symlink_metadata(path), data) else {
            return;
        };
        let (found, data) = (Identity::of(&found), Identity::of(&data));
        // Another name of the item itself is nobody's to remove.
        let is_itself = (found.device, found.inode) == (data.device, data.inode);
        if was.is_after_restart(&found) && !is_itself {
            disk::remove_or_say(path);
        }
    }

    /// When what is known of a queued item was written down, in ns since 1970.
    fn written(&self, id: Uuid) -> i128 {
        let meta = fs::symlink_metadata(names::meta(&self.places.transfers, id));
        meta.map_or(0, |found| Identity::of(&found).modified)
    }

    /// What is known of a queued item; none where its data is not there.
    ///
    /// # Errors
    /// What is there is none.
    pub(crate) fn queued(&self, id: Uuid) -> io::Result<Option<TransferMeta>> {
        let transfers = &self.places.transfers;
        if !disk::is_there(&names::data(transfers, id)) {
            return Ok(None);
        }
        let meta = super::read_meta(&names::meta(transfers, id))?;
        match meta.file_info.id == id {
            true => Ok(Some(meta)),
            false => Err(io::Error::other("it is of another item")),
        }
    }
}
