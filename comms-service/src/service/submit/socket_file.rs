//! The file of a Unix socket: made whole in one step, removed by its owner only.

use std::fs::{self, Permissions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Owner and group may connect.
const MODE: u32 = 0o660;

/// The file of a socket that we listen on; gone when this is dropped.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    /// Listens at `path`. What a service that ended badly left there is replaced;
    /// nothing else is.
    pub(super) fn listen(path: &Path) -> Result<(UnixListener, SocketFile)> {
        check_free(path)?;
        // Under another name, so that nobody connects before the mode is set and
        // `path` is never without a socket that works.
        let making = with_suffix(path, ".new");
        match fs::symlink_metadata(&making) {
            Ok(found) if found.file_type().is_socket() => fs::remove_file(&making)?,
            _ => {}
        }
        let listener = UnixListener::bind(&making)?;
        let make = || -> Result<SocketFile> {
            fs::set_permissions(&making, Permissions::from_mode(MODE))?;
            let metadata = fs::symlink_metadata(&making)?;
            fs::rename(&making, path)?;
            Ok(SocketFile {
                path: path.to_path_buf(),
                device: metadata.dev(),
                inode: metadata.ino(),
            })
        };
        let made = make();
        if made.is_err() {
            let _ = fs::remove_file(&making);
        }
        Ok((listener, made?))
    }
}

/// Nothing is at `path`, or a socket that nobody listens on.
fn check_free(path: &Path) -> Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        let text = "something that is no socket is there; it is left alone";
        return Err(Error::new(ErrorKind::AlreadyExists, text));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
        Ok(_) => {
            let text = "another process listens there";
            Err(Error::new(ErrorKind::AddrInUse, text))
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
        if ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}
