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
use super::source::Source;
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

    /// Takes a file. When this returns, it is queued and its source is gone, also after a
    /// power cut. Of one that is copied, `written` is told how many octets more are.
    ///
    /// # Errors
    /// [`StoreError`]: the source is where it was.
    pub fn take(
        &self,
        source: &Source,
        topic: &Topic,
        handed: Handed,
        written: impl FnMut(u64),
    ) -> Result<TransferMeta, StoreError> {
        let _held = self.hold(source)?;
        let id = Uuid::random().map_err(at(&source.path))?;
        let is_copied = self.copies(source);
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
                if self.sync {
                    source.file.sync_all().map_err(at(&source.path))?;
                }
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
        let info = FileInfo {
            id,
            path: source.path.to_string_lossy().into_owned(),
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
                    // Somebody took it away meanwhile.
                    io::ErrorKind::NotFound => StoreError::Changed(source.path.clone()),
                    // Its directory is sticky, and it is somebody else's.
                    io::ErrorKind::PermissionDenied => StoreError::NotWritable,
                    _ => at(&source.path)(error),
                }
            })?;
            if let Err(error) = self.is_still(source, &data) {
                return Err(self.give_back(source, &data, error));
            }
            self.sync_directory(&self.places.transfers)?;
            self.done(Step::DataThere);
        }
        // From here on it is taken: what cannot be done now, is done at the next start.
        left.0.clear();
        if let Err(error) = self.sync_directory(source.parent()) {
            // A directory that may be written to and not be read, say.
            log::debug!("{error}");
        }
        self.publish(id)?;
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
        if self.sync {
            file.sync_all().map_err(at(&part))?;
        }
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
        self.publish(id)?;
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
        disk::write_new(&record, &octets, self.sync).map_err(at(&record))?;
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
        if self.sync {
            copy.sync_all().map_err(at(part))?;
        }
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

    /// What was renamed and is not what was read, goes back.
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
