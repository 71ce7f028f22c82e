//! A bundle: an item as one file. It is a tar archive of `meta.json`, what is known of the
//! item, and `data`, its octets; compressed (gzip) where that helps.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use crate::agent::OutItem;
use crate::item::Uuid;
use crate::store::{SHA256, hex, open};

/// How a bundle is called, behind the identifier.
pub const SUFFIX: &str = ".oort.tar";
/// The same, compressed.
pub const SUFFIX_GZIP: &str = ".oort.tar.gz";
/// How one that is not whole is called.
pub(super) const PART_PREFIX: &str = ".oort-agent-";
/// Octets that are compressed to see whether it helps.
const SAMPLE_BYTES: u64 = 64 << 10;
/// It helps where so many hundredths or more are saved.
const SAVED_PERCENT_MIN: u64 = 10;
const BUFFER_BYTES: usize = 64 << 10;

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub(super) enum BundleError {
    /// The octets are not those that were handed over.
    #[error("its data has changed since it was handed over")]
    Changed,
    #[error("its bundle: {0}")]
    System(#[from] io::Error),
}

/// Writes the bundle of an item into a directory, whole or not at all.
pub(super) fn write(item: &OutItem, directory: &Path) -> Result<PathBuf, BundleError> {
    let id = item.meta.file_info.id;
    let data = open(&item.data)?;
    let helps = compression_helps(&data)?;
    let suffix = if helps { SUFFIX_GZIP } else { SUFFIX };
    let path = directory.join(format!("{id}{suffix}"));
    let part = directory.join(format!("{PART_PREFIX}{id}.part"));
    let written = write_part(item, data, &part, helps);
    if let Err(error) = written.and_then(|()| Ok(fs::rename(&part, &path)?)) {
        // It is written anew in any case.
        let _ = fs::remove_file(&part);
        return Err(error);
    }
    Ok(path)
}

/// Both names that a bundle may have.
pub(super) fn names(directory: &Path, id: Uuid) -> [PathBuf; 2] {
    [SUFFIX, SUFFIX_GZIP].map(|suffix| directory.join(format!("{id}{suffix}")))
}

/// The item of a file in the outbox that is a bundle.
pub(super) fn id_of(name: &str) -> Option<Uuid> {
    let id = name
        .strip_suffix(SUFFIX)
        .or_else(|| name.strip_suffix(SUFFIX_GZIP));
    id?.parse().ok()
}

fn write_part(item: &OutItem, data: File, part: &Path, helps: bool) -> Result<(), BundleError> {
    let file = BufWriter::with_capacity(BUFFER_BYTES, File::create(part)?);
    let file = match helps {
        false => archive(item, data, file)?,
        true => archive(item, data, GzEncoder::new(file, Compression::default()))?.finish()?,
    };
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(file.sync_all()?)
}

fn archive<W: Write>(item: &OutItem, data: File, to: W) -> Result<W, BundleError> {
    let mut archive = Builder::new(to);
    let meta = serde_json::to_vec(&item.meta).map_err(io::Error::other)?;
    let mut header = header(item, meta.len() as u64);
    archive.append_data(&mut header, "meta.json", meta.as_slice())?;
    let bytes = item.meta.file_info.size;
    if data.metadata()?.len() != bytes {
        return Err(BundleError::Changed);
    }
    let mut header = self::header(item, bytes);
    let mut data = Hashing {
        octets: data.take(bytes),
        sum: Sha256::new(),
    };
    archive.append_data(&mut header, "data", &mut data)?;
    let sum = hex(&data.sum.finalize());
    match item.meta.extra.get(SHA256).and_then(|sum| sum.as_str()) {
        Some(was) if was != sum => Err(BundleError::Changed),
        _ => Ok(archive.into_inner()?),
    }
}

fn header(item: &OutItem, bytes: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(item.meta.time).unwrap_or_default());
    header
}

fn compression_helps(data: &File) -> io::Result<bool> {
    let mut sample = Vec::new();
    let mut from = data;
    from.take(SAMPLE_BYTES).read_to_end(&mut sample)?;
    io::Seek::rewind(&mut from)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&sample)?;
    let compressed = encoder.finish()?.len() as u64;
    Ok(compressed * 100 <= sample.len() as u64 * (100 - SAVED_PERCENT_MIN))
}

struct Hashing<R> {
    octets: R,
    sum: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.octets.read(buffer)?;
        self.sum.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
