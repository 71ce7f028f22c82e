//! Names beneath the root, to open files and directories: component by component, through
//! no link.
//!
//! Who swaps a directory for a link while a name is resolved gains nothing: each component
//! is opened from the one before, and a link is not opened.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, mkdirat, openat, statat};
use rustix::io::Errno;

use super::durable::Durable;
use crate::StoreName;
use crate::store::{StoreError, failed, missing, not_allowed};

/// Of a directory that is made: what the umask leaves of this.
pub(super) const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o755);
/// Of a file that is made.
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// A FIFO or a device is not waited for; what it is, is asked then.
const FILE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// The directory that a name is in, and its last component.
pub(super) fn parent<'n>(
    root: &OwnedFd,
    name: &'n StoreName,
) -> Result<(OwnedFd, &'n str), StoreError> {
    let (directories, last) = split(name);
    Ok((walk(root, directories, name, None)?, last))
}

/// The same; directories that are not there are made.
pub(super) fn make_parent<'n>(
    root: &OwnedFd,
    name: &'n StoreName,
    durable: &mut Durable,
) -> Result<(OwnedFd, &'n str), StoreError> {
    let (directories, last) = split(name);
    Ok((walk(root, directories, name, Some(durable))?, last))
}

/// A directory; without a name, the root.
pub(super) fn directory(root: &OwnedFd, name: Option<&StoreName>) -> Result<OwnedFd, StoreError> {
    match name {
        Some(name) => walk(root, Some(name.as_str()), name, None),
        None => open_directory(root, ".").map_err(|error| failed("opening the root", error)),
    }
}

pub(super) fn open_directory(within: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    openat(within, name, DIRECTORY, Mode::empty())
}

fn split(name: &StoreName) -> (Option<&str>, &str) {
    match name.as_str().rsplit_once('/') {
        Some((directories, last)) => (Some(directories), last),
        None => (None, name.as_str()),
    }
}

fn walk(
    root: &OwnedFd,
    directories: Option<&str>,
    name: &StoreName,
    mut make: Option<&mut Durable>,
) -> Result<OwnedFd, StoreError> {
    let mut directory = directory(root, None)?;
    for component in directories.into_iter().flat_map(|names| names.split('/')) {
        let mut next = open_directory(&directory, component);
        if let (Err(Errno::NOENT), Some(durable)) = (&next, &mut make) {
            match mkdirat(&directory, component, DIRECTORY_MODE) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(failed(format!("making a directory of {name}"), error)),
            }
            durable.made_directory(&directory)?;
            next = open_directory(&directory, component);
        }
        directory = next.map_err(|error| refused(error, "opening", name))?;
    }
    Ok(directory)
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// To read it.
    Read,
    /// To read and write it.
    Write,
    /// The same, made; it must not be there.
    Make,
}

/// Opens a regular file. `name` is its whole name, for errors.
pub(super) fn open_file(
    within: &OwnedFd,
    last: &str,
    how: How,
    name: &str,
) -> Result<File, StoreError> {
    let flags = match how {
        How::Read => OFlags::RDONLY,
        How::Write => OFlags::RDWR,
        How::Make => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
    };
    let opened = openat(within, last, flags | FILE, FILE_MODE);
    let file = File::from(opened.map_err(|error| refused(error, "opening", &name))?);
    let metadata = file.metadata();
    let metadata = metadata.map_err(|error| failed(format!("opening {name}"), error))?;
    if !metadata.is_file() {
        return Err(not_allowed(&name, "it is no regular file"));
    }
    // What is written is a place or a copy, which has one name; another may be outside.
    if how != How::Read && metadata.nlink() > 1 {
        return Err(not_allowed(&name, "the file has other names, too"));
    }
    Ok(file)
}

/// What has a name, without opening it; a link is a link. Nothing where nothing has it.
pub(super) fn kind_of(
    within: &OwnedFd,
    last: &str,
    name: &StoreName,
) -> Result<Option<FileType>, StoreError> {
    match statat(within, last, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(FileType::from_raw_mode(found.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(refused(error, "looking for", name)),
    }
}

/// Whether a name has nothing, or a regular file.
pub(super) fn is_file(within: &OwnedFd, last: &str, name: &StoreName) -> Result<bool, StoreError> {
    match kind_of(within, last, name)? {
        None => Ok(false),
        Some(FileType::RegularFile) => Ok(true),
        Some(_) => Err(not_allowed(name, "it is no regular file")),
    }
}

fn refused(error: Errno, what: &str, name: &impl std::fmt::Display) -> StoreError {
    match error {
        Errno::NOENT => missing(name),
        Errno::LOOP | Errno::NOTDIR => {
            not_allowed(name, "it is a link, or leads through one or through a file")
        }
        Errno::ISDIR => not_allowed(name, "it is a directory"),
        Errno::NXIO | Errno::NODEV => not_allowed(name, "it is no regular file"),
        Errno::EXIST => not_allowed(name, "it is there already"),
        error => failed(format!("{what} {name}"), error),
    }
}
