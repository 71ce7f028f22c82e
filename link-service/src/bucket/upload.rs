//! One file, from where it is claimed to its key.

use bucket_store::object_store::multipart::PartId;
use bucket_store::object_store::path::Path;
use bucket_store::object_store::{
    Attributes, Error, GetOptions, MultipartId, ObjectStore as _, PutMode, PutMultipartOptions,
    PutOptions, PutPayload,
};
use tokio::task::yield_now;

use super::delivery::exists;
use super::identity::{self, hex};
use super::refused::Undone;
use super::{Shared, Store};
use crate::code::Code;
use crate::folders::{Facts, Folders};
use crate::journal::Journal;
use crate::mover::Refused;
use crate::record::{FileRecord, Transfer};

/// Most parts of an object, as S3 has it.
const PARTS_MAX: u64 = 10_000;
/// Octets that are hashed at once, between which others have their turn.
const HASH_BYTES: usize = 1 << 20;

/// What is put where.
pub(super) struct Upload<'u> {
    pub(super) transfer: &'u Transfer,
    /// Which file of it.
    pub(super) index: usize,
    pub(super) key: &'u Path,
    /// Whether it may take the place of another object.
    pub(super) replaces: bool,
}

/// An object that is there.
pub(super) struct Found {
    pub(super) attributes: Attributes,
    pub(super) size: u64,
    pub(super) etag: Option<String>,
}

/// A file that is read.
struct Source<F: Folders> {
    file: F::File,
    facts: Facts,
    record: FileRecord,
}

impl<F: Folders, J: Journal, S: Store> Shared<F, J, S> {
    /// Puts one file, unless it is there: its hash.
    pub(super) async fn put(&self, upload: &Upload<'_>) -> Result<[u8; 32], Undone> {
        self.may_go_on(upload.transfer)?;
        let source = self.open(upload)?;
        let found = self.found(upload.key).await?;
        let is_ours = found.as_ref().is_some_and(|found| {
            found.size == source.record.size && identity::is_of(&found.attributes, upload.transfer)
        });
        if found.is_some() && !is_ours && !upload.replaces {
            return Err(exists(upload.key));
        }
        if source.record.size <= self.limits.part_bytes as u64 {
            let octets = self.read_whole(&source)?;
            self.is_unchanged(&source)?;
            let hash = *blake3::hash(&octets).as_bytes();
            if self.is_there(found.filter(|_| is_ours), &hash) {
                return Ok(hash);
            }
            let options = PutOptions {
                mode: match upload.replaces {
                    true => PutMode::Overwrite,
                    false => self.bucket.create(),
                },
                attributes: identity::attributes(upload.transfer, &hash),
                ..PutOptions::default()
            };
            self.create(upload.key, octets, options, upload.transfer)
                .await?;
            return Ok(hash);
        }
        let hash = match source.record.hash {
            Some(hash) => hash,
            None => self.hash(upload, &source).await?,
        };
        if self.is_there(found.filter(|_| is_ours), &hash) {
            return Ok(hash);
        }
        self.put_parts(upload, &source, &hash).await?;
        Ok(hash)
    }

    /// What is under a key.
    pub(super) async fn found(&self, key: &Path) -> Result<Option<Found>, Undone> {
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        match self.bucket.store().get_opts(key, options).await {
            Ok(found) => Ok(Some(Found {
                attributes: found.attributes,
                size: found.meta.size,
                etag: found.meta.e_tag,
            })),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Undone::of_store(&format!("looking at {key}"), &error)),
        }
    }

    /// Puts an object as a whole. One that is in its place may be ours all the same: a store
    /// may do what it does not say that it did.
    pub(super) async fn create(
        &self,
        key: &Path,
        octets: Vec<u8>,
        options: PutOptions,
        transfer: &Transfer,
    ) -> Result<(), Undone> {
        let bytes = octets.len() as u64;
        let payload = PutPayload::from(octets);
        match self.bucket.store().put_opts(key, payload, options).await {
            Ok(_) => {
                self.count_put(bytes);
                Ok(())
            }
            Err(Error::AlreadyExists { .. }) => match self.found(key).await? {
                Some(found)
                    if found.size == bytes && identity::is_of(&found.attributes, transfer) =>
                {
                    self.counter.count(|counts| counts.found += 1);
                    Ok(())
                }
                _ => Err(exists(key)),
            },
            Err(error) => Err(Undone::of_store(&format!("putting {key}"), &error)),
        }
    }

    async fn put_parts(
        &self,
        upload: &Upload<'_>,
        source: &Source<F>,
        hash: &[u8; 32],
    ) -> Result<(), Undone> {
        let options = PutMultipartOptions {
            attributes: identity::attributes(upload.transfer, hash),
            ..PutMultipartOptions::default()
        };
        let store = self.bucket.store();
        let id = store.create_multipart_opts(upload.key, options).await;
        let id =
            id.map_err(|error| Undone::of_store(&format!("beginning {}", upload.key), &error))?;
        let put = match self.parts(upload, source, hash, &id).await {
            Ok(parts) => {
                let put = store.complete_multipart(upload.key, &id, parts).await;
                put.map_err(|error| Undone::of_store(&format!("completing {}", upload.key), &error))
            }
            Err(undone) => Err(undone),
        };
        match put {
            Ok(_) => {
                self.count_put(source.record.size);
                Ok(())
            }
            Err(undone) => {
                if let Err(error) = store.abort_multipart(upload.key, &id).await {
                    log::info!("parts of {} are left in the bucket: {error}", upload.key);
                }
                Err(undone)
            }
        }
    }

    async fn parts(
        &self,
        upload: &Upload<'_>,
        source: &Source<F>,
        hash: &[u8; 32],
        id: &MultipartId,
    ) -> Result<Vec<PartId>, Undone> {
        let size = source.record.size;
        let bytes = part_bytes(self.limits.part_bytes, size);
        let mut hasher = blake3::Hasher::new();
        let mut parts = Vec::new();
        let mut offset = 0;
        while offset < size {
            self.may_go_on(upload.transfer)?;
            let octets = self.read(source, offset, bytes)?;
            hasher.update(&octets);
            offset += octets.len() as u64;
            let what = format!("part {} of {}", parts.len() + 1, upload.key);
            let store = self.bucket.store();
            let part = store.put_part(upload.key, id, parts.len(), PutPayload::from(octets));
            parts.push(
                part.await
                    .map_err(|error| Undone::of_store(&what, &error))?,
            );
        }
        self.is_unchanged(source)?;
        if hasher.finalize().as_bytes() != hash {
            return Err(changed());
        }
        // Parts become an object whatever is there: what came meanwhile is looked for.
        if !upload.replaces && self.found(upload.key).await?.is_some() {
            return Err(exists(upload.key));
        }
        Ok(parts)
    }

    fn open(&self, upload: &Upload<'_>) -> Result<Source<F>, Undone> {
        let opened = self.desk.open_source(upload.transfer.id, upload.index);
        let (file, record) = opened.map_err(Undone::of_source)?;
        let facts = self.desk.folders().facts(&file);
        let facts = facts.map_err(|error| Undone::of_source(failed(&error)))?;
        Ok(Source {
            file,
            facts,
            record,
        })
    }

    fn read_whole(&self, source: &Source<F>) -> Result<Vec<u8>, Undone> {
        self.read(source, 0, self.limits.part_bytes)
    }

    /// So many octets from `offset` on, less only at the end of the file.
    fn read(&self, source: &Source<F>, offset: u64, bytes: usize) -> Result<Vec<u8>, Undone> {
        let rest = source.record.size.saturating_sub(offset);
        let bytes = usize::try_from(rest).unwrap_or(usize::MAX).min(bytes);
        let mut octets = vec![0; bytes];
        let mut filled = 0;
        while let Some(free) = octets.get_mut(filled..).filter(|free| !free.is_empty()) {
            let at = offset + filled as u64;
            match self.desk.folders().read(&source.file, at, free) {
                Ok(0) => return Err(changed()),
                Ok(read) => filled += read,
                Err(error) => return Err(Undone::of_source(failed(&error))),
            }
        }
        Ok(octets)
    }

    async fn hash(&self, upload: &Upload<'_>, source: &Source<F>) -> Result<[u8; 32], Undone> {
        let mut hasher = blake3::Hasher::new();
        let mut offset = 0;
        while offset < source.record.size {
            self.may_go_on(upload.transfer)?;
            let octets = self.read(source, offset, HASH_BYTES)?;
            hasher.update(&octets);
            offset += octets.len() as u64;
            yield_now().await;
        }
        Ok(*hasher.finalize().as_bytes())
    }

    fn is_unchanged(&self, source: &Source<F>) -> Result<(), Undone> {
        match self.desk.folders().facts(&source.file) {
            Ok(facts) if facts == source.facts => Ok(()),
            Ok(_) => Err(changed()),
            Err(error) => Err(Undone::of_source(failed(&error))),
        }
    }

    /// Whether an object of this transfer has the right octets, as it says.
    fn is_there(&self, ours: Option<Found>, hash: &[u8; 32]) -> bool {
        let hash = hex(hash);
        let is = ours.is_some_and(|ours| identity::hash(&ours.attributes) == Some(&*hash));
        if is {
            self.counter.count(|counts| counts.found += 1);
        }
        is
    }

    fn count_put(&self, bytes: u64) {
        self.counter.count(|counts| {
            counts.put += 1;
            counts.put_bytes += bytes;
        });
    }
}

/// Octets of each part, so that there are not too many.
fn part_bytes(bytes: usize, size: u64) -> usize {
    let least = size.div_ceil(PARTS_MAX);
    usize::try_from(least).unwrap_or(usize::MAX).max(bytes)
}

fn changed() -> Undone {
    let text = "the file changed while it was read; ask again once it is as it is to be";
    Undone::never(Code::SourceChanged, text)
}

fn failed(error: &crate::folders::FolderError) -> Refused {
    Refused {
        code: error.code(),
        text: error.to_string(),
    }
}
