//! Why a file is not taken or given. The texts are those that clients of the original know.

use std::io;
use std::path::{Path, PathBuf};

/// Why not; nothing has become of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The path of the file begins nowhere.
    #[error("File path {0} is not absolute")]
    NotAbsolute(String),
    /// Its directory cannot be changed, so the file cannot be taken out of it.
    #[error("Source directory not writable")]
    NotWritable,
    /// The file is not there, or nothing can be known of it.
    #[error("Error getting info on {}: {}", path.display(), said(error))]
    NoInfo {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is something else.
    #[error("Error getting info on {}: it is {what}, no regular file", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
        /// What is there.
        what: &'static str,
    },
    /// It is the agent's own.
    #[error("{} is the agent's own: it is there already", .0.display())]
    Own(PathBuf),
    /// Somebody writes to it.
    #[error("{} has changed while it was read: hand it over once it is whole", .0.display())]
    Changed(PathBuf),
    /// It cannot be renamed to where it is to go: it is to be copied.
    #[error("{} is on another file system: it is to be copied", .0.display())]
    OtherFileSystem(PathBuf),
    /// Another request hands it over.
    #[error("{} is being handed over by another request", .0.display())]
    HandedOver(PathBuf),
    /// There is no room for it.
    #[error("insufficient disk space for destination file")]
    NoRoom,
    /// What comes in a body is longer than it may be.
    #[error("a file of a body has at most {0} octets")]
    TooLong(u64),
    /// The queue is full.
    #[error("{0} items are queued, which is as many as there may be")]
    Full(usize),
    /// What came up is not what it says that it is.
    #[error("the upload {0}: its data is not what its meta says")]
    Damaged(String),
    /// There is no such upload.
    #[error("meta file unreadable for ID: No such file or directory")]
    NoUpload,
    /// The path to which it is to go begins nowhere.
    #[error("Destination path {0} is not absolute")]
    DestinationNotAbsolute(String),
    /// Something has the name.
    #[error("move_file error - file exists: File exists")]
    Exists,
    /// It cannot be put there.
    #[error("Error renaming: {}", said(.0))]
    Rename(io::Error),
    /// The disk, or what else the system had to say.
    #[error("{}: {}", path.display(), said(error))]
    System {
        /// What was done something to.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl StoreError {
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
        at(path)
    }
}

/// The system's words, without its number.
#[must_use]
pub fn said(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// For `map_err`.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError + '_ {
    |error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::NoRoom,
        _ => StoreError::System {
            path: path.to_owned(),
            error,
        },
    }
}
