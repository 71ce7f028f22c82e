//! The server: one thread, its port, and its end.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;

use super::calls::Calls;
use super::connection::{Server, serve};
use super::limits::{Limits, MESSAGE_BYTES_MAX};
use super::messages::link_server::LinkServer;
use crate::folders::Folders;
use crate::journal::Journal;

/// Wait after a failed accept, so that a shortage of file descriptors does not become a busy
/// loop as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the gRPC server did not start. No thread is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Others than this machine could connect, and read the tokens on their way.
    #[error(
        "{0} is not on the loopback interface: tokens would be read on their way; choose 127.0.0.1"
    )]
    Exposed(SocketAddr),
    /// The address cannot be listened on: it is in use, not ours, or not permitted.
    #[error("cannot listen on {address} for gRPC: {cause}; choose another `addr`")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The operating system refused something the server needs to run.
    #[error("cannot start the gRPC server: {0}")]
    System(#[from] io::Error),
}

/// A running server. Dropped, it takes no more calls, lets those under way finish, and waits
/// for its thread: at most [`Limits::stop_timeout`]. Calls with many answers end as the desk
/// [stops](crate::desk::Desk::stop).
#[derive(Debug)]
pub struct GrpcServer {
    local_addr: SocketAddr,
    /// Taken when it stops.
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl GrpcServer {
    /// Listens on `addr` (port 0: any free port) and serves `calls` from a thread named
    /// `link-grpc`. When this returns, connections are taken.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start<F: Folders, J: Journal>(
        addr: SocketAddr,
        calls: Calls<F, J>,
    ) -> Result<Self, StartError> {
        Self::start_with(addr, calls, Limits::default())
    }

    /// The same with other limits than the usual ones.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with<F: Folders, J: Journal>(
        addr: SocketAddr,
        calls: Calls<F, J>,
        limits: Limits,
    ) -> Result<Self, StartError> {
        if !addr.ip().is_loopback() {
            return Err(StartError::Exposed(addr));
        }
        let bind_error = |cause| StartError::Bind {
            address: addr,
            cause,
        };
        let listener = StdListener::bind(addr).map_err(bind_error)?;
        let local_addr = listener.local_addr().map_err(bind_error)?;
        listener.set_nonblocking(true)?;
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let inside = runtime.enter();
        let listener = TcpListener::from_std(listener)?;
        drop(inside);
        let server = LinkServer::new(Arc::new(calls));
        let server = server.max_decoding_message_size(MESSAGE_BYTES_MAX);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("link-grpc".to_owned())
            .spawn(move || runtime.block_on(run(listener, server, limits, stopped)))?;
        Ok(GrpcServer {
            local_addr,
            running: Some((stop, thread)),
        })
    }

    /// The address it listens on, with the port it was given.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }
}

impl Drop for GrpcServer {
    fn drop(&mut self) {
        let Some((stop, thread)) = self.running.take() else {
            return;
        };
        // It fails only if the thread is gone already, which the join reports.
        let _ = stop.send(());
        if thread.join().is_err() {
            log::error!("the gRPC server's thread panicked");
        }
    }
}

/// The server's thread.
async fn run<F: Folders, J: Journal>(
    listener: TcpListener,
    server: Server<F, J>,
    limits: Limits,
    mut stopped: oneshot::Receiver<()>,
) {
    let (stop, stopping) = watch::channel(false);
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            // The place comes first: a connection without one stays in the queue of the
            // operating system and costs nothing here.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            // It fails where whoever was to stop it is gone.
            _ = &mut stopped => break,
            accepted = accepted => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                let served = serve(stream, server.clone(), limits, stopping.clone());
                connections.spawn(async {
                    served.await;
                    drop(place);
                });
            }
            Err(error) => {
                log::warn!("cannot take a gRPC connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    // It fails where nobody is connected.
    let _ = stop.send(true);
    while connections.join_next().await.is_some() {}
}
