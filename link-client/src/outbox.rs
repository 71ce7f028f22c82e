//! A file gets into the outbox, under its name and in the place of none.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::LinkError;

/// How copies that are not whole are called, between a number.
const PART: (&str, &str) = (".link-client-", ".part");
/// Between two looks whether a name is free.
const LOOK_PAUSE: Duration = Duration::from_millis(20);
const COMPARE_BYTES: usize = 64 << 10;

/// A file, and where it is to be.
#[derive(Debug)]
pub(crate) struct Place {
    /// The file.
    pub(crate) source: PathBuf,
    /// What tells it from another one, or the same after a change.
    pub(crate) facts: [i64; 4],
    /// Whether it is in the outbox already.
    pub(crate) is_in_outbox: bool,
    /// Its name there.
    pub(crate) name: String,
    /// The directory beneath the outbox, with `/`.
    pub(crate) subdirectory: String,
    directory: PathBuf,
}

/// A file that is in the outbox.
#[derive(Debug)]
pub(crate) struct Placed {
    path: PathBuf,
    /// The inode, where it is a copy that was made to be sent.
    copy: Option<u64>,
}

impl Place {
    /// Of a file that is there.
    pub(crate) fn of(file: &Path, outbox: &Path, subdirectory: &str) -> Result<Self, LinkError> {
        let no_file = |error| LinkError::NoFile {
            path: file.to_path_buf(),
            error,
        };
        let not_sendable = |why| LinkError::NotSendable {
            path: file.to_path_buf(),
            why,
        };
        let metadata = fs::metadata(file).map_err(no_file)?;
        if !metadata.is_file() {
            return Err(not_sendable("it is no regular file"));
        }
        let name = file.file_name().and_then(|name| name.to_str());
        let name = name
            .ok_or(not_sendable("it has no name in UTF-8"))?
            .to_owned();
        let within = fs::canonicalize(parent(file)).map_err(no_file)?;
        let root = fs::canonicalize(outbox).map_err(|error| failure(outbox, error))?;
        let beneath = within.strip_prefix(&root).ok();
        let is_in_outbox = beneath.is_some();
        let subdirectory = match beneath.map(Path::to_str) {
            None => subdirectory.to_owned(),
            Some(None) => return Err(not_sendable("its directory has no name in UTF-8")),
            Some(Some(beneath)) if subdirectory.is_empty() || subdirectory == beneath => {
                beneath.to_owned()
            }
            Some(Some(_)) => return Err(not_sendable("it is in another subdirectory")),
        };
        let is_bad = |part: &str| part.is_empty() || part.starts_with('.');
        if !subdirectory.is_empty() && subdirectory.split('/').any(is_bad) {
            return Err(not_sendable("its subdirectory leads nowhere"));
        }
        Ok(Place {
            source: within.join(&name),
            facts: facts(&metadata),
            is_in_outbox,
            name,
            directory: root.join(&subdirectory),
            subdirectory,
        })
    }

    /// Name and subdirectory of a file of the outbox that is gone.
    pub(crate) fn left(file: &Path, outbox: &Path) -> Option<(String, String)> {
        let name = file.file_name()?.to_str()?;
        let within = fs::canonicalize(parent(file)).ok()?;
        let root = fs::canonicalize(outbox).ok()?;
        let beneath = within.strip_prefix(root).ok()?;
        Some((name.to_owned(), beneath.to_str()?.to_owned()))
    }

    /// Puts a copy into the outbox, or finds it there. While another file has its name, it
    /// waits for `patience` that this one is taken.
    fn put(&self, patience: Duration) -> Result<Placed, LinkError> {
        let path = self.directory.join(&self.name);
        if self.is_in_outbox {
            sync(&path)?;
            sync(&self.directory)?;
            return Ok(Placed { path, copy: None });
        }
        fs::create_dir_all(&self.directory).map_err(|error| failure(&self.directory, error))?;
        let number = fastrand::u64(..);
        let part = self
            .directory
            .join(format!("{}{number:016x}{}", PART.0, PART.1));
        let put = self.put_by(&part, &path, patience);
        let removed = match fs::remove_file(&part) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failure(&part, error)),
            _ => Ok(()),
        };
        let copy = put?;
        let placed = Placed { path, copy };
        let synced = removed.and_then(|()| sync(&self.directory));
        synced.inspect_err(|_| placed.take_back())?;
        Ok(placed)
    }

    fn put_by(
        &self,
        part: &Path,
        path: &Path,
        patience: Duration,
    ) -> Result<Option<u64>, LinkError> {
        let mut source = File::open(&self.source).map_err(|error| LinkError::NoFile {
            path: self.source.clone(),
            error,
        })?;
        let mut copy = || {
            let mut copy = File::create_new(part)?;
            io::copy(&mut source, &mut copy)?;
            copy.sync_all()?;
            copy.metadata()
        };
        let number = copy().map_err(|error| failure(part, error))?.ino();
        let until = Instant::now() + patience;
        loop {
            match name_if_free(part, path) {
                Ok(()) => return Ok(Some(number)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failure(path, error)),
            }
            // What an earlier try left is as good.
            if is_same(part, path) {
                remove_other_names(path).map_err(|error| failure(path, error))?;
                return Ok(None);
            }
            if Instant::now() >= until {
                let path = path.to_path_buf();
                return Err(LinkError::NameTaken { path });
            }
            std::thread::sleep(LOOK_PAUSE);
        }
    }
}

impl Placed {
    /// Puts files into the outbox, all or none.
    pub(crate) fn all(places: &[Place], patience: Duration) -> Result<Vec<Placed>, LinkError> {
        let mut all = Vec::with_capacity(places.len());
        for place in places {
            match place.put(patience) {
                Ok(placed) => all.push(placed),
                Err(error) => {
                    all.iter().for_each(Placed::take_back);
                    return Err(error);
                }
            }
        }
        Ok(all)
    }

    /// Removes a copy that was made to be sent, where it is in the outbox still or again.
    pub(crate) fn take_back(&self) {
        let found = fs::symlink_metadata(&self.path).map(|metadata| metadata.ino());
        if self.copy.is_some() && found.ok() == self.copy {
            // It is only in the way.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A second name first: unlike a rename, that takes the place of no other file.
fn name_if_free(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        // Shares know no second names.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::Unsupported
            ) =>
        {
            match fs::symlink_metadata(path) {
                Ok(_) => Err(ErrorKind::AlreadyExists.into()),
                Err(_) => fs::rename(part, path),
            }
        }
        linked => linked,
    }
}

/// A crash may have left a copy with both names; such a file is not sent.
fn remove_other_names(path: &Path) -> io::Result<()> {
    let number = fs::symlink_metadata(path)?.ino();
    for entry in fs::read_dir(parent(path))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_part = name.starts_with(PART.0) && name.ends_with(PART.1);
        if is_part && entry.metadata()?.ino() == number {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_same(a: &Path, b: &Path) -> bool {
    let compare = || -> io::Result<bool> {
        let (a, b) = (File::open(a)?, File::open(b)?);
        let (size, of_b) = (a.metadata()?.len(), b.metadata()?);
        if !of_b.is_file() || of_b.len() != size {
            return Ok(false);
        }
        let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
        let (mut a, mut b) = (a, b);
        loop {
            of_a.clear();
            of_b.clear();
            a.by_ref()
                .take(COMPARE_BYTES as u64)
                .read_to_end(&mut of_a)?;
            b.by_ref()
                .take(COMPARE_BYTES as u64)
                .read_to_end(&mut of_b)?;
            if of_a != of_b || of_a.is_empty() {
                return Ok(of_a == of_b);
            }
        }
    };
    let is_file = fs::symlink_metadata(b).is_ok_and(|metadata| metadata.is_file());
    is_file && compare().unwrap_or(false)
}

/// A request that is accepted survives a power cut: so is its file to.
fn sync(path: &Path) -> Result<(), LinkError> {
    match File::open(path).and_then(|file| file.sync_all()) {
        // Shares whose server does that of its own, for directories.
        Err(error) if error.kind() != ErrorKind::InvalidInput => Err(failure(path, error)),
        _ => Ok(()),
    }
}

fn facts(metadata: &Metadata) -> [i64; 4] {
    [
        i64::try_from(metadata.len()).unwrap_or(i64::MAX),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ino().cast_signed(),
    ]
}

fn parent(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn failure(path: &Path, error: io::Error) -> LinkError {
    LinkError::Outbox {
        path: path.to_path_buf(),
        error,
    }
}
