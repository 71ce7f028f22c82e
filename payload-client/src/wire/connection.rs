//! The connection to the controller.

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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;

/// Where the controller is, and the connection there is to it.
#[derive(Debug)]
pub(crate) struct Dial {
    addr: SocketAddr,
    encryption: Option<Arc<ClientConfig>>,
    open: Mutex<Option<Caller>>,
}

/// A call did not leave, or nobody knows what came of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("it did not leave: {0}")]
    Unsent(hyper::Error),
    #[error("no answer came: {0}")]
    Broken(hyper::Error),
}

impl Dial {
    pub(crate) fn new(addr: SocketAddr, encryption: Option<Arc<ClientConfig>>) -> Dial {
        Dial {
            addr,
            encryption,
            open: Mutex::new(None),
        }
    }

    /// A way to make calls: on the connection that there is, or on a new one.
    pub(crate) async fn caller(&self) -> io::Result<Caller> {
        let mut open = self.open.lock().await;
        if let Some(caller) = open.as_ref().filter(|caller| !caller.0.is_closed()) {
            return Ok(caller.clone());
        }
        let caller = self.connect().await?;
        Ok(open.insert(caller).clone())
    }

    pub(crate) fn origin(&self) -> Result<Uri, tonic::codegen::http::Error> {
        let scheme = match self.encryption {
            None => "http",
            Some(_) => "https",
        };
        Uri::builder()
            .scheme(scheme)
            .authority(self.addr.to_string())
            .path_and_query("/")
            .build()
    }

    async fn connect(&self) -> io::Result<Caller> {
        let stream = TcpStream::connect(self.addr).await?;
        // Calls are written whole; waiting for more would only delay them.
        stream.set_nodelay(true)?;
        match &self.encryption {
            None => speak(stream).await,
            Some(encryption) => {
                let connector = TlsConnector::from(Arc::clone(encryption));
                let name = ServerName::IpAddress(self.addr.ip().into());
                speak(connector.connect(name, stream).await?).await
            }
        }
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
) -> io::Result<Caller> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            log::debug!("the connection to the controller ended: {error}");
        }
    });
    Ok(Caller(sender))
}

/// Makes calls on a connection.
#[derive(Clone, Debug)]
pub(crate) struct Caller(http2::SendRequest<Body>);

impl Service<Request<Body>> for Caller {
    type Response = Response<Incoming>;
    type Error = WireError;
    type Future = BoxFuture<'static, Result<Response<Incoming>, WireError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        self.0.poll_ready(context).map_err(WireError::Unsent)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answered = self.0.try_send_request(request);
        Box::pin(async move {
            answered.await.map_err(|mut error| {
                // Who has the call back, has not sent it.
                match error.take_message() {
                    Some(_) => WireError::Unsent(error.into_error()),
                    None => WireError::Broken(error.into_error()),
                }
            })
        })
    }
}
