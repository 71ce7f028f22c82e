//! The server: one thread, its sockets, and its end.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::endpoint::Endpoint;
use super::limits::{
    CONNECTIONS_MAX, EXECUTIONS_MAX, READ_TIMEOUT, STOP_EXECUTIONS_TIMEOUT, STOP_REQUESTS_TIMEOUT,
};
use super::routes::routes;
use super::write_stall::WriteStall;

/// Wait after a failed accept, so that a shortage of file descriptors does not
/// become a busy loop as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the HTTP server did not start. No thread is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on: it is in use, not ours, or not
    /// permitted.
    #[error("cannot listen on {address} for GraphQL: {cause}; choose another ip or port")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        cause: io::Error,
    },

    /// The operating system refused something the server needs to run.
    #[error("cannot start the GraphQL server: {0}")]
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
            // One more than the queries, for the metrics page.
            .max_blocking_threads(EXECUTIONS_MAX + 1)
            .thread_name("graphql-execute")
            .build()?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };

        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("graphql-http".to_owned())
            .spawn(move || run(runtime, listener, routes(endpoint), stopped))?;
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
    /// the thread: at most [`STOP_REQUESTS_TIMEOUT`] plus
    /// [`STOP_EXECUTIONS_TIMEOUT`]. A resolver that has not returned by then
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
fn run(runtime: Runtime, listener: TcpListener, routes: Router, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        let graceful = GracefulShutdown::new();
        tokio::select! {
            () = accept(listener, routes, &graceful) => {}
            _ = stopped => {}
        }
        // The listener is closed here: nobody new gets in.
        let requests_answered = tokio::time::timeout(STOP_REQUESTS_TIMEOUT, graceful.shutdown());
        if requests_answered.await.is_err() {
            log::warn!(
                "GraphQL requests still unanswered {} s after the stop were dropped",
                STOP_REQUESTS_TIMEOUT.as_secs()
            );
        }
    });
    runtime.shutdown_timeout(STOP_EXECUTIONS_TIMEOUT);
}

/// Takes connections, as many as there are places, until dropped.
async fn accept(listener: TcpListener, routes: Router, graceful: &GracefulShutdown) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // The place comes first: a connection without one stays in the queue of the
    // operating system and costs nothing here. The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, routes.clone(), graceful.watcher(), place));
            }
            Err(error) => {
                log::warn!("cannot take a GraphQL connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves the requests of one connection, one after the other.
async fn serve(stream: TcpStream, routes: Router, watcher: Watcher, _place: OwnedSemaphorePermit) {
    // Answers are written whole; waiting for more would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        log::debug!("cannot set TCP_NODELAY: {error}");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .serve_connection(
            TokioIo::new(WriteStall::new(stream)),
            TowerToHyperService::new(routes),
        );
    if let Err(error) = watcher.watch(connection).await {
        log::debug!("a GraphQL connection ended: {error}");
    }
}
