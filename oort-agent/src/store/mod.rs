//! What is on the disk: how it comes there without being lost, and how it goes.

mod cleaner;
mod disk;
mod error;
mod identity;
mod intake;
mod recovery;
mod retrieve;
mod source;
mod space;
mod step;
mod sums;
mod told;
mod uploads;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::OFlags;

use crate::item::{TransferMeta, Uuid};
use crate::limits::META_BYTES_MAX;
use crate::work_directory::{self as names, WorkDirectory, WorkDirectoryError};

pub use error::{StoreError, said};
pub(crate) use identity::Identity;
pub(crate) use intake::SHA256;
pub use intake::{Handed, Stream};
pub use recovery::Found;
pub use source::Source;
pub use space::{Floor, FloorError, Room, Space};
pub use step::{AtStep, AtSync, Step};
pub(crate) use sums::sums_of;
pub(crate) use uploads::{Checked, News};
pub use uploads::{Page, Uploads};

/// The work directory, and what is done to it.
pub struct Store {
    pub(crate) places: WorkDirectory,
    /// Of the file system that `transfers/` is on.
    device: u64,
    sync: bool,
    always_copies: bool,
    at_step: Option<AtStep>,
    at_sync: Option<AtSync>,
    /// Files that are being handed over: device and inode.
    held: Mutex<HashSet<(u64, u64)>>,
    /// Items that are taken, and whose records could not become their metas yet.
    unpublished: Mutex<HashSet<Uuid>>,
    /// This machine.
    pub(crate) node: String,
}

impl Store {
    /// Of that work directory.
    ///
    /// # Errors
    /// [`WorkDirectoryError`].
    pub fn open(root: &Path) -> Result<Self, WorkDirectoryError> {
        let places = WorkDirectory::open(root)?;
        let transfers = fs::metadata(&places.transfers);
        let device = transfers.map_err(|error| WorkDirectoryError::NotThere {
            path: places.transfers.clone(),
            error,
        })?;
        let system = rustix::system::uname();
        Ok(Store {
            device: device.dev(),
            places,
            sync: true,
            always_copies: false,
            at_step: None,
            at_sync: None,
            held: Mutex::default(),
            unpublished: Mutex::default(),
            node: system.nodename().to_string_lossy().into_owned(),
        })
    }

    /// Nothing is waited for: what is queued may be gone after a power cut. For a bench.
    #[must_use]
    pub fn without_sync(mut self) -> Self {
        self.sync = false;
        self
    }

    /// Every source is copied, as if it were on another file system. For tests.
    #[must_use]
    pub fn always_copying(mut self) -> Self {
        self.always_copies = true;
        self
    }

    /// Calls this after each step. For tests.
    pub fn at_each_step(&mut self, call: AtStep) {
        self.at_step = Some(call);
    }

    /// Calls this before a file or a directory is synced, also where nothing is waited for.
    /// For tests.
    pub fn at_each_sync(&mut self, call: AtSync) {
        self.at_sync = Some(call);
    }

    /// Opens a file that is to be handed over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn source(&self, path: &str) -> Result<Source, StoreError> {
        Source::open(path, self.places.root())
    }

    /// What is known of a queued item.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn meta(&self, id: Uuid) -> io::Result<TransferMeta> {
        if self.is_unpublished(id) {
            match read_meta(&self.record(id)) {
                // It has just become the meta.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                read => return read,
            }
        }
        read_meta(&names::meta(&self.places.transfers, id))
    }

    /// Whether both files of an item are in `transfers/`, or one that is taken waits there for
    /// its meta.
    #[must_use]
    pub fn is_whole(&self, id: Uuid) -> bool {
        let transfers = &self.places.transfers;
        let has_meta = || disk::is_there(&names::meta(transfers, id)) || self.is_unpublished(id);
        disk::is_there(&names::data(transfers, id)) && has_meta()
    }

    /// Whose pairs are in `transfers/`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn whole(&self) -> io::Result<HashSet<Uuid>> {
        let mut seen = HashSet::new();
        let mut whole = HashSet::new();
        for id in self.unpublished().iter() {
            // Its data alone makes it whole.
            seen.insert(*id);
        }
        for entry in fs::read_dir(&self.places.transfers)? {
            let name = entry?.file_name();
            let Some(name) = name.to_str() else { continue };
            let id = names::id_of(name, names::DATA_SUFFIX)
                .or_else(|| names::id_of(name, names::META_SUFFIX));
            let Some(id) = id else { continue };
            if !seen.insert(id) {
                whole.insert(id);
            }
        }
        Ok(whole)
    }

    /// Removes an item: first what is known of it, so that nobody collects a part.
    ///
    /// # Errors
    /// The disk.
    pub fn remove(&self, id: Uuid) -> io::Result<()> {
        if self.unpublished().remove(&id) {
            disk::remove(&self.record(id))?;
        }
        disk::remove(&names::meta(&self.places.transfers, id))?;
        disk::remove(&names::data(&self.places.transfers, id))
    }

    /// What is where.
    #[must_use]
    pub fn work_directory(&self) -> &WorkDirectory {
        &self.places
    }

    /// What is dead: where it cannot be looked at, nothing is.
    #[must_use]
    pub fn dead_ids(&self) -> Vec<Uuid> {
        let dead = names::ids(&self.places.dead, names::META_SUFFIX);
        let mut dead = dead.unwrap_or_default();
        dead.sort_unstable();
        dead
    }

    /// Puts what is damaged or cannot be sent out of the way.
    pub(crate) fn bury(&self, id: Uuid, from: &Path, why: &str) {
        log::warn!("{id}: {why}: it is in {}", self.places.dead.display());
        for file in [names::meta, names::data] {
            let (from, to) = (file(from, id), file(&self.places.dead, id));
            if disk::is_there(&from)
                && let Err(error) = fs::rename(&from, &to)
            {
                log::warn!(
                    "cannot move {} to {}: {error}",
                    from.display(),
                    to.display()
                );
            }
        }
    }

    /// Nobody else hands this file over meanwhile.
    fn hold(&self, source: &Source) -> Result<Held<'_>, StoreError> {
        let key = (source.identity.device, source.identity.inode);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.insert(key) {
            true => Ok(Held { store: self, key }),
            false => Err(StoreError::HandedOver(source.path.clone())),
        }
    }

    /// What was removed from `transfers/` is room then.
    pub(crate) fn sync_transfers(&self) -> Result<(), StoreError> {
        self.sync_directory(&self.places.transfers)
    }

    fn sync_directory(&self, directory: &Path) -> Result<(), StoreError> {
        self.before_sync(directory)
            .and_then(|()| match self.sync {
                true => disk::sync_directory(directory),
                false => Ok(()),
            })
            .map_err(error::at(directory))
    }

    fn sync_file(&self, file: &File, path: &Path) -> io::Result<()> {
        self.before_sync(path)?;
        match self.sync {
            true => file.sync_all(),
            false => Ok(()),
        }
    }

    fn before_sync(&self, path: &Path) -> io::Result<()> {
        self.at_sync.as_ref().map_or(Ok(()), |call| call(path))
    }

    /// Writes a new file, which is on the disk then.
    fn write_new(&self, path: &Path, octets: &[u8]) -> io::Result<()> {
        let mut file = disk::create(path)?;
        file.write_all(octets)?;
        self.sync_file(&file, path)
    }

    fn unpublished(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        let unpublished = self.unpublished.lock();
        unpublished.unwrap_or_else(PoisonError::into_inner)
    }

    fn is_unpublished(&self, id: Uuid) -> bool {
        self.unpublished().contains(&id)
    }

    fn done(&self, step: Step) {
        if let Some(call) = &self.at_step {
            call(step);
        }
    }
}

struct Held<'a> {
    store: &'a Store,
    key: (u64, u64),
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let held = self.store.held.lock();
        held.unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

/// What is known of an item, by a file that says so. A link is not followed.
pub(crate) fn read_meta(path: &Path) -> io::Result<TransferMeta> {
    let mut octets = Vec::new();
    let file = open(path)?;
    file.take(META_BYTES_MAX + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > META_BYTES_MAX {
        return Err(io::Error::other("it is too long"));
    }
    let (meta, odd) = TransferMeta::read(&octets).map_err(io::Error::other)?;
    for odd in odd {
        log::warn!("{}: {odd}", path.display());
    }
    Ok(meta)
}

/// Opens a regular file of our directories for reading.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file")),
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
