//! The keys that the client signs with, and what else is in files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::BucketError;

/// Octets of a key at most, with the end of its line.
const KEY_BYTES_MAX: u64 = 4096;
/// Octets of a file of certificates at most.
const CERTIFICATES_BYTES_MAX: u64 = 1 << 20;

/// A key: one line of visible characters, in a file that only its owner can read.
pub(super) fn read_key(setting: &'static str, path: &Path) -> Result<String, BucketError> {
    let octets = read(setting, path, KEY_BYTES_MAX, true)?;
    let key = octets.trim_ascii();
    match !key.is_empty() && key.iter().all(u8::is_ascii_graphic) {
        true => Ok(String::from_utf8_lossy(key).into_owned()),
        false => Err(BucketError::Unfit {
            setting,
            path: path.to_owned(),
            why: "holds no key: one line of visible characters is wanted".to_owned(),
        }),
    }
}

/// Certificates as PEM.
pub(super) fn read_certificates(
    setting: &'static str,
    path: &Path,
) -> Result<Vec<u8>, BucketError> {
    read(setting, path, CERTIFICATES_BYTES_MAX, false)
}

fn read(
    setting: &'static str,
    path: &Path,
    bytes_max: u64,
    is_secret: bool,
) -> Result<Vec<u8>, BucketError> {
    let unreadable = |error| BucketError::File {
        setting,
        path: path.to_owned(),
        error,
    };
    let file = File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if !found.is_file() {
        return Err(unreadable(io::Error::other("it is no regular file")));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let mode = found.mode() & 0o777;
        if is_secret && mode & 0o077 != 0 {
            return Err(BucketError::Exposed {
                setting,
                path: path.to_owned(),
                mode,
            });
        }
    }
    let mut octets = Vec::new();
    let mut bounded = file.take(bytes_max + 1);
    bounded.read_to_end(&mut octets).map_err(unreadable)?;
    match octets.len() as u64 <= bytes_max {
        true => Ok(octets),
        false => Err(BucketError::Unfit {
            setting,
            path: path.to_owned(),
            why: format!("has more than {bytes_max} octets"),
        }),
    }
}
