//! A port, and what connects to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::connection::{Served, serve};

/// Wait after a failed accept, so that a shortage of file descriptors does not become a busy
/// loop as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// True, once the server stops.
pub(in crate::grpc) type Stopped = watch::Receiver<bool>;

/// A port.
pub(in crate::grpc) struct Listener {
    /// Where.
    pub(in crate::grpc) socket: TcpListener,
    /// How it is encrypted, if it is.
    pub(in crate::grpc) encryption: Option<Arc<ServerConfig>>,
}

/// Serves what connects until it is stopped, and then until no call is under way.
pub(in crate::grpc) async fn listen(listener: Listener, served: Arc<Served>, mut stopped: Stopped) {
    let Listener { socket, encryption } = listener;
    let acceptor = encryption.map(TlsAcceptor::from);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            // It fails where whoever was to stop it is gone.
            _ = stopped.wait_for(|is_stopped| *is_stopped) => break,
            accepted = socket.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, addr)) => {
                let Some(place) = served.places.take() else {
                    full(addr);
                    continue;
                };
                let (served, stopped) = (Arc::clone(&served), stopped.clone());
                connections.spawn(serve(
                    stream,
                    addr,
                    acceptor.clone(),
                    served,
                    place,
                    stopped,
                ));
            }
            Err(error) => {
                log::warn!("cannot take a connection of a payload: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(socket);
    while connections.join_next().await.is_some() {}
}

fn full(addr: SocketAddr) {
    log::warn!("{addr} is not served: there are as many connections of apps as there may be");
}
