//! The keys that the client signs with, and what else is in files.

use std::path::Path;

use secret_file::SecretFileError;

use crate::BucketError;

/// Octets of a key at most, with the end of its line.
const KEY_BYTES_MAX: u64 = 4096;
/// Octets of a file of certificates at most.
const CERTIFICATES_BYTES_MAX: u64 = 1 << 20;

/// A key: one line of visible characters, in a file that only its owner can read.
pub(super) fn read_key(setting: &'static str, path: &Path) -> Result<String, BucketError> {
    let octets = secret_file::read(path, KEY_BYTES_MAX);
    let octets = octets.map_err(|error| of_file(setting, path, error))?;
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
    let octets = secret_file::read_public(path, CERTIFICATES_BYTES_MAX);
    match octets {
        Ok(octets) => Ok(octets.to_vec()),
        Err(error) => Err(of_file(setting, path, error)),
    }
}

fn of_file(setting: &'static str, path: &Path, error: SecretFileError) -> BucketError {
    let path = path.to_owned();
    match error {
        SecretFileError::Unreadable(error) => BucketError::File {
            setting,
            path,
            error,
        },
        SecretFileError::Exposed { mode } => BucketError::Exposed {
            setting,
            path,
            mode,
        },
        SecretFileError::TooLong { bytes_max } => BucketError::Unfit {
            setting,
            path,
            why: format!("has more than {bytes_max} octets"),
        },
    }
}
