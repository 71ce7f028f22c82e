//! A file of an app is copied to another, as a whole or not at all.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use payload_interface::AppName;
use rustix::fs::{
    AtFlags, CWD, Gid, Mode, OFlags, Uid, fchown, fsync, mkdirat, openat, renameat, unlinkat,
};
use rustix::io::Errno;

use super::confined::{Confined, NotConfined};
use super::stager::AppFolders;
use super::transfer::{Transfer, TransferError};

/// What is not whole yet.
const PART: &str = ".payload-controller.part";
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const NEW: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Why it is not copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// It is no file that may go out.
    #[error(transparent)]
    Source(#[from] NotConfined),
    /// It cannot be written.
    #[error("cannot write it: {0}")]
    Write(#[from] io::Error),
}

impl From<Errno> for CopyError {
    fn from(error: Errno) -> Self {
        CopyError::Write(error.into())
    }
}

/// A copy on its way: what is there of it has no name of its own yet.
#[derive(Debug)]
pub(super) struct Copying {
    transfer: Transfer,
    within: OwnedFd,
    name: String,
}

impl Copying {
    /// Begins to copy `path` of `from` into a directory of that name beneath the inbound
    /// directory of `to`.
    pub(super) fn begin(
        app: &AppName,
        from: &AppFolders,
        to: &AppFolders,
        path: &str,
    ) -> Result<Self, CopyError> {
        let source = Confined::open(&from.outbound, path, from.owner)?;
        let root_flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut within = openat(CWD, &to.inbound, root_flags, Mode::empty())?;
        within = beneath(&within, app.as_str())?;
        let mut parts: Vec<&str> = path.split('/').collect();
        let name = parts.pop().unwrap_or(path).to_owned();
        for part in parts {
            within = beneath(&within, part)?;
        }
        // What an earlier one left.
        match unlinkat(&within, PART, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let part = File::from(openat(&within, PART, NEW, Mode::from_raw_mode(0o640))?);
        if let Some(owner) = to.owner {
            fchown(&part, Some(Uid::from_raw(owner)), None::<Gid>)?;
        }
        Ok(Copying {
            transfer: Transfer::new(source, part),
            within,
            name,
        })
    }

    /// Copies a part. True once all of it is there under its name.
    pub(super) fn step(&mut self) -> Result<bool, CopyError> {
        match self.transfer.step() {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(error) => {
                unlinkat(&self.within, PART, AtFlags::empty())?;
                return Err(match error {
                    TransferError::Source(error) => CopyError::Source(error),
                    TransferError::Failed(error) => CopyError::Write(error),
                    changed => CopyError::Write(io::Error::other(changed.to_string())),
                });
            }
        }
        renameat(&self.within, PART, &self.within, self.name.as_str())?;
        fsync(&self.within)?;
        Ok(true)
    }
}

fn beneath(within: &OwnedFd, name: &str) -> Result<OwnedFd, CopyError> {
    match mkdirat(within, name, Mode::from_raw_mode(0o750)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(openat(within, name, DIRECTORY, Mode::empty())?)
}
