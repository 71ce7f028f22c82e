//! What came up: the pairs in `uploads/`, which somebody else puts there. What was looked at
//! once is remembered by the identity of its files, so that a query reads no data again.

use std::collections::HashMap;
use std::fs;
use std::io::{self, ErrorKind, Read, Write as _};
use std::path::PathBuf;

use oort_bundle::Summing;

use super::{Identity, SHA256, Step, Store, StoreError, disk, read_meta, sums_of};
use crate::item::{FileInfo, Topic, TransferMeta, Uuid};
use crate::limits::{CHUNK_BYTES, UPLOADS_MAX};
use crate::work_directory::{self as names, META_SUFFIX};

/// What is remembered of uploads.
#[derive(Debug, Default)]
pub struct Uploads {
    known: HashMap<Uuid, Known>,
}

#[derive(Debug)]
struct Known {
    of_meta: Identity,
    meta: TransferMeta,
    /// The data whose sum is right.
    of_data: Option<Identity>,
}

/// The answer to a query.
#[derive(Debug, Default)]
pub struct Page {
    /// The first ones.
    pub files: Vec<FileInfo>,
    /// There are more.
    pub overflows: bool,
}

impl Uploads {
    /// What is there for a topic and whole, the oldest first: `max` of them.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn query(&mut self, store: &Store, topic: &Topic, max: usize) -> Result<Page, StoreError> {
        self.look(store)?;
        let known = self.known.iter();
        let of_topic = known.filter(|(_, known)| known.meta.topic == *topic);
        let mut order: Vec<(i64, Uuid)> =
            of_topic.map(|(id, known)| (known.meta.time, *id)).collect();
        order.sort_unstable();
        let mut page = Page::default();
        for (_, id) in order {
            let Some(info) = self.whole(store, id) else {
                continue;
            };
            if page.files.len() >= max {
                page.overflows = true;
                break;
            }
            page.files.push(info);
        }
        Ok(page)
    }

    /// One of them, where it is whole.
    ///
    /// # Errors
    /// [`StoreError::NoUpload`].
    pub fn find(&mut self, store: &Store, id: Uuid) -> Result<FileInfo, StoreError> {
        self.look_at(store, id);
        self.whole(store, id).ok_or(StoreError::NoUpload)
    }

    /// It is there no more.
    pub fn forget(&mut self, id: Uuid) {
        self.known.remove(&id);
    }

    /// What is known of each that is there.
    fn look(&mut self, store: &Store) -> Result<(), StoreError> {
        let uploads = &store.places.uploads;
        let mut there = names::ids(uploads, META_SUFFIX).map_err(super::error::at(uploads))?;
        if there.len() > UPLOADS_MAX {
            log::warn!(
                "{} uploads are there: {UPLOADS_MAX} of them are looked at",
                there.len()
            );
            there.truncate(UPLOADS_MAX);
        }
        for id in &there {
            self.look_at(store, *id);
        }
        let there: std::collections::HashSet<Uuid> = there.into_iter().collect();
        self.known.retain(|id, _| there.contains(id));
        Ok(())
    }

    fn look_at(&mut self, store: &Store, id: Uuid) {
        let uploads = &store.places.uploads;
        let path = names::meta(uploads, id);
        let Some(of_meta) = identity(&path) else {
            self.known.remove(&id);
            return;
        };
        let known = self.known.get(&id);
        if known.is_some_and(|known| known.of_meta == of_meta) {
            return;
        }
        match read_meta(&path) {
            Ok(meta) if meta.file_info.id == id => {
                let known = Known {
                    of_meta,
                    meta,
                    of_data: None,
                };
                self.known.insert(id, known);
            }
            // It may be half written: the cleaner removes what stays so.
            Ok(_) => self.doubt(id, "it is of another item"),
            Err(error) => self.doubt(id, &error.to_string()),
        }
    }

    fn doubt(&mut self, id: Uuid, why: &str) {
        self.known.remove(&id);
        log::warn!("the upload {id}: what is known of it is not to be read: {why}");
    }

    /// One whose data is there and right. What is too short may be on its way; what is wrong
    /// is buried.
    fn whole(&mut self, store: &Store, id: Uuid) -> Option<FileInfo> {
        let known = self.known.get_mut(&id)?;
        let uploads = &store.places.uploads;
        let path = names::data(uploads, id);
        let found = identity(&path)?;
        let info = &known.meta.file_info;
        if found.bytes < info.size {
            return None;
        }
        if known.of_data != Some(found) {
            let read = super::open(&path).and_then(|file| sums_of(&file, info.size, io::sink()));
            let is_right = match read {
                Ok(sums) => sums.bytes == info.size && sums.crc32.eq_ignore_ascii_case(&info.crc32),
                Err(error) => {
                    log::warn!("{}: {error}", path.display());
                    return None;
                }
            };
            if !is_right {
                store.bury(id, uploads, "the upload's data is not what its meta says");
                self.known.remove(&id);
                return None;
            }
            known.of_data = Some(found);
        }
        Some(known.meta.file_info.clone())
    }
}

/// Of a regular file.
fn identity(path: &PathBuf) -> Option<Identity> {
    let found = fs::symlink_metadata(path).ok()?;
    found.is_file().then(|| Identity::of(&found))
}

impl Store {
    /// Whether both files of an upload are there.
    pub(crate) fn has_upload(&self, id: Uuid) -> bool {
        let uploads = &self.places.uploads;
        disk::is_there(&names::meta(uploads, id)) && disk::is_there(&names::data(uploads, id))
    }

    /// Puts a file that came up among the uploads: its data first, so that whoever finds its
    /// meta finds both.
    ///
    /// # Errors
    /// The disk; or its data is not what its meta says.
    pub(crate) fn put_upload(
        &self,
        meta: &TransferMeta,
        data: impl Read,
    ) -> Result<(), StoreError> {
        let id = meta.file_info.id;
        let (to, to_meta) = (
            names::data(&self.places.uploads, id),
            names::meta(&self.places.uploads, id),
        );
        let part = self.places.intake.join(format!("{id}.upload"));
        let part_meta = self.places.intake.join(format!("{id}.upload-meta"));
        let put = || {
            disk::remove(&part).and_then(|()| disk::remove(&part_meta))?;
            let mut file = disk::create(&part)?;
            let mut summing = Summing::default();
            let mut data = data.take(meta.file_info.size.saturating_add(1));
            let mut chunk = vec![0; CHUNK_BYTES];
            loop {
                let read = data.read(&mut chunk)?;
                let Some(octets) = chunk.get(..read).filter(|octets| !octets.is_empty()) else {
                    break;
                };
                summing.add(octets);
                file.write_all(octets)?;
            }
            let sums = summing.finish();
            let info = &meta.file_info;
            let sha256 = meta.extra.get(SHA256).and_then(|sum| sum.as_str());
            let is_right = sums.bytes == info.size
                && sums.crc32.eq_ignore_ascii_case(&info.crc32)
                && sha256.is_none_or(|sha256| sums.sha256.eq_ignore_ascii_case(sha256));
            if !is_right {
                return Err(io::Error::new(
                    ErrorKind::InvalidData,
                    "its data is not what its meta says",
                ));
            }
            if self.sync {
                file.sync_all()?;
            }
            self.done(Step::Unpacked);
            let octets = serde_json::to_vec(meta).map_err(io::Error::other)?;
            disk::write_new(&part_meta, &octets, self.sync)?;
            self.done(Step::MetaUnpacked);
            fs::rename(&part, &to)?;
            self.done(Step::UploadDataThere);
            fs::rename(&part_meta, &to_meta)?;
            self.done(Step::Uploaded);
            match self.sync {
                true => disk::sync_directory(&self.places.uploads),
                false => Ok(()),
            }
        };
        let done = put();
        if done.is_err() {
            disk::remove_or_say(&part);
            disk::remove_or_say(&part_meta);
        }
        done.map_err(|error| match error.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                StoreError::Damaged(id.to_string())
            }
            _ => super::error::at(&to)(error),
        })
    }
}
