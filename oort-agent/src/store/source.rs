//! A file that is to be handed over.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, OFlags, access};
use rustix::io::Errno;

use super::disk;
use super::error::{StoreError, at};
use super::identity::Identity;

/// The file, open: what is read is one file, whatever becomes of its name.
#[derive(Debug)]
pub struct Source {
    pub(crate) file: File,
    /// Where it is, by no link.
    pub(crate) path: PathBuf,
    /// Where it is, in the client's words.
    pub(crate) named: PathBuf,
    pub(crate) identity: Identity,
    /// s since 1970 when anything of it was changed.
    pub(crate) created: i64,
    pub(crate) modified: i64,
}

impl Source {
    /// Opens it: no link, no directory, and nothing that is waited for.
    pub(crate) fn open(path: &str, own: &Path) -> Result<Self, StoreError> {
        let not_absolute = || StoreError::NotAbsolute(path.to_owned());
        let path = Path::new(path);
        let named = path.to_owned();
        let parent = path.parent().filter(|_| path.is_absolute());
        let parent = parent.ok_or_else(not_absolute)?;
        let no_info = |error| StoreError::NoInfo {
            path: path.to_owned(),
            error,
        };
        let parent = match fs::canonicalize(parent) {
            Ok(parent) => parent,
            // The original looks at the directory first.
            Err(_) => return Err(StoreError::NotWritable),
        };
        let name = path.file_name();
        let name = name.ok_or_else(|| no_info(io::ErrorKind::NotFound.into()))?;
        if access(&parent, Access::WRITE_OK | Access::EXEC_OK).is_err() {
            return Err(StoreError::NotWritable);
        }
        if parent.starts_with(own) {
            return Err(StoreError::Own(path.to_owned()));
        }
        let path = parent.join(name);
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let opened = File::options().read(true).custom_flags(flags).open(&path);
        let found = fs::symlink_metadata(&path).map_err(no_info)?;
        let kind = found.file_type();
        let what = match kind {
            _ if kind.is_file() => None,
            _ if kind.is_symlink() => Some("a symbolic link"),
            _ if kind.is_dir() => Some("a directory"),
            _ if kind.is_fifo() => Some("a FIFO"),
            _ if kind.is_socket() => Some("a socket"),
            _ => Some("a device"),
        };
        if let Some(what) = what {
            return Err(StoreError::NoFile { path, what });
        }
        let file = opened.map_err(|error| StoreError::NoInfo {
            path: path.clone(),
            error,
        })?;
        let found = file.metadata().map_err(at(&path))?;
        if !found.is_file() {
            return Err(StoreError::Changed(path));
        }
        Ok(Source {
            identity: Identity::of(&found),
            created: found.ctime(),
            modified: found.mtime(),
            file,
            path,
            named,
        })
    }

    /// Octets.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.identity.bytes
    }

    /// Whether it is as it was.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let found = self.file.metadata().map_err(at(&self.path))?;
        match Identity::of(&found) == self.identity {
            true => Ok(()),
            false => Err(StoreError::Changed(self.path.clone())),
        }
    }

    /// Removes it, where its name is still its own.
    pub(crate) fn remove(&self) -> Result<(), StoreError> {
        self.check()?;
        let found = fs::symlink_metadata(&self.path);
        match found.map(|found| Identity::of(&found)) {
            Ok(found) if found == self.identity => {
                disk::remove(&self.path).map_err(|error| match error.kind() {
                    io::ErrorKind::PermissionDenied => StoreError::NotWritable,
                    _ => at(&self.path)(error),
                })
            }
            _ => Err(StoreError::Changed(self.path.clone())),
        }
    }

    pub(crate) fn parent(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}

/// Whether an error is that names are of two file systems.
pub(crate) fn is_of_two_file_systems(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::XDEV.raw_os_error())
}
