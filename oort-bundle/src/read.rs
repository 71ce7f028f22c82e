//! Bundles are read.

use std::io::{self, BufRead as _, BufReader, Read};

use flate2::read::GzDecoder;
use tar::{Archive, Entry, EntryType};

use crate::{BUFFER_BYTES, DATA, META, META_BYTES_MAX};

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is not one, and will not be.
    #[error("{0}")]
    NotOne(String),
    /// It cannot be read, for now.
    #[error(transparent)]
    System(io::Error),
}

impl BundleError {
    /// It is not one.
    pub fn not_one(why: impl Into<String>) -> Self {
        BundleError::NotOne(why.into())
    }
}

/// Whose fault it is: the disk's errors have a number.
impl From<io::Error> for BundleError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(_) => BundleError::System(error),
            None => BundleError::NotOne(format!("it is no whole archive: {error}")),
        }
    }
}

/// Reads a bundle, compressed or not. `take` is given what `meta.json` holds, the octets of the
/// data, and how many these are; reading on where some are missing is an error. It need not read
/// all of them.
///
/// # Errors
/// [`BundleError`], and that of `take`.
pub fn read<T, E: From<BundleError>>(
    from: impl Read,
    take: impl FnOnce(&[u8], &mut dyn Read, u64) -> Result<T, E>,
) -> Result<T, E> {
    let mut from = BufReader::with_capacity(BUFFER_BYTES, from);
    let begin = from.fill_buf().map_err(BundleError::from)?;
    match begin.starts_with(&GZIP_MAGIC) {
        true => read_archive(GzDecoder::new(from), take),
        false => read_archive(from, take),
    }
}

fn read_archive<T, E: From<BundleError>>(
    from: impl Read,
    take: impl FnOnce(&[u8], &mut dyn Read, u64) -> Result<T, E>,
) -> Result<T, E> {
    let mut archive = Archive::new(from);
    // Raw: extensions of headers would be read whole.
    let mut entries = archive.entries().map_err(BundleError::from)?.raw(true);
    let mut next = |name: &str| -> Result<Entry<'_, _>, BundleError> {
        let entry = entries.next().transpose()?;
        let is_it = |entry: &Entry<'_, _>| {
            entry.header().entry_type() == EntryType::Regular
                && *entry.header().path_bytes() == *name.as_bytes()
        };
        let entry = entry.filter(is_it);
        entry.ok_or_else(|| BundleError::not_one("it is no archive of `meta.json` and `data`"))
    };
    let mut meta = next(META)?;
    if meta.size() > META_BYTES_MAX {
        let bytes = meta.size();
        let text = format!("its meta has {bytes} octets; {META_BYTES_MAX} are the most");
        return Err(BundleError::NotOne(text).into());
    }
    let mut octets = Vec::new();
    meta.read_to_end(&mut octets).map_err(BundleError::from)?;
    let data = next(DATA)?;
    let bytes = data.size();
    take(&octets, &mut Whole { data, left: bytes }, bytes)
}

/// Octets of which none may be missing.
struct Whole<R> {
    data: R,
    left: u64,
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.data.read(buffer)?;
        if read == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left = self.left.saturating_sub(read as u64);
        Ok(read)
    }
}
