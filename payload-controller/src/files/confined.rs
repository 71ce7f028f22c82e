//! A file of an app's directory and no other, whatever its name says and whoever changes
//! directories meanwhile.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fsync, openat, statat, unlinkat};
use rustix::io::Errno;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// A FIFO or a device is not waited for.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// An open file, and the directory that its name is in.
#[derive(Debug)]
pub struct Confined {
    file: File,
    within: OwnedFd,
    name: String,
    facts: Facts,
}

/// What tells a file from another one, or the same after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Facts {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

/// Why it is no file that may go out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotConfined {
    /// There is none.
    #[error("there is no such file")]
    Missing,
    /// Its name leads out, or through a link.
    #[error("its path leads through a link, or through what is no directory")]
    LeadsAway,
    /// It is something else.
    #[error("it is no regular file")]
    NoFile,
    /// It has another name.
    #[error("it has another name somewhere (a hard link)")]
    Linked,
    /// It is not the app's.
    #[error("it belongs to user {owner}, and not to the app's, {wanted}")]
    Foreign {
        /// Whose it is.
        owner: u32,
        /// Whose it is to be.
        wanted: u32,
    },
    /// The system says no.
    #[error("{0}")]
    Failed(#[from] std::io::Error),
}

impl From<Errno> for NotConfined {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOENT => NotConfined::Missing,
            Errno::LOOP | Errno::NOTDIR => NotConfined::LeadsAway,
            Errno::NXIO | Errno::NODEV | Errno::ISDIR => NotConfined::NoFile,
            error => NotConfined::Failed(error.into()),
        }
    }
}

impl Confined {
    /// Opens the file at `path` beneath `root`, which may itself be a link. It is the app's,
    /// where that has a user.
    ///
    /// # Errors
    /// [`NotConfined`].
    pub fn open(root: &Path, path: &str, owner: Option<u32>) -> Result<Self, NotConfined> {
        let root_flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut within = openat(CWD, root, root_flags, Mode::empty())?;
        let mut parts = path.split('/').peekable();
        let name = loop {
            match parts.next() {
                None | Some("" | "." | "..") => return Err(NotConfined::LeadsAway),
                Some(part) if parts.peek().is_none() => break part,
                Some(part) => within = openat(&within, part, DIRECTORY, Mode::empty())?,
            }
        };
        // Opening a device may do something to it.
        let found = statat(&within, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match rustix::fs::FileType::from_raw_mode(found.st_mode) {
            rustix::fs::FileType::RegularFile => {}
            rustix::fs::FileType::Symlink => return Err(NotConfined::LeadsAway),
            _ => return Err(NotConfined::NoFile),
        }
        let file = File::from(openat(&within, name, FILE, Mode::empty())?);
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(NotConfined::NoFile);
        }
        if found.nlink() != 1 {
            return Err(NotConfined::Linked);
        }
        if let Some(wanted) = owner.filter(|wanted| *wanted != found.uid()) {
            let owner = found.uid();
            return Err(NotConfined::Foreign { owner, wanted });
        }
        Ok(Confined {
            facts: Facts::of(&found),
            name: name.to_owned(),
            file,
            within,
        })
    }

    /// The file, open for reading.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Octets.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.facts.bytes
    }

    /// By which it is known again: the same file, unchanged, has the same.
    #[must_use]
    pub fn mark(&self, app: &str, path: &str) -> String {
        let Facts {
            device,
            inode,
            bytes,
            modified: (s, ns),
        } = self.facts;
        let text = format!("{app}\0{path}\0{device} {inode} {bytes} {s} {ns}");
        let hash = blake3::hash(text.as_bytes()).to_hex();
        hash.chars().take(32).collect()
    }

    /// Whether it is as it was when it was opened.
    ///
    /// # Errors
    /// The system says no.
    pub fn is_unchanged(&self) -> Result<bool, NotConfined> {
        Ok(Facts::of(&self.file.metadata()?) == self.facts)
    }

    /// Removes it, where its name is still its own. False where it is not.
    ///
    /// # Errors
    /// The system says no.
    pub fn remove(self) -> Result<bool, NotConfined> {
        let found = match statat(&self.within, self.name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(false),
            found => found?,
        };
        // Which differ between machines.
        #[allow(clippy::useless_conversion)]
        let is_it = u64::from(found.st_ino) == self.facts.inode;
        if !is_it || !self.is_unchanged()? {
            return Ok(false);
        }
        unlinkat(&self.within, self.name.as_str(), AtFlags::empty())?;
        fsync(&self.within)?;
        Ok(true)
    }
}

impl Facts {
    fn of(found: &std::fs::Metadata) -> Self {
        Facts {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
        }
    }
}
