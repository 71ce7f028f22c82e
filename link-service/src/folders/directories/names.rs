//! Giving names, and taking none from another file.

use std::os::fd::OwnedFd;

use rustix::fs::{
    AtFlags, FileType, RenameFlags, linkat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;

use super::errors::{not_allowed, refused};
use crate::folders::FolderError;

type Named<'n> = (&'n OwnedFd, &'n str);

/// A name that leads nowhere else. Whoever asks, has checked it: this is for nobody to
/// forget that.
pub(super) fn component(name: &str) -> Result<&str, FolderError> {
    match name {
        "" | "." | ".." => Err(not_allowed(name, "it names no file")),
        name if name.contains(['/', '\0']) => Err(not_allowed(name, "it is no single name")),
        name => Ok(name),
    }
}

/// In the place of another file.
pub(super) fn rename(from: Named<'_>, to: Named<'_>) -> Result<(), FolderError> {
    renameat(from.0, from.1, to.0, to.1).map_err(|error| renaming(error, from, to))
}

/// In the place of none.
pub(super) fn rename_to_free(from: Named<'_>, to: Named<'_>) -> Result<(), FolderError> {
    match renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // Of the file system, or of the system.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => link_to_free(from, to),
        Err(error) => Err(renaming(error, from, to)),
    }
}

/// The same, where the file system cannot: a file has both names for a moment. After a
/// crash in that moment it is found so.
pub(super) fn link_to_free(from: Named<'_>, to: Named<'_>) -> Result<(), FolderError> {
    let look = |of: Named<'_>| statat(of.0, of.1, AtFlags::SYMLINK_NOFOLLOW);
    let source = look(from).map_err(|error| renaming(error, from, to))?;
    if FileType::from_raw_mode(source.st_mode) == FileType::Directory {
        // Directories have one name. Another than an empty one is not replaced.
        return rename_if_free(from, to);
    }
    match linkat(from.0, from.1, to.0, to.1, AtFlags::empty()) {
        Ok(()) => {}
        Err(Errno::EXIST) => {
            let there = look(to).map_err(|error| renaming(error, from, to))?;
            if (there.st_dev, there.st_ino) != (source.st_dev, source.st_ino) {
                return Err(renaming(Errno::EXIST, from, to));
            }
        }
        // Without links there is no way that others cannot come between.
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {
            return rename_if_free(from, to);
        }
        Err(error) => return Err(renaming(error, from, to)),
    }
    let removed = unlinkat(from.0, from.1, AtFlags::empty());
    removed.map_err(|error| renaming(error, from, to))
}

fn rename_if_free(from: Named<'_>, to: Named<'_>) -> Result<(), FolderError> {
    match statat(to.0, to.1, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => rename(from, to),
        Ok(_) => Err(renaming(Errno::EXIST, from, to)),
        Err(error) => Err(renaming(error, from, to)),
    }
}

fn renaming(error: Errno, from: Named<'_>, to: Named<'_>) -> FolderError {
    match error {
        Errno::NOENT => refused(error, "renaming", from.1),
        // A directory has the name.
        Errno::ISDIR | Errno::NOTDIR | Errno::EXIST | Errno::NOTEMPTY => {
            refused(Errno::EXIST, "renaming", to.1)
        }
        error => refused(error, "renaming", to.1),
    }
}
