//! Reads a secret out of a file: a regular one, which nobody but its owner can read, and of
//! which no more is read than a secret can have.

#![warn(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// Why there is no secret. Whoever asked says of which file.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Others can read it, or change it.
    #[error("it can be read by others (mode {mode:03o}): chmod 600 it, and make another one")]
    Exposed {
        /// Its permissions.
        mode: u32,
    },
    /// It is longer than a secret.
    #[error("it has more than {bytes_max} octets")]
    TooLong {
        /// Octets at most.
        bytes_max: u64,
    },
}

/// The octets of the file at `path`, at most `bytes_max`.
///
/// # Errors
/// [`SecretFileError`].
pub fn read(path: &Path, bytes_max: u64) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    read_if(path, bytes_max, is_own)
}

/// The same of a file that is no secret: others may read it.
///
/// # Errors
/// [`SecretFileError`], but for [`Exposed`](SecretFileError::Exposed).
pub fn read_public(path: &Path, bytes_max: u64) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    read_if(path, bytes_max, |_| Ok(()))
}

fn read_if(
    path: &Path,
    bytes_max: u64,
    fits: impl Fn(&Metadata) -> Result<(), SecretFileError>,
) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    // Before it is opened: a named pipe would be waited for.
    is_regular(&fs::metadata(path)?)?;
    let file = File::open(path)?;
    let found = file.metadata()?;
    is_regular(&found)?;
    fits(&found)?;
    let mut octets = Zeroizing::new(Vec::new());
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut octets)?;
    match octets.len() as u64 <= bytes_max {
        true => Ok(octets),
        false => Err(SecretFileError::TooLong { bytes_max }),
    }
}

fn is_regular(found: &Metadata) -> io::Result<()> {
    match found.is_file() {
        true => Ok(()),
        false => Err(io::Error::other("it is no regular file")),
    }
}

#[cfg(unix)]
fn is_own(found: &Metadata) -> Result<(), SecretFileError> {
    use std::os::unix::fs::MetadataExt as _;
    match found.mode() & 0o777 {
        mode if mode & 0o077 != 0 => Err(SecretFileError::Exposed { mode }),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn is_own(_: &Metadata) -> Result<(), SecretFileError> {
    Ok(())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn of(octets: &[u8], mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, octets).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_file_of_ones_own_is_read_as_far_as_a_secret_goes() {
        let (_folder, path) = of(b"12345", 0o600);
        assert_eq!(**read(&path, 5).unwrap(), *b"12345");
        let error = read(&path, 4).unwrap_err();
        assert!(matches!(error, SecretFileError::TooLong { bytes_max: 4 }));
    }

    #[test]
    fn a_file_that_others_can_read_or_change_is_none() {
        for mode in [0o640, 0o604, 0o620, 0o602] {
            let (_folder, path) = of(b"12345", mode);
            let error = read(&path, 5).unwrap_err();
            assert!(matches!(error, SecretFileError::Exposed { mode: told } if told == mode));
            assert!(read_public(&path, 5).is_ok());
        }
    }

    #[test]
    fn what_is_no_regular_file_is_none() {
        let (folder, _) = of(b"", 0o600);
        for path in [
            folder.path(),
            Path::new("/dev/zero"),
            &folder.path().join("gone"),
        ] {
            let error = read(path, 5).unwrap_err();
            assert!(matches!(error, SecretFileError::Unreadable(_)), "{error}");
        }
    }
}
