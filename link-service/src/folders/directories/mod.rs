//! Inboxes and outboxes as directories of a real file system.
//!
//! Names are resolved one component at a time, each from the directory that is open, and
//! never through a link: who swaps a directory for a link meanwhile gains nothing.

mod errors;
mod file_system;
mod names;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

use rustix::fs::{
    Advice, AtFlags, CWD, Dir, FallocateFlags, FileType, Gid, Mode, OFlags, Uid, chownat, fadvise,
    fallocate, fchmod, fchown, fstatvfs, fsync, mkdirat, openat, statat, unlinkat,
};
use rustix::io::Errno;

use super::{Facts, FolderError, Folders, Kind, Replace, Side};
use crate::names::AppId;
use errors::{failed, not_allowed, refused};
use names::component;

pub use file_system::FileSystem;

/// Of what an app gets.
const DELIVERED: Mode = Mode::from_raw_mode(0o640);
/// Of directories that it gets.
const DELIVERED_DIRECTORY: Mode = Mode::from_raw_mode(0o750);
/// Of what is the service's own.
const OWN_DIRECTORY: Mode = Mode::from_raw_mode(0o700);
const OWN: Mode = Mode::from_raw_mode(0o600);
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// A FIFO or a device is not waited for.
const FILE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The directories of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppDirectories {
    /// What it gets.
    pub inbox: PathBuf,
    /// What it sends.
    pub outbox: PathBuf,
    /// The user that it runs as: only such files are taken from it, and it gets its own as
    /// such.
    pub owner: Option<u32>,
    /// The group that may read what it gets; without, that of the service.
    pub group: Option<u32>,
}

/// Inboxes and outboxes as directories.
#[derive(Debug)]
pub struct Directories {
    apps: RwLock<BTreeMap<AppId, AppDirectories>>,
    boot: Option<u128>,
    renames_without_replacing: bool,
}

impl Directories {
    /// Those of these apps. Each is to be there, and no link.
    pub fn new(apps: impl IntoIterator<Item = (AppId, AppDirectories)>) -> Self {
        let boot_id = std::fs::read_to_string(BOOT_ID).ok();
        let boot_id = boot_id.map(|id| id.trim().replace('-', ""));
        Directories {
            apps: RwLock::new(apps.into_iter().collect()),
            boot: boot_id.and_then(|id| u128::from_str_radix(&id, 16).ok()),
            renames_without_replacing: true,
        }
    }

    /// From now on those of these apps.
    pub fn replace(&self, apps: impl IntoIterator<Item = (AppId, AppDirectories)>) {
        let apps = apps.into_iter().collect();
        *self.apps.write().unwrap_or_else(PoisonError::into_inner) = apps;
    }

    /// Does as on file systems that cannot rename without replacing: for tests.
    #[must_use]
    pub fn without_renames_without_replacing(mut self) -> Self {
        self.renames_without_replacing = false;
        self
    }

    /// To whom what an app gets is given, where that is somebody else.
    fn new_owner(&self, app: &AppId) -> (Option<Uid>, Option<Gid>) {
        let Some(app) = self.app(app) else {
            return (None, None);
        };
        // A user may own what it makes without being allowed to give it away.
        let owner = app.owner.map(Uid::from_raw);
        let owner = owner.filter(|owner| *owner != rustix::process::geteuid());
        let group = app.group.map(Gid::from_raw);
        let group = group.filter(|group| *group != rustix::process::getegid());
        (owner, group)
    }

    fn app(&self, app: &AppId) -> Option<AppDirectories> {
        let apps = self.apps.read().unwrap_or_else(PoisonError::into_inner);
        apps.get(app).cloned()
    }
}

impl Folders for Directories {
    type Directory = OwnedFd;
    type File = File;

    fn open_box(&self, app: &AppId, side: Side) -> Result<OwnedFd, FolderError> {
        let name = match side {
            Side::Inbox => format!("inbox of {app}"),
            Side::Outbox => format!("outbox of {app}"),
        };
        let Some(directories) = self.app(app) else {
            return Err(FolderError::Missing { name });
        };
        let path = match side {
            Side::Inbox => directories.inbox,
            Side::Outbox => directories.outbox,
        };
        let opened = openat(CWD, &path, DIRECTORY, Mode::empty());
        opened.map_err(|error| refused(error, "opening", &name))
    }

    fn owner(&self, app: &AppId) -> Option<u32> {
        self.app(app)?.owner
    }

    fn boot(&self, of: &OwnedFd) -> Option<u128> {
        let system = FileSystem::of_open(of).ok()?;
        self.boot.filter(|_| !system.is_degraded())
    }

    fn open_directory(&self, within: &OwnedFd, name: &str) -> Result<OwnedFd, FolderError> {
        let opened = openat(within, component(name)?, DIRECTORY, Mode::empty());
        opened.map_err(|error| refused(error, "opening", name))
    }

    fn make_directory(
        &self,
        within: &OwnedFd,
        name: &str,
        of: Option<&AppId>,
    ) -> Result<(), FolderError> {
        let mode = match of {
            Some(_) => DELIVERED_DIRECTORY,
            None => OWN_DIRECTORY,
        };
        let name = component(name)?;
        mkdirat(within, name, mode).map_err(|error| refused(error, "making", name))?;
        let (owner, group) = of.map_or((None, None), |app| self.new_owner(app));
        if owner.is_none() && group.is_none() {
            return Ok(());
        }
        let given = chownat(within, name, owner, group, AtFlags::SYMLINK_NOFOLLOW);
        given.map_err(|error| refused(error, "handing over", name))
    }

    fn list(&self, within: &OwnedFd) -> Result<Vec<(String, Kind)>, FolderError> {
        let failure = |error| failed("listing a directory", error);
        let mut names = Vec::new();
        for entry in Dir::read_from(within).map_err(failure)? {
            let entry = entry.map_err(failure)?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if matches!(name, "." | "..") {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => match self.look(within, name)? {
                    Some(facts) => facts.kind,
                    None => continue,
                },
                kind => kind_of(kind),
            };
            names.push((name.to_string(), kind));
        }
        names.sort_unstable();
        Ok(names)
    }

    fn look(&self, within: &OwnedFd, name: &str) -> Result<Option<Facts>, FolderError> {
        let found = match statat(within, component(name)?, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            found => found.map_err(|error| refused(error, "looking at", name))?,
        };
        let ns = |seconds, ns| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        // Which differ between machines.
        #[allow(clippy::useless_conversion)]
        let links = u64::from(found.st_nlink);
        Ok(Some(Facts {
            kind: kind_of(FileType::from_raw_mode(found.st_mode)),
            size: u64::try_from(found.st_size).unwrap_or_default(),
            modified_ns: ns(found.st_mtime, found.st_mtime_nsec),
            changed_ns: ns(found.st_ctime, found.st_ctime_nsec),
            number: found.st_ino,
            links,
            owner: found.st_uid,
        }))
    }

    fn open(&self, within: &OwnedFd, name: &str) -> Result<File, FolderError> {
        // Opening a device may do something to it.
        if let Some(facts) = self.look(within, name)? {
            is_file(name, facts.kind)?;
        }
        let opened = openat(within, name, OFlags::RDONLY | FILE, Mode::empty());
        let file = File::from(opened.map_err(|error| refused(error, "opening", name))?);
        is_file(name, self.facts(&file)?.kind)?;
        Ok(file)
    }

    fn open_to_write(&self, within: &OwnedFd, name: &str) -> Result<File, FolderError> {
        if let Some(facts) = self.look(within, name)? {
            is_file(name, facts.kind)?;
        }
        let flags = OFlags::RDWR | OFlags::CREATE | FILE;
        let opened = openat(within, name, flags, OWN);
        let file = File::from(opened.map_err(|error| refused(error, "making", name))?);
        is_file(name, self.facts(&file)?.kind)?;
        Ok(file)
    }

    fn facts(&self, file: &File) -> Result<Facts, FolderError> {
        let found = file.metadata();
        let found = found.map_err(|error| failed("looking at a file", error))?;
        let ns = |seconds, ns| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        Ok(Facts {
            kind: kind_of(FileType::from_raw_mode(found.mode())),
            size: found.size(),
            modified_ns: ns(found.mtime(), found.mtime_nsec()),
            changed_ns: ns(found.ctime(), found.ctime_nsec()),
            number: found.ino(),
            links: found.nlink(),
            owner: found.uid(),
        })
    }

    fn read(&self, file: &File, offset: u64, octets: &mut [u8]) -> Result<usize, FolderError> {
        loop {
            match file.read_at(octets, offset) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => return read.map_err(|error| failed("reading a file", error)),
            }
        }
    }

    fn write(&self, file: &File, offset: u64, octets: &[u8]) -> Result<(), FolderError> {
        let written = file.write_all_at(octets, offset);
        written.map_err(|error| failed("writing a file", error))
    }

    fn reserve(&self, file: &File, bytes: u64) -> Result<(), FolderError> {
        if bytes == 0 {
            return Ok(());
        }
        loop {
            match fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes) {
                Err(Errno::INTR) => {}
                Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(()),
                Err(error) => return Err(failed(&format!("taking {bytes} octets"), error)),
            }
        }
    }

    fn cut(&self, file: &File, bytes: u64) -> Result<(), FolderError> {
        let cut = file.set_len(bytes);
        cut.map_err(|error| failed("giving a file its size", error))
    }

    fn hand_over(&self, file: &File, app: &AppId) -> Result<(), FolderError> {
        let failure = |error| failed(&format!("giving a file to {app}"), error);
        let (owner, group) = self.new_owner(app);
        if owner.is_some() || group.is_some() {
            fchown(file, owner, group).map_err(failure)?;
        }
        match fchmod(file, DELIVERED) {
            // Shares have modes of their own.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }

    fn sync(&self, file: &File) -> Result<(), FolderError> {
        let synced = file.sync_all();
        synced.map_err(|error| failed("syncing a file", error))
    }

    fn forget_cached(&self, file: &File) {
        // A hint that may be refused: then what is compared is what is in memory.
        let _ = fadvise(file, 0, None, Advice::DontNeed);
    }

    fn sync_directory(&self, directory: &OwnedFd) -> Result<(), FolderError> {
        match fsync(directory) {
            // Shares whose server does that of its own.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(error) => Err(failed("syncing a directory", error)),
        }
    }

    fn rename(
        &self,
        from: (&OwnedFd, &str),
        to: (&OwnedFd, &str),
        replace: Replace,
    ) -> Result<(), FolderError> {
        component(from.1)?;
        component(to.1)?;
        match replace {
            Replace::May => names::rename(from, to),
            Replace::Never if self.renames_without_replacing => names::rename_to_free(from, to),
            Replace::Never => names::link_to_free(from, to),
        }
    }

    fn remove(&self, within: &OwnedFd, name: &str) -> Result<(), FolderError> {
        match unlinkat(within, component(name)?, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(refused(error, "removing", name)),
        }
    }

    fn remove_directory(&self, within: &OwnedFd, name: &str) -> Result<(), FolderError> {
        match unlinkat(within, component(name)?, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error @ Errno::NOTEMPTY) => Err(failed(&format!("removing {name}"), error)),
            Err(error) => Err(refused(error, "removing", name)),
        }
    }

    fn free_bytes(&self, within: &OwnedFd) -> Result<u64, FolderError> {
        let system = fstatvfs(within);
        let system = system.map_err(|error| failed("asking for free space", error))?;
        match system.f_blocks {
            // One that says nothing of room, as some shares do: what is full is told by a write.
            0 => Ok(u64::MAX),
            _ => Ok(system.f_bavail.saturating_mul(system.f_frsize)),
        }
    }
}

fn kind_of(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        _ => Kind::Other,
    }
}

fn is_file(name: &str, kind: Kind) -> Result<(), FolderError> {
    match kind {
        Kind::File => Ok(()),
        Kind::Directory => Err(not_allowed(name, "it is a directory")),
        Kind::Other => Err(not_allowed(name, "it is a link, or no regular file")),
    }
}
