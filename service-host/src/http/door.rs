//! The sockets by which requests come in.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, chown};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::server::StartError;

/// A Unix socket, and what is served there. Who may open it, is who the file system lets:
/// so the socket says who asks.
#[derive(Clone, Debug)]
pub struct UnixDoor {
    /// Where it is. A socket that is there is taken to be left by a process that ended;
    /// anything else is not touched.
    pub path: PathBuf,
    /// Its mode, such as 0o660.
    pub mode: u32,
    /// User and group that it belongs to; our own where there are none.
    pub owner: Option<(u32, u32)>,
    /// Its name, which requests that come in here carry as a [`DoorName`].
    pub name: DoorName,
    /// What is served: doors may share it, and tell by the name who asks.
    pub routes: Router,
}

/// The name of the door by which a request came in: an extension of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorName(pub Arc<str>);

impl UnixDoor {
    fn open(&self) -> io::Result<StdUnixListener> {
        match fs::symlink_metadata(&self.path) {
            Ok(found) if found.file_type().is_socket() => fs::remove_file(&self.path)?,
            Ok(_) => {
                let text = "something else has the name; remove it, or choose another";
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = StdUnixListener::bind(&self.path)?;
        if let Some((user, group)) = self.owner {
            chown(&self.path, Some(user), Some(group))?;
        }
        fs::set_permissions(&self.path, fs::Permissions::from_mode(self.mode))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }
}

/// The Unix sockets of a server, which may be opened and closed before it starts and while
/// it runs.
#[derive(Debug)]
pub struct Doors {
    changes: UnboundedSender<Change>,
    /// Taken by the one server that they are of.
    waiting: Mutex<Option<UnboundedReceiver<Change>>>,
}

/// What becomes of a door.
#[derive(Debug)]
pub(super) enum Change {
    Opened(UnixDoor, StdUnixListener),
    Closed(PathBuf),
}

impl Default for Doors {
    fn default() -> Self {
        let (changes, waiting) = unbounded_channel();
        Doors {
            changes,
            waiting: Mutex::new(Some(waiting)),
        }
    }
}

impl Doors {
    /// Opens a socket, in the place of one at the same path. Whoever connects is served once
    /// the server runs.
    ///
    /// # Errors
    /// [`StartError::Door`].
    pub fn open(&self, door: UnixDoor) -> Result<(), StartError> {
        let opened = door.open().map_err(|cause| StartError::Door {
            path: door.path.clone(),
            cause,
        })?;
        // Where the server is gone, so is everybody who would connect.
        let _ = self.changes.send(Change::Opened(door, opened));
        Ok(())
    }

    /// Nobody connects there any more; who is connected, stays so.
    pub fn close(&self, path: PathBuf) {
        // What is not there, is closed.
        let _ = fs::remove_file(&path);
        let _ = self.changes.send(Change::Closed(path));
    }

    pub(super) fn changes(&self) -> Option<UnboundedReceiver<Change>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.take()
    }
}

/// Where connections come in.
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection.
pub(super) enum Stream {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                // Answers are written whole; waiting for more would only delay them.
                if let Err(error) = stream.set_nodelay(true) {
                    log::debug!("cannot set TCP_NODELAY: {error}");
                }
                Ok(Stream::Tcp(stream, from))
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok(Stream::Unix(stream))
            }
        }
    }
}
