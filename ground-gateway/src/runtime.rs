//! Where the processes of one user meet: the lock and the socket of each link.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::config::GroundLinkConfig;
use crate::error::GroundError;

/// The environment variable that names the runtime directory.
pub const RUNTIME_DIR_VARIABLE: &str = "HELIOGRAPH_RUNTIME_DIR";

/// Others may neither look nor write.
const DIR_MODE: u32 = 0o700;
/// Everything that others could do with the directory.
const BY_OTHERS: u32 = 0o077;
/// Whoever could write could pose as the holder of a link.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// Longest process id in a lock file, in octets.
const PID_BYTES_MAX: u64 = 20;

/// A directory for locks and sockets that is ours alone.
#[derive(Clone, Debug)]
pub struct RuntimeDir {
    path: PathBuf,
}

impl RuntimeDir {
    /// `$HELIOGRAPH_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/heliograph`, else
    /// `heliograph-<user id>` in the directory for temporary files. Other users
    /// may not even look into the latter two.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn from_environment() -> Result<Self, GroundError> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let path = match (variable(RUNTIME_DIR_VARIABLE), variable("XDG_RUNTIME_DIR")) {
            (Some(path), _) => return Self::open(path),
            (None, Some(path)) => Path::new(&path).join("heliograph"),
            (None, None) => {
                let user = rustix::process::geteuid();
                std::env::temp_dir().join(format!("heliograph-{user}"))
            }
        };
        Self::open_without(path, BY_OTHERS)
    }

    /// The directory at `path`, created (mode 0700) if it is not there.
    ///
    /// # Errors
    /// [`GroundError::RuntimeDir`] when it cannot be created, is a symbolic link
    /// or anything else than a directory, belongs to somebody else or is writable
    /// by others.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, GroundError> {
        Self::open_without(path.into(), WRITABLE_BY_OTHERS)
    }

    /// The directory at `path`, whose mode has none of the bits `refused`.
    fn open_without(path: PathBuf, refused: u32) -> Result<Self, GroundError> {
        // Without a slash at the end, which would follow a symbolic link.
        let path: PathBuf = path.components().collect();
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(DIR_MODE);
        let created = builder.create(&path);
        let problem = match fs::symlink_metadata(&path) {
            Ok(found) => match flaw(&found, refused) {
                None => return Ok(RuntimeDir { path }),
                Some(flaw) => flaw,
            },
            Err(error) => {
                let error = created.err().unwrap_or(error);
                format!("cannot be made: {error}; create it")
            }
        };
        let problem = format!("{problem}, or set {RUNTIME_DIR_VARIABLE} to another directory");
        Err(GroundError::RuntimeDir { path, problem })
    }

    pub(crate) fn paths(&self, link: &GroundLinkConfig) -> LinkPaths {
        let identity = link.identity();
        LinkPaths {
            lock: self.path.join(format!("{identity}.lock")),
            socket: self.path.join(format!("{identity}.sock")),
        }
    }
}

/// Why what was found is no directory of ours alone, and what to do.
fn flaw(found: &Metadata, refused: u32) -> Option<String> {
    let (owner, mode) = (found.uid(), found.mode() & 0o777);
    if found.is_symlink() {
        Some("is a symbolic link, which may lead anywhere: remove it".to_owned())
    } else if !found.is_dir() {
        Some("is no directory: remove it".to_owned())
    } else if owner != rustix::process::geteuid().as_raw() {
        Some(format!("belongs to user {owner}: remove it"))
    } else if mode & refused != 0 {
        let may = match mode & WRITABLE_BY_OTHERS {
            0 => "accessible",
            _ => "writable",
        };
        Some(format!(
            "is {may} by others (mode {mode:o}): run chmod 700 on it"
        ))
    } else {
        None
    }
}

/// Who is at the socket of a link.
#[derive(Debug)]
pub(crate) enum Reached {
    /// The process that holds the link.
    Holder(UnixStream),
    /// A process that does not take connections as fast as they are made, if at
    /// all.
    Busy,
    Nobody,
}

/// The two files of a link.
#[derive(Clone, Debug)]
pub(crate) struct LinkPaths {
    /// Locked by the process that holds the link. The file stays: removing a
    /// lock file would let two processes hold "the" lock.
    pub(crate) lock: PathBuf,
    /// Where that process listens.
    pub(crate) socket: PathBuf,
}

/// Held as long as this process holds the link; the system lets go of it when
/// the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct LinkLock {
    _file: File,
}

impl LinkPaths {
    /// Connects to the process that holds the link, without waiting for it.
    ///
    /// # Errors
    /// [`GroundError::RuntimeDir`] when the path is too long for a socket,
    /// [`GroundError::RuntimeFile`] when the system refuses.
    pub(crate) fn connect(&self) -> Result<Reached, GroundError> {
        let address = SockAddr::unix(&self.socket).map_err(|_| GroundError::RuntimeDir {
            path: self.socket.parent().unwrap_or(&self.socket).to_owned(),
            problem: format!(
                "has too long a path for a socket in it: set {RUNTIME_DIR_VARIABLE} to a directory \
                 with a shorter one"
            ),
        })?;
        Self::connect_to(&address).map_err(|source| GroundError::RuntimeFile {
            doing: "connect to",
            path: self.socket.clone(),
            source,
        })
    }

    fn connect_to(address: &SockAddr) -> io::Result<Reached> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // Else it would wait for ever for a process that is suspended.
        socket.set_nonblocking(true)?;
        match socket.connect(address) {
            Ok(()) => {
                socket.set_nonblocking(false)?;
                Ok(Reached::Holder(OwnedFd::from(socket).into()))
            }
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => {
                    Ok(Reached::Nobody)
                }
                ErrorKind::WouldBlock => Ok(Reached::Busy),
                _ => Err(error),
            },
        }
    }

    /// Takes the lock; none when another process has it.
    pub(crate) fn try_lock(&self) -> Result<Option<LinkLock>, GroundError> {
        self.lock_file().map_err(|source| GroundError::RuntimeFile {
            doing: "lock",
            path: self.lock.clone(),
            source,
        })
    }

    fn lock_file(&self) -> io::Result<Option<LinkLock>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o600);
        let mut file = options.open(&self.lock)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) => {}
        }
        // For the one who finds the link held: a courtesy, not needed.
        let pid = std::process::id().to_string();
        let _ = file
            .set_len(0)
            .and_then(|()| file.write_all(pid.as_bytes()));
        Ok(Some(LinkLock { _file: file }))
    }

    /// The process that holds the lock, as far as it left its id.
    pub(crate) fn holder(&self) -> Option<u32> {
        let mut pid = String::new();
        let file = File::open(&self.lock).ok()?;
        file.take(PID_BYTES_MAX).read_to_string(&mut pid).ok()?;
        pid.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use super::*;

    #[test]
    fn the_directory_is_made_for_us_alone() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("a/b");
        RuntimeDir::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, DIR_MODE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
        let error = RuntimeDir::open(&path).unwrap_err().to_string();
        assert!(error.contains("770") && error.contains(RUNTIME_DIR_VARIABLE));
    }

    fn problem(path: PathBuf, refused: u32) -> String {
        let error = RuntimeDir::open_without(path, refused).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(RUNTIME_DIR_VARIABLE), "{text}");
        text
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let base = tempfile::tempdir().unwrap();
        let (target, link) = (base.path().join("target"), base.path().join("link"));
        fs::create_dir(&target).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(DIR_MODE)).unwrap();
        symlink(&target, &link).unwrap();
        for path in [link.clone(), link.join("")] {
            assert!(problem(path, WRITABLE_BY_OTHERS).contains("symbolic link"));
        }
        symlink(base.path().join("nowhere"), base.path().join("dangling")).unwrap();
        let dangling = base.path().join("dangling");
        assert!(problem(dangling, WRITABLE_BY_OTHERS).contains("symbolic link"));
    }

    #[test]
    fn what_is_no_directory_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(problem(path, WRITABLE_BY_OTHERS).contains("is no directory"));
    }

    #[test]
    fn the_directory_of_somebody_else_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("theirs");
        fs::create_dir(&path).unwrap();
        // Only root can give a directory away; everybody else finds root's.
        let path = match chown(&path, Some(12_345), None) {
            Ok(()) => path,
            Err(_) => PathBuf::from("/"),
        };
        assert!(problem(path, WRITABLE_BY_OTHERS).contains("belongs to user"));
    }

    #[test]
    fn others_may_not_look_into_a_default_directory() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("run");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        let problem = problem(path.clone(), BY_OTHERS);
        assert!(problem.contains("accessible by others (mode 750): run chmod 700"));
        assert!(RuntimeDir::open(path).is_ok());
    }

    #[test]
    fn one_lock_at_a_time_and_it_names_its_holder() {
        let base = tempfile::tempdir().unwrap();
        let paths = LinkPaths {
            lock: base.path().join("x.lock"),
            socket: base.path().join("x.sock"),
        };
        assert_eq!(paths.holder(), None);
        let lock = paths.try_lock().unwrap().unwrap();
        assert!(paths.try_lock().unwrap().is_none());
        assert_eq!(paths.holder(), Some(std::process::id()));
        drop(lock);
        assert!(paths.try_lock().unwrap().is_some());
    }
}
