//! The connection to one app.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;

#[cfg(target_os = "linux")]
use crate::grpc::limits::SILENCE_TIMEOUT;
use crate::grpc::limits::{
    CALL_WINDOW_BYTES, CONNECTION_WINDOW_BYTES, HEADERS_BYTES_MAX, SEND_BUFFER_BYTES_MAX,
};

/// How an app is reached.
#[derive(Clone)]
pub(in crate::grpc) struct Dial {
    /// Where.
    pub(in crate::grpc) addr: SocketAddr,
    /// How it is encrypted, if it is.
    pub(in crate::grpc) encryption: Option<Arc<ClientConfig>>,
}

/// A connection. Dropped, it is closed as soon as no call on it is under way.
pub(super) struct Channel {
    sender: http2::SendRequest<Body>,
    origin: Uri,
    /// Ends with the connection.
    task: JoinHandle<()>,
}

/// A call did not leave, or nobody knows what came of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("it did not leave: {0}")]
    Unsent(hyper::Error),
    #[error("no answer came: {0}")]
    Broken(hyper::Error),
}

impl Dial {
    pub(super) async fn connect(&self) -> io::Result<Channel> {
        let stream = TcpStream::connect(self.addr).await?;
        // Calls are written whole; waiting for more would only delay them.
        stream.set_nodelay(true)?;
        gives_up(&stream)?;
        let scheme = match &self.encryption {
            None => "http",
            Some(_) => "https",
        };
        let origin = Uri::builder()
            .scheme(scheme)
            .authority(self.addr.to_string())
            .path_and_query("/")
            .build()
            .map_err(io::Error::other)?;
        match &self.encryption {
            None => speak(stream, origin).await,
            Some(encryption) => {
                let connector = TlsConnector::from(Arc::clone(encryption));
                let name = ServerName::IpAddress(self.addr.ip().into());
                speak(connector.connect(name, stream).await?, origin).await
            }
        }
    }
}

/// A connection on which nobody confirms anything is none: an app whose machine was switched off
/// and on again is there, and would not be found.
#[cfg(target_os = "linux")]
fn gives_up(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_tcp_user_timeout(Some(SILENCE_TIMEOUT))
}

#[cfg(not(target_os = "linux"))]
fn gives_up(_: &TcpStream) -> io::Result<()> {
    Ok(())
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    origin: Uri,
) -> io::Result<Channel> {
    // Nobody is pinged: servers of the C++ SDK count it as an attack.
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(CALL_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEADERS_BYTES_MAX)
        .max_send_buf_size(SEND_BUFFER_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            log::debug!("the connection to a payload ended: {error}");
        }
    });
    Ok(Channel {
        sender,
        origin,
        task,
    })
}

impl Channel {
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed() && !self.task.is_finished()
    }

    /// Until the app, or the network, ends it.
    pub(super) async fn ended(&mut self) {
        // It was not cancelled, and does not panic.
        let _ = (&mut self.task).await;
    }

    pub(super) fn origin(&self) -> Uri {
        self.origin.clone()
    }

    /// A way to make calls on it.
    pub(super) fn caller(&self) -> Caller {
        Caller(self.sender.clone())
    }
}

/// Makes calls on a connection.
#[derive(Clone)]
pub(super) struct Caller(http2::SendRequest<Body>);

impl Service<Request<Body>> for Caller {
    type Response = Response<Incoming>;
    type Error = CallError;
    type Future = BoxFuture<'static, Result<Response<Incoming>, CallError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        self.0.poll_ready(context).map_err(CallError::Unsent)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answered = self.0.try_send_request(request);
        Box::pin(async move {
            answered.await.map_err(|mut error| {
                // Who has the call back, has not sent it.
                match error.take_message() {
                    Some(_) => CallError::Unsent(error.into_error()),
                    None => CallError::Broken(error.into_error()),
                }
            })
        })
    }
}
