//! A directory: each file under its key, and what is known of it beside it, which is there
//! first.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};

use super::{Begun, Found, Place, PlaceError};
use crate::delivery::key::META_SUFFIX;
use crate::delivery::object::Object;
use crate::delivery::step::{AtStep, Step};

/// Octets of what is known of a file at most.
const META_BYTES_MAX: u64 = 256 << 10;

/// A directory that is there.
pub(crate) struct DirectoryPlace {
    path: PathBuf,
    name: String,
    at_step: AtStep,
}

impl DirectoryPlace {
    /// Makes it, if need be.
    pub(crate) fn open(path: &Path, at_step: AtStep) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(DirectoryPlace {
            path: path.to_owned(),
            name: path.to_string_lossy().into_owned(),
            at_step,
        })
    }

    fn find(&self, key: &str, object: &Object) -> io::Result<Found> {
        let path = self.path.join(key);
        let size = match fs::symlink_metadata(&path) {
            Ok(found) if !found.is_file() => return Ok(Found::Another),
            Ok(found) => Some(found.len()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let known = known(&beside(&path))?;
        let is_this = |of: &Object, size| object.is_same(Some(&of.uuid), Some(&of.sha256), size);
        Ok(match (size, known) {
            (None, None) => Found::Nothing,
            // An earlier try came so far.
            (None, Some(Some(of))) if is_this(&of, of.size) => Found::Nothing,
            (Some(size), Some(Some(of))) if is_this(&of, size) => Found::This,
            _ => Found::Another,
        })
    }

    fn write(&self, key: &str, object: &Object, data: &mut dyn Read) -> io::Result<()> {
        let path = self.path.join(key);
        let folder = path.parent().unwrap_or(&self.path);
        self.make(folder)?;
        let part = folder.join(format!(".{}.part", object.uuid));
        let written = write_file(&part, data);
        // What is left of it takes room.
        written.inspect_err(|_| drop(fs::remove_file(&part)))?;
        (self.at_step)(Step::Staged);
        let meta_part = folder.join(format!(".{}.meta.part", object.uuid));
        let mut meta = serde_json::to_vec_pretty(object)?;
        meta.push(b'\n');
        write_file(&meta_part, &mut meta.as_slice())?;
        fs::rename(&meta_part, beside(&path))?;
        (self.at_step)(Step::MetaThere);
        place(&part, &path)?;
        sync(folder)
    }

    /// Makes a folder beneath the directory, for a loss of power, too.
    fn make(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let parent = folder.parent().filter(|_| folder != self.path);
        if let Some(parent) = parent {
            self.make(parent)?;
        }
        match fs::create_dir(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        parent.map_or(Ok(()), sync)
    }
}

impl Place for DirectoryPlace {
    fn name(&self) -> &str {
        &self.name
    }

    fn look(&self, key: &str, object: &Object) -> Result<Found, PlaceError> {
        let found = self.find(key, object);
        found.map_err(|error| failed(key, &error))
    }

    fn put(
        &self,
        key: &str,
        object: &Object,
        data: &mut dyn Read,
        _begun: Begun<'_>,
    ) -> Result<(), PlaceError> {
        match self.write(key, object, data) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(PlaceError::Taken),
            written => written.map_err(|error| failed(key, &error)),
        }
    }
}

/// Where what is known of a file is.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(META_SUFFIX);
    name.into()
}

/// What is known there: nothing, of an object, or what is none.
fn known(path: &Path) -> io::Result<Option<Option<Object>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut octets = Vec::new();
    file.take(META_BYTES_MAX).read_to_end(&mut octets)?;
    Ok(Some(serde_json::from_slice(&octets).ok()))
}

fn write_file(path: &Path, octets: &mut dyn Read) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).open(path)?;
    io::copy(octets, &mut file)?;
    file.flush()?;
    file.sync_all()
}

/// Gives a file its name, where no other has it.
fn place(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Ok(()) => fs::remove_file(part),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let _ = fs::remove_file(part);
            Err(error)
        }
        // The disk has no links; nobody else writes there.
        Err(_) => fs::rename(part, path),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn failed(key: &str, error: &io::Error) -> PlaceError {
    PlaceError::Failed(format!("{key}: {error}"))
}
