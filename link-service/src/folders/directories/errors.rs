//! What the system says, as errors of folders.

use std::io;

use rustix::io::Errno;

use crate::folders::FolderError;

/// What it says to a name.
pub(super) fn refused(error: Errno, what: &str, name: &str) -> FolderError {
    match error {
        Errno::NOENT => FolderError::Missing {
            name: name.to_string(),
        },
        Errno::EXIST | Errno::NOTEMPTY => FolderError::Exists {
            name: name.to_string(),
        },
        Errno::LOOP | Errno::NOTDIR => {
            not_allowed(name, "it is a link or no directory, or leads through one")
        }
        Errno::ISDIR => not_allowed(name, "it is a directory"),
        Errno::NXIO | Errno::NODEV => not_allowed(name, "it is no regular file"),
        Errno::NAMETOOLONG => not_allowed(name, "the file system has no such long names"),
        error => failed(&format!("{what} {name}"), error),
    }
}

/// What it says to anything else.
pub(super) fn failed(what: &str, error: impl Into<io::Error>) -> FolderError {
    let error = error.into();
    let what = what.to_string();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOSPC | Errno::DQUOT) => FolderError::NoSpace {
            what,
            error: error.to_string(),
        },
        Some(Errno::XDEV) => FolderError::OtherFileSystem { what },
        _ => FolderError::Failed {
            what,
            error: error.to_string(),
        },
    }
}

pub(super) fn not_allowed(name: &str, why: &str) -> FolderError {
    FolderError::NotAllowed {
        name: name.to_string(),
        why: why.to_string(),
    }
}
