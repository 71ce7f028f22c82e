//! An item as [one file](oort_bundle), compressed where that helps.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use oort_bundle::{SUFFIX, SUFFIX_GZIP, Summed, compression_helps};

use crate::agent::OutItem;
use crate::item::Uuid;
use crate::store::{SHA256, open};

/// How one that is not whole is called.
pub(super) const PART_PREFIX: &str = ".oort-agent-";

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub(super) enum BundleError {
    /// The octets are not those that were handed over.
    #[error("its data has changed since it was handed over")]
    Changed,
    #[error("its bundle: {0}")]
    System(#[from] io::Error),
    /// The agent is to stop.
    #[error("the agent stops")]
    Stopped,
}

/// Reads until the agent is to stop: what it writes may be large.
struct UntilStopped<'a, R> {
    from: R,
    is_over: &'a AtomicBool,
}

impl<R: Read> Read for UntilStopped<'_, R> {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        match self.is_over.load(Ordering::SeqCst) {
            true => Err(io::Error::other("the agent stops")),
            false => self.from.read(octets),
        }
    }
}

/// Writes the bundle of an item into a directory, whole or not at all.
pub(super) fn write(
    item: &OutItem,
    directory: &Path,
    is_over: &AtomicBool,
) -> Result<PathBuf, BundleError> {
    let id = item.meta.file_info.id;
    let data = open(&item.data)?;
    let helps = compression_helps(&data)?;
    let suffix = if helps { SUFFIX_GZIP } else { SUFFIX };
    let path = directory.join(format!("{id}{suffix}"));
    let part = directory.join(format!("{PART_PREFIX}{id}.part"));
    let written = write_part(item, data, &part, helps, is_over);
    if let Err(error) = written.and_then(|()| Ok(fs::rename(&part, &path)?)) {
        // It is written anew in any case.
        let _ = fs::remove_file(&part);
        return Err(match is_over.load(Ordering::SeqCst) {
            true => BundleError::Stopped,
            false => error,
        });
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

fn write_part(
    item: &OutItem,
    data: File,
    part: &Path,
    helps: bool,
    is_over: &AtomicBool,
) -> Result<(), BundleError> {
    let meta = serde_json::to_vec(&item.meta).map_err(io::Error::other)?;
    let bytes = item.meta.file_info.size;
    if data.metadata()?.len() != bytes {
        return Err(BundleError::Changed);
    }
    let modified = u64::try_from(item.meta.time).unwrap_or_default();
    let data = UntilStopped {
        from: data,
        is_over,
    };
    let mut data = Summed::new(data);
    let to = File::create(part)?;
    let file = oort_bundle::write((&meta, modified), (&mut data, bytes), to, helps)?;
    match item.meta.extra.get(SHA256).and_then(|sum| sum.as_str()) {
        Some(was) if was != data.sums().sha256 => Err(BundleError::Changed),
        _ => Ok(file.sync_all()?),
    }
}
