//! The directory, and what the operator says in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::record::TransferId;

/// Of directories: the service, and the operator's program in its group.
const DIRECTORY_MODE: u32 = 0o770;
/// Of files.
const FILE_MODE: u32 = 0o640;
/// Octets of what the operator says, at most; of more, the rest is left away.
const WORD_BYTES_MAX: u64 = 500;

const FILES: &str = "files";
const REQUEST: &str = "request.json";
const DELIVERED: &str = "delivered";
const FAILED: &str = "failed";

/// The operator's staging directory.
#[derive(Debug)]
pub struct Place {
    root: PathBuf,
}

/// What the operator said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing yet.
    None,
    /// The ground has the files.
    Delivered,
    /// It never gets them.
    Failed(String),
    /// The directory is gone.
    Gone,
}

/// A directory that is being filled.
pub(super) struct Draft<'a> {
    place: &'a Place,
    id: TransferId,
}

impl Place {
    /// The directory, which is made if it is not there. What was being filled when the
    /// service ended is removed.
    ///
    /// # Errors
    /// The system's.
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        let place = Place {
            root: root.to_owned(),
        };
        for name in place.names()? {
            if name
                .strip_prefix('.')
                .and_then(TransferId::of_name)
                .is_some()
            {
                fs::remove_dir_all(root.join(name))?;
            }
        }
        Ok(place)
    }

    /// What is staged.
    pub(super) fn staged(&self) -> io::Result<Vec<TransferId>> {
        let names = self.names()?;
        Ok(names
            .iter()
            .filter_map(|name| TransferId::of_name(name))
            .collect())
    }

    /// What the operator said of one that was staged.
    pub(super) fn word(&self, id: TransferId) -> io::Result<Word> {
        let of = self.root.join(id.to_string());
        if is_there(&of.join(DELIVERED))? {
            return Ok(Word::Delivered);
        }
        if is_there(&of.join(FAILED))? {
            return Ok(Word::Failed(reason(&of.join(FAILED))?));
        }
        match is_there(&of)? {
            true => Ok(Word::None),
            false => Ok(Word::Gone),
        }
    }

    /// Removes one; one that is not there is removed.
    pub(super) fn remove(&self, id: TransferId) -> io::Result<()> {
        // The operator sees it go as a whole.
        let (of, hidden) = (self.root.join(id.to_string()), self.hidden(id));
        match fs::rename(&of, &hidden) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        remove_all(&hidden)
    }

    /// An empty directory for one, which the operator does not see yet.
    pub(super) fn begin(&self, id: TransferId) -> io::Result<Draft<'_>> {
        let hidden = self.hidden(id);
        remove_all(&hidden)?;
        let mut builder = fs::DirBuilder::new();
        builder.mode(DIRECTORY_MODE).create(&hidden)?;
        builder.create(hidden.join(FILES))?;
        Ok(Draft { place: self, id })
    }

    fn hidden(&self, id: TransferId) -> PathBuf {
        self.root.join(format!(".{id}"))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(&self.root)?;
        let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
        let names: io::Result<Vec<Option<String>>> = names.collect();
        Ok(names?.into_iter().flatten().collect())
    }
}

impl Draft<'_> {
    /// A file of it, which is new.
    pub(super) fn file(&self, name: &str) -> io::Result<File> {
        create(&self.place.hidden(self.id).join(FILES).join(name))
    }

    /// All files are there and synced: the operator sees them, with this paper.
    pub(super) fn show(self, paper: &str) -> io::Result<()> {
        let hidden = self.place.hidden(self.id);
        let mut request = create(&hidden.join(REQUEST))?;
        request.write_all(paper.as_bytes())?;
        request.sync_all()?;
        sync_directory(&hidden.join(FILES))?;
        sync_directory(&hidden)?;
        fs::rename(&hidden, self.place.root.join(self.id.to_string()))?;
        sync_directory(&self.place.root)
    }
}

/// What a file says. What is none says nothing, and nobody waits for who would write to it.
fn reason(path: &Path) -> io::Result<String> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok("the operator gave no reason".to_owned());
    }
    let mut octets = Vec::new();
    let file = File::open(path)?;
    file.take(WORD_BYTES_MAX).read_to_end(&mut octets)?;
    Ok(String::from_utf8_lossy(&octets).trim().to_owned())
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE);
    options.open(path)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn is_there(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn remove_all(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
