//! A port that is encrypted, where that is compiled in.

#[cfg(feature = "tls")]
mod with {
    use std::sync::Arc;

    use tokio::net::TcpStream;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::server::TlsStream;

    use crate::http::limits::Limits;

    /// Meets who connects.
    #[derive(Clone)]
    pub(in crate::http) struct Acceptor(TlsAcceptor);

    impl From<Arc<ServerConfig>> for Acceptor {
        fn from(config: Arc<ServerConfig>) -> Self {
            Acceptor(TlsAcceptor::from(config))
        }
    }

    impl Acceptor {
        /// The connection, encrypted; none where it does not come to that in time.
        pub(in crate::http) async fn meet(
            &self,
            stream: TcpStream,
            limits: Limits,
        ) -> Option<TlsStream<TcpStream>> {
            match tokio::time::timeout(limits.read_timeout, self.0.accept(stream)).await {
                Ok(Ok(stream)) => Some(stream),
                Ok(Err(error)) => {
                    log::debug!("a connection is not encrypted: {error}");
                    None
                }
                Err(_) => {
                    log::debug!("a connection was not encrypted in time");
                    None
                }
            }
        }
    }
}

#[cfg(not(feature = "tls"))]
mod without {
    use tokio::net::TcpStream;

    use crate::http::limits::Limits;

    /// There is none.
    #[derive(Clone)]
    pub(in crate::http) enum Acceptor {}

    impl Acceptor {
        pub(in crate::http) async fn meet(&self, _: TcpStream, _: Limits) -> Option<TcpStream> {
            match *self {}
        }
    }
}

#[cfg(feature = "tls")]
pub(super) use with::Acceptor;
#[cfg(not(feature = "tls"))]
pub(super) use without::Acceptor;
