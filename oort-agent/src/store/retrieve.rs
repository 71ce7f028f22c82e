//! An upload goes to where a client wants it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::source::is_of_two_file_systems;
use super::{Store, StoreError, disk, sums_of};
use crate::item::{FileInfo, Uuid};
use crate::store::error::at;
use crate::store::space::Space;
use crate::work_directory as names;

impl Store {
    /// Where an upload is to go: a name that nothing has, in a directory that is there and is
    /// not our own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn destination(&self, to: &str) -> Result<PathBuf, StoreError> {
        let path = Path::new(to);
        let parent = path.parent().filter(|_| path.is_absolute());
        let parent = parent.ok_or_else(|| StoreError::DestinationNotAbsolute(to.to_owned()))?;
        let name = path.file_name();
        let name = name.ok_or_else(|| StoreError::Rename(ErrorKind::IsADirectory.into()))?;
        let parent = fs::canonicalize(parent).map_err(StoreError::Rename)?;
        if parent.starts_with(self.places.root()) {
            return Err(StoreError::Own(path.to_owned()));
        }
        let path = parent.join(name);
        match disk::is_there(&path) {
            true => Err(StoreError::Exists),
            false => Ok(path),
        }
    }

    /// Puts the data of an upload at its [destination](Store::destination), in the place of
    /// nothing; what is known of it is removed then. It is there after a power cut.
    ///
    /// # Errors
    /// [`StoreError`]: the upload is where it was.
    pub fn retrieve(&self, info: &FileInfo, path: &Path) -> Result<(), StoreError> {
        let data = names::data(&self.places.uploads, info.id);
        let synced = super::open(&data).and_then(|file| self.sync_file(&file, &data));
        synced.map_err(at(&data))?;
        let is_copied = match self.rename_unless_other(&data, path) {
            Ok(()) => false,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(StoreError::Exists);
            }
            Err(error) if is_of_two_file_systems(&error) => {
                self.copy_to(info, &data, path)?;
                true
            }
            Err(error) => return Err(StoreError::Rename(error)),
        };
        let parent = path.parent().unwrap_or(Path::new("/"));
        if let Err(error) = self.sync_directory(parent) {
            let undone = match is_copied {
                true => disk::remove(path),
                false => disk::rename_if_free(path, &data),
            };
            if let Err(failed) = undone {
                log::error!("{} stays there ({failed})", path.display());
            }
            return Err(error);
        }
        disk::remove_or_say(&data);
        disk::remove_or_say(&names::meta(&self.places.uploads, info.id));
        Ok(())
    }

    fn rename_unless_other(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self.always_copies {
            true => Err(rustix::io::Errno::XDEV.into()),
            false => disk::rename_if_free(from, to),
        }
    }

    /// To another file system: a part file beside it, which a record names until it is whole.
    fn copy_to(&self, info: &FileInfo, data: &Path, path: &Path) -> Result<(), StoreError> {
        if disk::is_there(path) {
            return Err(StoreError::Exists);
        }
        let parent = path.parent().unwrap_or(Path::new("/"));
        if Space::OfFileSystem.room(parent).free < info.size {
            return Err(StoreError::NoRoom);
        }
        let part = parent.join(format!(".{}.oort-part", info.id));
        let record = self.retrieving(info.id);
        disk::remove(&record).map_err(at(&record))?;
        self.write_new(&record, part.as_os_str().as_encoded_bytes())
            .map_err(at(&record))?;
        let copied = self.copy_by(info, data, &part, path);
        if copied.is_err() {
            disk::remove_or_say(&part);
        }
        disk::remove_or_say(&record);
        copied
    }

    fn copy_by(
        &self,
        info: &FileInfo,
        data: &Path,
        part: &Path,
        path: &Path,
    ) -> Result<(), StoreError> {
        disk::remove(part).map_err(at(part))?;
        let copy = disk::create(part).map_err(at(part))?;
        let source = super::open(data).map_err(at(data))?;
        let sums = sums_of(&source, info.size, &copy).map_err(at(part))?;
        if !sums.crc32.eq_ignore_ascii_case(&info.crc32) {
            return Err(StoreError::Changed(data.to_owned()));
        }
        self.sync_file(&copy, part).map_err(at(part))?;
        disk::rename_if_free(part, path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => StoreError::Exists,
            _ => StoreError::Rename(error),
        })
    }

    /// A part file that an earlier process left.
    pub(super) fn undo_retrieval(&self, record: &Path) {
        use std::os::unix::ffi::OsStringExt as _;
        let Ok(part) = fs::read(record) else { return };
        let part = PathBuf::from(std::ffi::OsString::from_vec(part));
        let is_one = part.file_name().and_then(|name| name.to_str());
        if is_one.is_some_and(|name| name.ends_with(".oort-part")) {
            disk::remove_or_say(&part);
        }
    }

    fn retrieving(&self, id: Uuid) -> PathBuf {
        self.places.retrieving.join(id.to_string())
    }
}
