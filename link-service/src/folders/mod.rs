//! Inboxes and outboxes: the only I/O on them.
//!
//! [`Folders`] is a trait, so that what is done with files is proven with a model of a disk
//! that loses what was not synced when the power is cut ([`memory`]), and is done with the
//! directories of a real one ([`Directories`]).

#[cfg(target_os = "linux")]
mod directories;
pub mod memory;

use crate::code::Code;
use crate::names::AppId;

#[cfg(target_os = "linux")]
pub use directories::{AppDirectories, Directories, FileSystem};

/// Which of the two boxes of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// What it gets.
    Inbox,
    /// What it sends.
    Outbox,
}

/// What has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A link, a FIFO, a device, a socket.
    Other,
}

/// What the disk says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// Octets.
    pub size: u64,
    /// When its octets were changed last, in ns since 1970.
    pub modified_ns: i128,
    /// When anything of it was changed last, in ns since 1970; nobody can set that.
    pub changed_ns: i128,
    /// The inode.
    pub number: u64,
    /// How many names it has.
    pub links: u64,
    /// Whose it is.
    pub owner: u32,
}

/// Whether a file may take the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// Never: there is an error then.
    Never,
    /// The other is gone, at the same instant.
    May,
}

/// Why a box did not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// There is nothing of that name.
    #[error("there is no {name}")]
    Missing {
        /// The name.
        name: String,
    },
    /// Something has the name.
    #[error("{name} is there already")]
    Exists {
        /// The name.
        name: String,
    },
    /// It is not what is taken: a link, a device, a directory where a file is to be.
    #[error("{name} is not allowed: {why}")]
    NotAllowed {
        /// The name.
        name: String,
        /// Which rule.
        why: String,
    },
    /// The disk is full, or a quota of the file system is.
    #[error("{what} failed, as there is no room: {error}")]
    NoSpace {
        /// What was tried.
        what: String,
        /// What the system said.
        error: String,
    },
    /// Two directories of one box are on different file systems.
    #[error(
        "{what} failed: it would lead to another file system; mount none beneath an inbox or outbox"
    )]
    OtherFileSystem {
        /// What was tried.
        what: String,
    },
    /// The system refused it.
    #[error("{what} failed: {error}")]
    Failed {
        /// What was tried.
        what: String,
        /// What the system said.
        error: String,
    },
}

impl FolderError {
    /// Whether it may be well another time.
    #[must_use]
    pub fn heals(&self) -> bool {
        match self {
            FolderError::NoSpace { .. } | FolderError::Failed { .. } => true,
            FolderError::Missing { .. }
            | FolderError::Exists { .. }
            | FolderError::NotAllowed { .. }
            | FolderError::OtherFileSystem { .. } => false,
        }
    }

    /// The code for whoever asked.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            FolderError::Missing { .. } => Code::SourceNotFound,
            FolderError::Exists { .. } => Code::AlreadyExists,
            FolderError::NotAllowed { .. } => Code::InvalidArgument,
            FolderError::NoSpace { .. } => Code::NoSpace,
            FolderError::OtherFileSystem { .. } | FolderError::Failed { .. } => Code::IoError,
        }
    }
}

/// The boxes of all apps.
///
/// # For implementors
///
/// - Each name is one component, resolved in the directory that is given, through no link.
/// - Nothing needs to be durable before it is synced: the octets of a file by
///   [`sync`](Folders::sync), the names in a directory by
///   [`sync_directory`](Folders::sync_directory), the directory's own name by that of the
///   directory that it is in. What is not, may be lost by a cut of the power or not, in any
///   order; a rename is lost or not as a whole.
/// - What fails, may have been done all the same.
pub trait Folders: Send + Sync {
    /// A directory that is open.
    type Directory: Send;
    /// A file that is open.
    type File: Send;

    /// Opens the box of an app.
    ///
    /// # Errors
    /// [`FolderError::Missing`]: the app, or its box, is not there.
    fn open_box(&self, app: &AppId, side: Side) -> Result<Self::Directory, FolderError>;

    /// Whose the files of an app are, where that is known: such are taken from it, and so
    /// are those that it gets.
    fn owner(&self, app: &AppId) -> Option<u32>;

    /// The same number as long as nothing that was written to a box can have been lost:
    /// since the machine was started. Nothing where nobody knows, as on a share.
    fn boot(&self, of: &Self::Directory) -> Option<u128>;

    /// Opens a directory.
    ///
    /// # Errors
    /// [`FolderError`]: it is not there, or no directory.
    fn open_directory(
        &self,
        within: &Self::Directory,
        name: &str,
    ) -> Result<Self::Directory, FolderError>;

    /// Makes a directory. For those of an app (`of`), it is that app's; else the service's.
    ///
    /// # Errors
    /// [`FolderError`]; [`FolderError::Exists`] where something has the name.
    fn make_directory(
        &self,
        within: &Self::Directory,
        name: &str,
        of: Option<&AppId>,
    ) -> Result<(), FolderError>;

    /// The names in a directory, and what they are; without `.` and `..`, sorted. What is
    /// no UTF-8 is left away.
    ///
    /// # Errors
    /// [`FolderError`].
    fn list(&self, within: &Self::Directory) -> Result<Vec<(String, Kind)>, FolderError>;

    /// What has a name, without opening it.
    ///
    /// # Errors
    /// [`FolderError`].
    fn look(&self, within: &Self::Directory, name: &str) -> Result<Option<Facts>, FolderError>;

    /// Opens a regular file to read it. What is none is not waited for.
    ///
    /// # Errors
    /// [`FolderError`].
    fn open(&self, within: &Self::Directory, name: &str) -> Result<Self::File, FolderError>;

    /// Opens a regular file to read and write it, and makes it if it is not there.
    ///
    /// # Errors
    /// [`FolderError`].
    fn open_to_write(
        &self,
        within: &Self::Directory,
        name: &str,
    ) -> Result<Self::File, FolderError>;

    /// What the disk says of it now.
    ///
    /// # Errors
    /// [`FolderError`].
    fn facts(&self, file: &Self::File) -> Result<Facts, FolderError>;

    /// Fills `octets` from `offset` on, as far as the file goes: how many.
    ///
    /// # Errors
    /// [`FolderError`].
    fn read(&self, file: &Self::File, offset: u64, octets: &mut [u8])
    -> Result<usize, FolderError>;

    /// Writes all of `octets` at `offset`.
    ///
    /// # Errors
    /// [`FolderError`]; a part may have been written.
    fn write(&self, file: &Self::File, offset: u64, octets: &[u8]) -> Result<(), FolderError>;

    /// Takes room for `bytes` octets, where the file system can; the size stays.
    ///
    /// # Errors
    /// [`FolderError::NoSpace`] and others.
    fn reserve(&self, file: &Self::File, bytes: u64) -> Result<(), FolderError>;

    /// Cuts it to `bytes` octets; with that goes what was reserved behind them.
    ///
    /// # Errors
    /// [`FolderError`].
    fn cut(&self, file: &Self::File, bytes: u64) -> Result<(), FolderError>;

    /// Makes a file that of an app, and nobody else's.
    ///
    /// # Errors
    /// [`FolderError`].
    fn hand_over(&self, file: &Self::File, app: &AppId) -> Result<(), FolderError>;

    /// Makes the octets of a file durable.
    ///
    /// # Errors
    /// [`FolderError`]: nobody knows then what of it is on the disk, and another sync that
    /// succeeds says nothing. It is to be removed and written anew.
    fn sync(&self, file: &Self::File) -> Result<(), FolderError>;

    /// What is read next comes from the disk, as far as the system can be made to.
    fn forget_cached(&self, file: &Self::File);

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// [`FolderError`].
    fn sync_directory(&self, directory: &Self::Directory) -> Result<(), FolderError>;

    /// Renames a file or a directory.
    ///
    /// # Errors
    /// [`FolderError`]; [`FolderError::Exists`] also where a directory is to be replaced.
    fn rename(
        &self,
        from: (&Self::Directory, &str),
        to: (&Self::Directory, &str),
        replace: Replace,
    ) -> Result<(), FolderError>;

    /// Removes the name of what is no directory; one that is not there is removed.
    ///
    /// # Errors
    /// [`FolderError`].
    fn remove(&self, within: &Self::Directory, name: &str) -> Result<(), FolderError>;

    /// Removes an empty directory; one that is not there is removed.
    ///
    /// # Errors
    /// [`FolderError`].
    fn remove_directory(&self, within: &Self::Directory, name: &str) -> Result<(), FolderError>;

    /// Octets that the file system has left; [`u64::MAX`] where it does not say.
    ///
    /// # Errors
    /// [`FolderError`].
    fn free_bytes(&self, within: &Self::Directory) -> Result<u64, FolderError>;
}
