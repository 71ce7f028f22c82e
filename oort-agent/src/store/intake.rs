//! A file becomes a queued item:
//!
//! 1. It is read once, for its sums; from another file system it is copied meanwhile, into
//!    a part file. What was read is on the disk.
//! 2. What will be known of it is written down, in the directory of intakes: the record.
//! 3. The data gets its name in `transfers/`, by a rename.
//! 4. The source of a copy is removed.
//! 5. The record gets its name in `transfers/`, by a rename: it is what is known of the item.
//!
//! A process that ends before 3 leaves the source where it was, and the next one removes the
//! record. One that ends after it leaves a record and its data, and the next one comes to the
//! end. So no sync is needed after 5.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use oort_bundle::{Summing, Sums};
use serde_json::{Map, Value};

use super::Store;
use super::disk;
use super::error::{StoreError, at};
use super::identity::Identity;
use super::source::{Source, is_of_two_file_systems};
use super::step::Step;
use super::sums::sums_of;
use super::told::Told;
use crate::item::{FileInfo, META_VERSION, SendOptions, Topic, TransferMeta, Uuid};
use crate::limits::STREAM_BYTES_MAX;
use crate::work_directory as names;

/// How an intake's record is called, behind the identifier.
pub(super) const RECORD_SUFFIX: &str = ".json";
/// How a copy is called, behind the identifier.
pub(super) const PART_SUFFIX: &str = ".part";
/// Where the inode of the source is kept.
pub(super) const INODE: &str = "source_inode";
/// Where it is kept when the source was changed last, in ns.
pub(super) const MODIFIED_NS: &str = "source_modified_ns";
/// Where it is kept where the source is, where the client's path has links in it.
pub(super) const SOURCE_PATH: &str = "source_path";
/// Where SHA-256 is kept.
pub(crate) const SHA256: &str = "sha256";

/// What a client says of what it hands over.
#[derive(Clone, Debug, Default)]
pub struct Handed {
    /// Whom it is for.
    pub destination: String,
    /// How it is to be sent.
    pub options: SendOptions,
    /// s since 1970.
    pub time: i64,
    /// What the agent keeps beside it.
    pub extra: Map<String, Value>,
}

/// Removes what is not to stay, the last first.
#[derive(Default)]
struct Leftovers(Vec<PathBuf>);

impl Drop for Leftovers {
    fn drop(&mut self) {
        self.0
            .iter()
            .rev()
            .for_each(|path| disk::remove_or_say(path));
    }
}

impl Store {
    /// Whether a source is copied, and so takes room.
    #[must_use]
    pub fn copies(&self, source: &Source) -> bool {
        self.always_copies || source.identity.device != self.device
    }

    /// Takes a file, by a copy or by a rename. When this returns, it is queued and its source
    /// is gone, also after a power cut. Of one that is copied, `written` is told how many octets
    /// more are.
    ///
    /// # Errors
    /// [`StoreError`]: the source is where it was. [`StoreError::OtherFileSystem`] says that
    /// only a copy can be had: two mounts of one file system, say, which nothing tells but a
    /// rename.
    pub fn take(
        &self,
        source: &Source,
        topic: &Topic,
        handed: Handed,
        is_copied: bool,
        written: impl FnMut(u64),
    ) -> Result<TransferMeta, StoreError> {
        let _held = self.hold(source)?;
        let id = Uuid::random().map_err(at(&source.path))?;
        let mut left = Leftovers::default();
        let record = self.record(id);
        left.0.push(record.clone());
        let part = self.part(id);
        let sums = match is_copied {
            true => {
                left.0.push(part.clone());
                self.copy(source, &part, written)?
            }
            false => {
                let read = sums_of(&source.file, source.bytes(), io::sink());
                let sums = read.map_err(at(&source.path))?;
                let synced = self.sync_file(&source.file, &source.path);
                synced.map_err(at(&source.path))?;
                self.done(Step::Read);
                sums
            }
        };
        if sums.bytes != source.bytes() {
            return Err(StoreError::Changed(source.path.clone()));
        }
        source.check()?;
        let Identity {
            inode, modified, ..
        } = source.identity;
        let mut extra = handed.extra.clone();
        extra.insert(INODE.to_owned(), inode.to_string().into());
        extra.insert(MODIFIED_NS.to_owned(), modified.to_string().into());
        if source.path != source.named
            && let Some(path) = source.path.to_str()
        {
            extra.insert(SOURCE_PATH.to_owned(), path.into());
        }
        let info = FileInfo {
            id,
            path: source.named.to_string_lossy().into_owned(),
            size: sums.bytes,
            modified: source.modified,
            created: source.created,
            crc32: String::new(),
            extra: Map::new(),
            delivery_hints: handed.options.delivery_hints.clone(),
        };
        let meta = self.meta_of(topic, handed, info, &sums, extra);
        self.write_record(&meta)?;
        let data = names::data(&self.places.transfers, id);
        if is_copied {
            disk::rename_if_free(&part, &data).map_err(at(&data))?;
            left.0.push(data.clone());
            self.sync_directory(&self.places.transfers)?;
            self.done(Step::DataThere);
            source.remove()?;
            self.done(Step::SourceGone);
        } else {
            disk::rename_if_free(&source.path, &data).map_err(|error| {
                match error.kind() {
                    _ if is_of_two_file_systems(&error) => {
                        StoreError::OtherFileSystem(source.path.clone())
                    }
                    // Somebody took it away meanwhile.
                    io::ErrorKind::NotFound => StoreError::Changed(source.path.clone()),
                    // Its directory is sticky, and it is somebody else's.
                    io::ErrorKind::PermissionDenied => StoreError::NotWritable,
                    _ => at(&source.path)(error),
                }
            })?;
            let is_there = self
                .is_still(source, &data)
                .and_then(|()| self.sync_directory(&self.places.transfers));
            if let Err(error) = is_there {
                return Err(self.give_back(source, &data, error));
            }
            self.done(Step::DataThere);
        }
        // From here on it is taken: what cannot be done now, is done at the next start.
        left.0.clear();
        if let Err(error) = self.sync_directory(source.parent()) {
            // A directory that may be written to and not be read, say.
            log::debug!("{error}");
        }
        self.publish_or_later(id);
        Ok(meta)
    }

    /// Begins to take a file that comes in the body of a request.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_stream(&self) -> Result<Stream, StoreError> {
        let id = Uuid::random().map_err(at(&self.places.intake))?;
        let part = self.part(id);
        let file = disk::create(&part).map_err(at(&part))?;
        Ok(Stream {
            id,
            left: Leftovers(vec![part.clone()]),
            part,
            file,
            summing: Summing::default(),
        })
    }

    /// All of it is there.
    ///
    /// # Errors
    /// [`StoreError`]: nothing of it stays.
    pub fn end_stream(
        &self,
        stream: Stream,
        topic: &Topic,
        path: String,
        handed: Handed,
    ) -> Result<TransferMeta, StoreError> {
        let Stream {
            id,
            part,
            file,
            summing,
            mut left,
        } = stream;
        let sums = summing.finish();
        self.sync_file(&file, &part).map_err(at(&part))?;
        self.done(Step::Copied);
        let found = file.metadata().map_err(at(&part))?;
        let info = FileInfo {
            id,
            path,
            size: sums.bytes,
            modified: found.mtime(),
            created: found.ctime(),
            crc32: String::new(),
            extra: Map::new(),
            delivery_hints: handed.options.delivery_hints.clone(),
        };
        let extra = handed.extra.clone();
        let meta = self.meta_of(topic, handed, info, &sums, extra);
        left.0.insert(0, self.record(id));
        self.write_record(&meta)?;
        let data = names::data(&self.places.transfers, id);
        disk::rename_if_free(&part, &data).map_err(at(&data))?;
        left.0.push(data);
        self.sync_directory(&self.places.transfers)?;
        left.0.clear();
        self.done(Step::DataThere);
        self.publish_or_later(id);
        Ok(meta)
    }

    fn meta_of(
        &self,
        topic: &Topic,
        handed: Handed,
        info: FileInfo,
        sums: &Sums,
        mut extra: Map<String, Value>,
    ) -> TransferMeta {
        extra.insert(SHA256.to_owned(), sums.sha256.clone().into());
        TransferMeta {
            meta_version: META_VERSION.to_owned(),
            topic: topic.clone(),
            destination: handed.destination,
            node: self.node.clone(),
            time: handed.time,
            file_info: FileInfo {
                crc32: sums.crc32.clone(),
                ..info
            },
            send_options: handed.options,
            extra,
        }
    }

    fn write_record(&self, meta: &TransferMeta) -> Result<(), StoreError> {
        let record = self.record(meta.file_info.id);
        let octets =
            serde_json::to_vec(meta).map_err(|error| at(&record)(io::Error::other(error)))?;
        self.write_new(&record, &octets).map_err(at(&record))?;
        self.sync_directory(&self.places.intake)?;
        self.done(Step::Recorded);
        Ok(())
    }

    /// The record becomes what is known of the item.
    pub(super) fn publish(&self, id: Uuid) -> Result<(), StoreError> {
        let meta = names::meta(&self.places.transfers, id);
        disk::rename_if_free(&self.record(id), &meta).map_err(at(&meta))?;
        self.done(Step::Queued);
        Ok(())
    }

    /// The same; where that is not possible now, it is tried again: the item is taken, and its
    /// record says what it is.
    fn publish_or_later(&self, id: Uuid) {
        if let Err(error) = self.publish(id) {
            log::error!("{id} is queued, but no collector finds it yet: {error}");
            self.unpublished().insert(id);
        }
    }

    /// What could not be published before is now, where that is possible.
    pub(crate) fn publish_late(&self) {
        let late: Vec<Uuid> = self.unpublished().iter().copied().collect();
        for id in late {
            let has_data = disk::is_there(&names::data(&self.places.transfers, id));
            let done = match has_data {
                true => self.publish(id),
                // Somebody took it: it is nobody's any more.
                false => disk::remove(&self.record(id)).map_err(at(&self.record(id))),
            };
            match done {
                Ok(()) => {
                    self.unpublished().remove(&id);
                }
                Err(error) => log::debug!("{id}: {error}"),
            }
        }
    }

    /// A copy in the part file, which is read again.
    fn copy(
        &self,
        source: &Source,
        part: &Path,
        written: impl FnMut(u64),
    ) -> Result<Sums, StoreError> {
        let copy = disk::create(part).map_err(at(part))?;
        let file = &copy;
        let sums = sums_of(&source.file, source.bytes(), Told { file, written });
        let sums = sums.map_err(at(part))?;
        self.sync_file(&copy, part).map_err(at(part))?;
        let again = sums_of(&copy, sums.bytes, io::sink()).map_err(at(part))?;
        if again != sums {
            let error = io::Error::other("the disk does not hold what was written to it");
            return Err(at(part)(error));
        }
        self.done(Step::Copied);
        Ok(sums)
    }

    /// Whether what was renamed is what was read.
    fn is_still(&self, source: &Source, data: &Path) -> Result<(), StoreError> {
        source.check()?;
        let found = std::fs::symlink_metadata(data).map_err(at(data))?;
        match Identity::of(&found) == source.identity {
            true => Ok(()),
            false => Err(StoreError::Changed(source.path.clone())),
        }
    }

    /// What was renamed and is not what was read, or may not stay so, goes back.
    fn give_back(&self, source: &Source, data: &Path, error: StoreError) -> StoreError {
        if let Err(failed) = disk::rename_if_free(data, &source.path) {
            log::error!(
                "{} cannot go back to {} ({failed}): it stays there",
                data.display(),
                source.path.display()
            );
        }
        error
    }

    pub(super) fn record(&self, id: Uuid) -> PathBuf {
        self.places.intake.join(format!("{id}{RECORD_SUFFIX}"))
    }

    fn part(&self, id: Uuid) -> PathBuf {
        self.places.intake.join(format!("{id}{PART_SUFFIX}"))
    }
}

/// A file that is coming in the body of a request. Dropped, nothing of it stays.
pub struct Stream {
    id: Uuid,
    part: PathBuf,
    file: File,
    summing: Summing,
    left: Leftovers,
}

impl Stream {
    /// More of it.
    ///
    /// # Errors
    /// The disk does not take it, or it is longer than [`STREAM_BYTES_MAX`].
    pub fn write(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        self.summing.add(octets);
        if self.summing.bytes() > STREAM_BYTES_MAX {
            return Err(StoreError::TooLong(STREAM_BYTES_MAX));
        }
        self.file.write_all(octets).map_err(at(&self.part))
    }

    /// Octets so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.summing.bytes()
    }
}
