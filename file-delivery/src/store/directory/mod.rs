//! Files beneath a directory of the system.
//!
//! | part | what stands there |
//! |---|---|
//! | `beneath` | names, resolved through no link |
//! | `limits` | what transactions may take of the disk, and what is taken |
//! | `staging` | places of staging, from the first octet to the file's name |
//! | `request` | filestore requests |
//! | `cleaning` | what an earlier process left |
//! | `durable` | syncs, counted |
//!
//! A file is put together in `.cfdp-SOURCE-NUMBER.part` beside the file that it will be.
//! Names that begin so are the store's own: not opened, not made, not listed for anybody.
//! One process at a time stages files beneath a root.

mod beneath;
mod cleaning;
mod durable;
mod limits;
mod request;
mod staging;

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, openat};

use super::step::AtStep;
use super::{
    FileIdentity, FileStore, Staging, StoreError, failed, is_own, not_allowed, refuse_own,
};
use crate::StoreName;
use crate::pdu::tlv::{FilestoreRequest, FilestoreStatus};

use beneath::How;
use durable::Durable;
use limits::Places;

pub use cleaning::Cleared;
pub use durable::DirectoryCounts;
pub use limits::DirectoryLimits;
pub use staging::DirectoryStaged;

/// The files beneath a directory.
#[derive(Debug)]
pub struct Directory {
    root: OwnedFd,
    limits: DirectoryLimits,
    places: Places,
    durable: Durable,
}

/// A file beneath a [`Directory`] that is read.
#[derive(Debug)]
pub struct DirectorySource(File);

impl Directory {
    /// The files beneath `root`, which must be there: a disk that is not mounted is not
    /// written to. Call [`clear_unknown_staging`](Self::clear_unknown_staging) next.
    ///
    /// # Errors
    /// [`StoreError::Failed`]: it is not there, or no directory.
    pub fn open(root: &Path, limits: DirectoryLimits) -> Result<Self, StoreError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = openat(CWD, root, flags, Mode::empty());
        let what = || format!("opening the store's root {}", root.display());
        Ok(Directory {
            root: opened.map_err(|error| failed(what(), error))?,
            limits,
            places: Places::default(),
            durable: Durable::default(),
        })
    }

    /// Calls `at_step` after each [`Step`](super::Step) from now on: for tests, which end
    /// the process there.
    pub fn at_each_step(&mut self, at_step: AtStep) {
        self.durable.steps.tell(at_step);
    }

    /// How often the disk was waited for.
    pub fn counts(&self) -> DirectoryCounts {
        self.durable.counts
    }

    /// Places of staging that are known.
    pub fn staged_files(&self) -> usize {
        self.places.count()
    }

    /// The place of a transaction, with what was written there; none is made.
    ///
    /// # Errors
    /// [`StoreError::Missing`]: there is none.
    pub fn staged(&self, staging: &Staging) -> Result<DirectoryStaged, StoreError> {
        self.open_place(staging)
    }

    /// Octets that they take, with what is expected there.
    pub fn staged_bytes(&self) -> u64 {
        self.places.reserved_bytes()
    }
}

impl AsMut<Directory> for Directory {
    fn as_mut(&mut self) -> &mut Directory {
        self
    }
}

impl FileStore for Directory {
    type Source = DirectorySource;
    type Staged = DirectoryStaged;

    fn open(&mut self, name: &StoreName) -> Result<(DirectorySource, FileIdentity), StoreError> {
        refuse_own(name)?;
        let (within, last) = beneath::parent(&self.root, name)?;
        let file = beneath::open_file(&within, last, How::Read, name.as_str())?;
        let metadata = file.metadata();
        let metadata = metadata.map_err(|error| failed(format!("opening {name}"), error))?;
        let modified_s = i128::from(metadata.mtime());
        let identity = FileIdentity {
            size: metadata.size(),
            modified_ns: modified_s * 1_000_000_000 + i128::from(metadata.mtime_nsec()),
            number: metadata.ino(),
        };
        Ok((DirectorySource(file), identity))
    }

    fn read(
        &mut self,
        source: &mut DirectorySource,
        offset: u64,
        octets: &mut [u8],
    ) -> Result<(), StoreError> {
        fill(&source.0, offset, octets).map_err(|error| failed("reading a file", error))
    }

    fn stage(
        &mut self,
        staging: &Staging,
        size: Option<u64>,
    ) -> Result<DirectoryStaged, StoreError> {
        self.make_place(staging, size)
    }

    fn write(
        &mut self,
        staged: &mut DirectoryStaged,
        offset: u64,
        octets: &[u8],
    ) -> Result<(), StoreError> {
        self.write_to_place(staged, offset, octets)
    }

    fn read_staged(
        &mut self,
        staged: &mut DirectoryStaged,
        offset: u64,
        octets: &mut [u8],
    ) -> Result<(), StoreError> {
        let read = fill(staged.file(), offset, octets);
        read.map_err(|error| failed("reading what was received", error))
    }

    fn sync(&mut self, staged: &mut DirectoryStaged) -> Result<(), StoreError> {
        self.sync_place(staged)
    }

    fn deliver(
        &mut self,
        staging: &Staging,
        size: u64,
        name: &StoreName,
    ) -> Result<(), StoreError> {
        self.deliver_place(staging, size, name)
    }

    fn discard(&mut self, staging: &Staging) -> Result<(), StoreError> {
        self.remove_place(staging)
    }

    fn perform(&mut self, request: &FilestoreRequest<'_>) -> FilestoreStatus {
        self.perform_request(request)
    }

    fn list(&mut self, directory: Option<&StoreName>) -> Result<Vec<String>, StoreError> {
        let what = || directory.map_or("the root".to_string(), ToString::to_string);
        let failure = |error| failed(format!("listing {}", what()), error);
        if let Some(name) = directory {
            refuse_own(name)?;
        }
        let within = beneath::directory(&self.root, directory)?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&within).map_err(failure)? {
            let entry = entry.map_err(failure)?;
            // What has no name in the grammar cannot be asked for.
            let Ok(name) = StoreName::check(entry.file_name().to_bytes()) else {
                continue;
            };
            if is_own(name) {
                continue;
            }
            match cleaning::kind_of(&within, &entry).map_err(failure)? {
                Some(FileType::RegularFile) => names.push(name.to_string()),
                Some(FileType::Directory) => names.push(format!("{name}/")),
                _ => continue,
            }
            if names.len() > self.limits.listed_names_max {
                let most = self.limits.listed_names_max;
                let why = format!("it has more than {most} names, the most of a listing");
                return Err(not_allowed(&what(), why));
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// Reads exactly; also past what an offset of the system can be, where nothing is.
fn fill(file: &File, offset: u64, octets: &mut [u8]) -> io::Result<()> {
    match i64::try_from(offset) {
        Ok(_) => file.read_exact_at(octets, offset),
        Err(_) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
