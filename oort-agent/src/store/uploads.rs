//! What came up: the pairs in `uploads/`, which somebody else puts there. Whose data was right
//! once is remembered, also over restarts, by what tells its file from another one: a query reads
//! no data again. What must be read, is read by one at a time, and nobody but queries and
//! retrievals waits for that.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use oort_bundle::Summing;
use serde::{Deserialize, Serialize};

use super::{Identity, SHA256, Step, Store, StoreError, disk, read_meta, sums_of};
use crate::item::{FileInfo, Topic, TransferMeta, Uuid};
use crate::limits::{CHUNK_BYTES, UPLOADS_MAX};
use crate::work_directory::{self as names, META_SUFFIX};

/// What is remembered of uploads.
#[derive(Debug, Default)]
pub struct Uploads {
    known: Mutex<Known>,
    /// Whoever reads data: one at a time, so that nobody reads what another one reads.
    reads: Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    metas: HashMap<Uuid, KnownMeta>,
    /// Whose data was right.
    checked: HashMap<Uuid, Checked>,
    /// Those that go to a client now.
    taken: HashSet<Uuid>,
    news: News,
}

#[derive(Debug)]
struct KnownMeta {
    identity: Identity,
    meta: TransferMeta,
}

/// The data of an upload was right: which file that was, and by which sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checked {
    inode: u64,
    bytes: u64,
    /// ns since 1970.
    modified: String,
    crc32: String,
}

/// What is to be written down since it was asked last.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) checked: Vec<(Uuid, Checked)>,
    /// Uploads that are there no more.
    pub(crate) gone: Vec<Uuid>,
}

/// The answer to a query.
#[derive(Debug, Default)]
pub struct Page {
    /// The first ones.
    pub files: Vec<FileInfo>,
    /// There are more.
    pub overflows: bool,
}

/// How an upload stands.
enum Standing {
    /// It is none, or not there wholly.
    None,
    Whole(FileInfo),
    /// This file is to be read first.
    Unchecked(FileInfo, Identity),
}

impl Checked {
    fn new(identity: &Identity, info: &FileInfo) -> Self {
        Checked {
            inode: identity.inode,
            bytes: identity.bytes,
            modified: identity.modified.to_string(),
            crc32: info.crc32.to_ascii_lowercase(),
        }
    }
}

impl Uploads {
    /// These were right when an earlier process wrote it down.
    pub(crate) fn remembering(checked: Vec<(Uuid, Checked)>) -> Self {
        Uploads {
            known: Mutex::new(Known {
                checked: checked.into_iter().collect(),
                ..Known::default()
            }),
            reads: Mutex::default(),
        }
    }

    /// What is there for a topic and whole, the oldest first: `max` of them.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn query(&self, store: &Store, topic: &Topic, max: usize) -> Result<Page, StoreError> {
        let mut page = Page::default();
        let ids = self.known().of_topic(store, topic)?;
        for id in ids {
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

    /// Takes one of them, where it is whole: it is nobody else's until it is
    /// [let go](Uploads::let_go).
    ///
    /// # Errors
    /// [`StoreError::NoUpload`].
    pub fn take(&self, store: &Store, id: Uuid) -> Result<FileInfo, StoreError> {
        self.known().look_at(store, id);
        let info = self.whole(store, id).ok_or(StoreError::NoUpload)?;
        match self.known().taken.insert(id) {
            true => Ok(info),
            false => Err(StoreError::NoUpload),
        }
    }

    /// It was retrieved, or stays.
    pub fn let_go(&self, id: Uuid, is_retrieved: bool) {
        let mut known = self.known();
        known.taken.remove(&id);
        if is_retrieved {
            known.forget(id);
        }
    }

    /// The agent put it there, and its data is right.
    pub(crate) fn put(&self, id: Uuid, checked: Checked) {
        self.known().check(id, checked);
    }

    /// What is to be written down.
    pub(crate) fn take_news(&self) -> News {
        std::mem::take(&mut self.known().news)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One whose data is there and right. What is too short may be on its way; what is wrong
    /// is buried.
    fn whole(&self, store: &Store, id: Uuid) -> Option<FileInfo> {
        match self.known().standing(store, id) {
            Standing::None => return None,
            Standing::Whole(info) => return Some(info),
            Standing::Unchecked(..) => {}
        }
        let _reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have read it meanwhile.
        let standing = self.known().standing(store, id);
        let (info, found) = match standing {
            Standing::None => return None,
            Standing::Whole(info) => return Some(info),
            Standing::Unchecked(info, found) => (info, found),
        };
        let path = names::data(&store.places.uploads, id);
        let is_right = match store.is_right(&info, &path) {
            Ok(is_right) => is_right,
            Err(error) => {
                log::warn!("{}: {error}", path.display());
                return None;
            }
        };
        let mut known = self.known();
        if identity(&path) != Some(found) {
            // It has changed while it was read: the next look sees what it is.
            return None;
        }
        if !is_right {
            known.forget(id);
            let why = "the upload's data is not what its meta says";
            store.bury(id, &store.places.uploads, why);
            return None;
        }
        known.check(id, Checked::new(&found, &info));
        Some(info)
    }
}

impl Known {
    /// Those of a topic, the oldest first.
    fn of_topic(&mut self, store: &Store, topic: &Topic) -> Result<Vec<Uuid>, StoreError> {
        self.look(store)?;
        let metas = self.metas.iter();
        let of_topic = metas.filter(|(_, known)| known.meta.topic == *topic);
        let mut order: Vec<(i64, Uuid)> =
            of_topic.map(|(id, known)| (known.meta.time, *id)).collect();
        order.sort_unstable();
        Ok(order.into_iter().map(|(_, id)| id).collect())
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
        let there: HashSet<Uuid> = there.into_iter().collect();
        self.metas.retain(|id, _| there.contains(id));
        let checked = self.checked.keys().filter(|id| !there.contains(id));
        for id in checked.copied().collect::<Vec<_>>() {
            self.forget(id);
        }
        Ok(())
    }

    fn look_at(&mut self, store: &Store, id: Uuid) {
        let uploads = &store.places.uploads;
        let path = names::meta(uploads, id);
        let Some(identity) = identity(&path) else {
            self.metas.remove(&id);
            return;
        };
        let known = self.metas.get(&id);
        if known.is_some_and(|known| known.identity == identity) {
            return;
        }
        match read_meta(&path) {
            Ok(meta) if meta.file_info.id == id => {
                self.metas.insert(id, KnownMeta { identity, meta });
            }
            // It may be half written: the cleaner removes what stays so.
            Ok(_) => self.doubt(id, "it is of another item"),
            Err(error) => self.doubt(id, &error.to_string()),
        }
    }

    fn doubt(&mut self, id: Uuid, why: &str) {
        self.metas.remove(&id);
        log::warn!("the upload {id}: what is known of it is not to be read: {why}");
    }

    fn standing(&self, store: &Store, id: Uuid) -> Standing {
        let known = self.metas.get(&id).filter(|_| !self.taken.contains(&id));
        let Some(known) = known else {
            return Standing::None;
        };
        let info = &known.meta.file_info;
        match identity(&names::data(&store.places.uploads, id)) {
            Some(found) if found.bytes >= info.size => {
                match self.checked.get(&id) == Some(&Checked::new(&found, info)) {
                    true => Standing::Whole(info.clone()),
                    false => Standing::Unchecked(info.clone(), found),
                }
            }
            _ => Standing::None,
        }
    }

    fn check(&mut self, id: Uuid, checked: Checked) {
        self.checked.insert(id, checked.clone());
        self.news.checked.push((id, checked));
    }

    fn forget(&mut self, id: Uuid) {
        self.metas.remove(&id);
        if self.checked.remove(&id).is_some() {
            self.news.checked.retain(|(other, _)| *other != id);
            self.news.gone.push(id);
        }
    }
}

/// Of a regular file.
fn identity(path: &PathBuf) -> Option<Identity> {
    let found = fs::symlink_metadata(path).ok()?;
    found.is_file().then(|| Identity::of(&found))
}

impl Store {
    /// Whether the data of an upload is what its meta says. It is on the disk then: what is
    /// written down of it is not to outlive it.
    fn is_right(&self, info: &FileInfo, path: &Path) -> io::Result<bool> {
        let file = super::open(path)?;
        let sums = sums_of(&file, info.size, io::sink())?;
        let is_right = sums.bytes == info.size && sums.crc32.eq_ignore_ascii_case(&info.crc32);
        if is_right {
            self.sync_file(&file, path)?;
        }
        Ok(is_right)
    }

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
    ) -> Result<Checked, StoreError> {
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
            self.sync_file(&file, &part)?;
            let checked = Checked::new(&Identity::of(&file.metadata()?), info);
            self.done(Step::Unpacked);
            let octets = serde_json::to_vec(meta).map_err(io::Error::other)?;
            self.write_new(&part_meta, &octets)?;
            self.done(Step::MetaUnpacked);
            fs::rename(&part, &to)?;
            self.done(Step::UploadDataThere);
            fs::rename(&part_meta, &to_meta)?;
            self.done(Step::Uploaded);
            Ok(checked)
        };
        let done = put();
        if done.is_err() {
            disk::remove_or_say(&part);
            disk::remove_or_say(&part_meta);
        }
        let checked = done.map_err(|error| match error.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                StoreError::Damaged(id.to_string())
            }
            _ => super::error::at(&to)(error),
        })?;
        self.sync_directory(&self.places.uploads)?;
        Ok(checked)
    }
}
