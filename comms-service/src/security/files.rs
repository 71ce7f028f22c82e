//! Two copies of the state in a directory: `security-a` and `security-b`.
//!
//! A store writes both, one after the other: each to a new file that takes the
//! old one's place once it is on the medium. So at any moment at least one copy is
//! whole and as new as what was told to be stored, and either may be lost.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::state::{STATE_BYTES_MAX, State};
use crate::durable_file;

const COPIES: [&str; 2] = ["security-a", "security-b"];
const LOCK: &str = "security.lock";

/// The state directory, held by this process alone as long as this lives.
#[derive(Debug)]
pub struct StateFiles {
    dir: PathBuf,
    _lock: File,
}

/// Why the state cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum StateFilesError {
    /// The system refuses.
    #[error("the state directory {}: {doing}: {cause}", dir.display())]
    Io {
        /// The directory.
        dir: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Why.
        cause: io::Error,
    },
    /// Two processes under one key would use numbers twice.
    #[error(
        "the state directory {} is in use by another process: end it, or give this link a \
         `state-dir` of its own", dir.display()
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
}

impl StateFiles {
    /// The directory `dir`, made (mode 0700) where it is not there.
    ///
    /// # Errors
    /// [`StateFilesError`].
    pub fn open(dir: &Path) -> Result<StateFiles, StateFilesError> {
        let failed = |doing| {
            move |cause| StateFilesError::Io {
                dir: dir.to_path_buf(),
                doing,
                cause,
            }
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
            builder.mode(0o700);
            options.mode(0o600);
        }
        builder.create(dir).map_err(failed("it cannot be made"))?;
        let lock = options.open(dir.join(LOCK));
        let lock = lock.map_err(failed("no file can be made in it"))?;
        match lock.try_lock() {
            Ok(()) => Ok(StateFiles {
                dir: dir.to_path_buf(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(StateFilesError::InUse {
                dir: dir.to_path_buf(),
            }),
            Err(TryLockError::Error(cause)) => Err(failed("it cannot be locked")(cause)),
        }
    }

    /// The newest state; none where there is none, or neither copy is whole. A copy
    /// that cannot be read is as good as lost: the other has the same, and without
    /// both a resync is safe.
    pub fn load(&self) -> Option<State> {
        let [a, b] = COPIES.map(|copy| self.read(copy));
        State::choose([a.as_deref(), b.as_deref()])
    }

    fn read(&self, copy: &str) -> Option<Vec<u8>> {
        let path = self.dir.join(copy);
        let read = || -> io::Result<Vec<u8>> {
            let mut octets = Vec::new();
            let file = File::open(&path)?;
            file.take(STATE_BYTES_MAX as u64).read_to_end(&mut octets)?;
            Ok(octets)
        };
        match read() {
            Ok(octets) if State::decode(&octets).is_some() => Some(octets),
            Ok(_) => {
                log::warn!("{} is damaged; its other copy counts", path.display());
                None
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    log::warn!("{} cannot be read: {error}", path.display());
                }
                None
            }
        }
    }

    /// Makes `octets` durable, in both copies.
    ///
    /// # Errors
    /// The system's; then what was stored before is still there, or this is.
    pub fn store(&self, octets: &[u8]) -> io::Result<()> {
        let replace = |copy: &&str| durable_file::replace(&self.dir.join(copy), octets);
        COPIES.iter().try_for_each(replace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(serial: u64) -> State {
        State {
            serial,
            ..State::default()
        }
    }

    #[test]
    fn either_copy_may_be_lost() {
        let dir = tempfile::tempdir().unwrap();
        let files = StateFiles::open(dir.path()).unwrap();
        assert_eq!(files.load(), None);
        for (serial, copy) in (1..).zip(COPIES) {
            files.store(&state(serial).encode()).unwrap();
            fs::remove_file(dir.path().join(copy)).unwrap();
            assert_eq!(files.load(), Some(state(serial)));
            fs::write(dir.path().join(copy), b"HGSS torn").unwrap();
            assert_eq!(files.load(), Some(state(serial)));
        }
        for copy in COPIES {
            fs::write(dir.path().join(copy), b"").unwrap();
        }
        assert_eq!(files.load(), None);
    }

    #[test]
    fn a_copy_that_cannot_be_read_is_as_good_as_lost() {
        let dir = tempfile::tempdir().unwrap();
        let files = StateFiles::open(dir.path()).unwrap();
        files.store(&state(3).encode()).unwrap();
        fs::remove_file(dir.path().join(COPIES[0])).unwrap();
        fs::create_dir(dir.path().join(COPIES[0])).unwrap();
        assert_eq!(files.load(), Some(state(3)));
        // Both must be there again before anything counts as stored.
        assert!(files.store(&state(4).encode()).is_err());
    }

    #[test]
    fn two_processes_never_share_a_state() {
        let dir = tempfile::tempdir().unwrap();
        let files = StateFiles::open(dir.path()).unwrap();
        let error = StateFiles::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("in use"), "{error}");
        drop(files);
        StateFiles::open(dir.path()).unwrap();
    }
}
