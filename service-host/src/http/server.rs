//! The server: one thread, its sockets, and its end.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use super::door::{Change, DoorName, Doors, Listener, Stream};
use super::endpoint::Endpoint;
use super::execution_threads;
use super::limits::{EXECUTIONS_MAX, Limits};
use super::routes::routes;
use super::tls::Acceptor;
use super::write_stall::WriteStall;

/// Wait after a failed accept, so that a shortage of file descriptors does not
/// become a busy loop as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One more than the queries, for the metrics page.
const EXECUTION_THREADS: usize = EXECUTIONS_MAX + 1;

/// Why the HTTP server did not start. No thread is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on: it is in use, not ours, or not
    /// permitted.
    #[error("cannot listen on {address}: {cause}; choose another ip or port")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        cause: io::Error,
    },

    /// A Unix socket cannot be had.
    #[error("cannot listen at the Unix socket {}: {cause}", path.display())]
    Door {
        /// Where it was to be.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },

    /// The operating system refused something the server needs to run.
    #[error("cannot start the HTTP server: {0}")]
    System(#[from] io::Error),
}

/// A running server. Dropping it stops it, as [`HttpServer::stop`] does.
#[derive(Debug)]
pub struct HttpServer {
    local_addr: SocketAddr,
    /// Taken when the server is told to stop.
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl HttpServer {
    /// Listens on `addr` (port 0: any free port) and serves `endpoint` from a
    /// thread named `graphql-http`. When this returns, connections are taken.
    pub fn start(addr: SocketAddr, endpoint: Endpoint) -> Result<Self, StartError> {
        Self::start_with(addr, endpoint, Limits::default())
    }

    /// [`HttpServer::start`] with other limits than the usual ones.
    pub fn start_with(
        addr: SocketAddr,
        endpoint: Endpoint,
        limits: Limits,
    ) -> Result<Self, StartError> {
        Self::start_with_doors(addr, endpoint, &Doors::default(), limits)
    }

    /// The same with Unix sockets beside it, each with routes of its own. Doors are of the
    /// first server that is started with them.
    pub fn start_with_doors(
        addr: SocketAddr,
        endpoint: Endpoint,
        doors: &Doors,
        limits: Limits,
    ) -> Result<Self, StartError> {
        let routes = routes(endpoint, limits);
        Self::start_routes(addr, routes, doors, limits, EXECUTION_THREADS)
    }

    /// A server of these routes and nothing else, for what answers no GraphQL. So many of its
    /// functions may wait for the disk at once (`tokio::task::spawn_blocking`).
    pub fn start_routes(
        addr: SocketAddr,
        routes: Router,
        doors: &Doors,
        limits: Limits,
        threads: usize,
    ) -> Result<Self, StartError> {
        Self::start_at((addr, None), routes, doors, limits, threads)
    }

    /// The same, encrypted: the port answers nobody who does not speak TLS.
    #[cfg(feature = "tls")]
    pub fn start_encrypted(
        addr: SocketAddr,
        encryption: Arc<tokio_rustls::rustls::ServerConfig>,
        routes: Router,
        limits: Limits,
        threads: usize,
    ) -> Result<Self, StartError> {
        let acceptor = Acceptor::from(encryption);
        let doors = Doors::default();
        Self::start_at((addr, Some(acceptor)), routes, &doors, limits, threads)
    }

    fn start_at(
        (addr, acceptor): (SocketAddr, Option<Acceptor>),
        routes: Router,
        doors: &Doors,
        limits: Limits,
        threads: usize,
    ) -> Result<Self, StartError> {
        let bind_error = |cause| StartError::Bind {
            address: addr,
            cause,
        };
        let listener = StdListener::bind(addr).map_err(bind_error)?;
        let local_addr = listener.local_addr().map_err(bind_error)?;
        listener.set_nonblocking(true)?;

        let mut builder = Builder::new_current_thread();
        builder.enable_io().enable_time();
        let runtime = execution_threads::limit(&mut builder, threads).build()?;
        let inside = runtime.enter();
        let served = Served {
            routes,
            door: None,
            acceptor,
        };
        let port = (Listener::Tcp(TcpListener::from_std(listener)?), served);
        drop(inside);
        let doors = doors.changes();

        execution_threads::start(&runtime, threads);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("graphql-http".to_owned())
            .spawn(move || run(runtime, port, doors, limits, stopped))?;
        Ok(Self {
            local_addr,
            running: Some(Running { stop, thread }),
        })
    }

    /// The address it listens on, with the port it was given.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Takes no more connections, lets requests under way finish, and waits for
    /// the thread: at most [`Limits::stop_requests_timeout`] plus
    /// [`Limits::stop_executions_timeout`]. A resolver that has not returned by then
    /// keeps its thread until the process ends.
    pub fn stop(mut self) {
        self.stop_and_join();
    }

    fn stop_and_join(&mut self) {
        let Some(Running { stop, thread }) = self.running.take() else {
            return;
        };
        // It fails only if the thread is gone already, which the join reports.
        let _ = stop.send(());
        if thread.join().is_err() {
            log::error!("the GraphQL server's thread panicked");
        }
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stop_and_join();
    }
}

/// The server's thread.
fn run(
    runtime: Runtime,
    (port, served): (Listener, Served),
    mut doors: Option<UnboundedReceiver<Change>>,
    limits: Limits,
    mut stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        let graceful = Arc::new(GracefulShutdown::new());
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(port, served, limits, Arc::clone(&graceful)));
        let mut open: HashMap<PathBuf, AbortHandle> = HashMap::new();
        loop {
            let change = tokio::select! {
                // It fails where whoever was to stop it is gone.
                _ = &mut stopped => break,
                Some(change) = next(&mut doors) => change,
            };
            let before = match change {
                Change::Closed(path) => open.remove(&path),
                Change::Opened(door, listener) => match UnixListener::from_std(listener) {
                    Ok(listener) => {
                        let listener = Listener::Unix(listener);
                        let graceful = Arc::clone(&graceful);
                        let served = Served {
                            routes: door.routes,
                            door: Some(door.name),
                            acceptor: None,
                        };
                        let task = accept(listener, served, limits, graceful);
                        open.insert(door.path, accepting.spawn(task))
                    }
                    Err(error) => {
                        log::error!("nobody can connect to {}: {error}", door.path.display());
                        None
                    }
                },
            };
            if let Some(before) = before {
                before.abort();
            }
        }
        // The listeners are closed then: nobody new gets in.
        accepting.shutdown().await;
        let Some(graceful) = Arc::into_inner(graceful) else {
            return;
        };
        let patience = limits.stop_requests_timeout;
        let requests_answered = tokio::time::timeout(patience, graceful.shutdown());
        if requests_answered.await.is_err() {
            log::warn!(
                "GraphQL requests still unanswered {} s after the stop were dropped",
                patience.as_secs_f64()
            );
        }
    });
    runtime.shutdown_timeout(limits.stop_executions_timeout);
}

/// What is served at a listener, and the door that it is.
#[derive(Clone)]
struct Served {
    routes: Router,
    door: Option<DoorName>,
    /// How the connection is encrypted, if it is.
    acceptor: Option<Acceptor>,
}

/// From where a request came by TCP: an extension of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub SocketAddr);

/// What becomes of the doors next.
async fn next(doors: &mut Option<UnboundedReceiver<Change>>) -> Option<Change> {
    match doors {
        Some(doors) => doors.recv().await,
        None => None,
    }
}

/// Takes connections, as many as there are places, until dropped.
async fn accept(
    listener: Listener,
    served: Served,
    limits: Limits,
    graceful: Arc<GracefulShutdown>,
) {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    // The place comes first: a connection without one stays in the queue of the
    // operating system and costs nothing here. The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok(stream) => {
                let (served, watcher) = (served.clone(), graceful.watcher());
                tokio::spawn(async move {
                    match stream {
                        Stream::Tcp(stream, from) => {
                            let from = Some(PeerAddress(from));
                            match served.acceptor.clone() {
                                None => serve(stream, from, served, limits, watcher).await,
                                Some(acceptor) => {
                                    if let Some(stream) = acceptor.meet(stream, limits).await {
                                        serve(stream, from, served, limits, watcher).await;
                                    }
                                }
                            }
                        }
                        Stream::Unix(stream) => serve(stream, None, served, limits, watcher).await,
                    }
                    drop(place);
                });
            }
            Err(error) => {
                log::warn!("cannot take an HTTP connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves the requests of one connection, one after the other.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    from: Option<PeerAddress>,
    served: Served,
    limits: Limits,
    watcher: Watcher,
) {
    let Served { routes, door, .. } = served;
    let routes = TowerToHyperService::new(routes);
    let routes = service_fn(move |mut request: Request<Incoming>| {
        if let Some(door) = &door {
            request.extensions_mut().insert(door.clone());
        }
        if let Some(from) = from {
            request.extensions_mut().insert(from);
        }
        routes.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.read_timeout)
        .serve_connection(
            TokioIo::new(WriteStall::new(stream, limits.write_stall_timeout)),
            routes,
        );
    if let Err(error) = watcher.watch(connection).await {
        log::debug!("an HTTP connection ended: {error}");
    }
}
