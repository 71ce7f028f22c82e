//! A radio behind a TCP connection, such as a software TNC or a modem's data
//! port. A connection that was lost is made again.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use crate::error::{ErrorKind, RadioError};
use crate::radio::Radio;
use crate::stream::{self, StreamDevice, StreamReader, StreamWriter};

/// How long one try to connect may take.
pub const TCP_CONNECT_TIMEOUT_MS: u64 = 500;
/// After so much silence the other end is asked whether it is still there, and
/// again each time so much passes; it is gone when it does not answer three times.
pub const TCP_KEEPALIVE_MS: u64 = 5000;

/// To look whether somebody connected costs next to nothing.
const ACCEPT_PAUSE_MAX: Duration = Duration::from_millis(100);

/// The shortest wait a socket is given; zero would mean "for ever".
const SOCKET_TIMEOUT_MIN: Duration = Duration::from_millis(1);

/// A listening socket on its way to be a [`Radio`]; and, by
/// [`connect`](Self::connect), radios that connect themselves.
#[derive(Debug)]
pub struct TcpRadio {
    listener: TcpListener,
    local_address: SocketAddr,
}

impl TcpRadio {
    /// A radio that connects to `peer`.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if nobody answers there. Once it is connected,
    /// the radio connects again itself.
    pub fn connect(peer: SocketAddr) -> Result<Radio, RadioError> {
        Self::connect_greeting(peer, Vec::new())
    }

    /// As [`connect`](Self::connect); `greeting` is sent first on each
    /// connection, such as the parameters of a TNC.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn connect_greeting(peer: SocketAddr, greeting: Vec<u8>) -> Result<Radio, RadioError> {
        stream::open(Client(peer), greeting)
    }

    /// Binds a socket that the radio will be connected to. Port 0 lets the
    /// system choose; [`local_address`](Self::local_address) then tells which.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the address cannot be bound.
    pub fn bind(bind: SocketAddr) -> Result<Self, RadioError> {
        let bound = TcpListener::bind(bind).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        });
        let (local_address, listener) = bound.map_err(|error| {
            RadioError::new(
                ErrorKind::Unavailable,
                format!("TCP address {bind} cannot be bound: {error}; choose a free local address"),
            )
        })?;
        Ok(Self {
            listener,
            local_address,
        })
    }

    /// The address the socket is bound to.
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// The radio of whoever connects: one at a time, who comes meanwhile waits
    /// until that one is gone.
    pub fn listen(self) -> Radio {
        self.listen_greeting(Vec::new())
    }

    /// As [`listen`](Self::listen); `greeting` is sent first on each connection.
    pub fn listen_greeting(self, greeting: Vec<u8>) -> Radio {
        stream::open_later(Server(self), greeting)
    }
}

struct Client(SocketAddr);

impl StreamDevice for Client {
    type Reader = Reader;
    type Writer = Writer;

    fn open(&self) -> Result<(Reader, Writer), RadioError> {
        let timeout = Duration::from_millis(TCP_CONNECT_TIMEOUT_MS);
        TcpStream::connect_timeout(&self.0, timeout)
            .and_then(halves)
            .map_err(|error| {
                RadioError::new(
                    ErrorKind::Unavailable,
                    format!(
                        "{} cannot be connected to: {error}; check the address, and that \
                         the TNC or modem runs",
                        self.name()
                    ),
                )
            })
    }

    fn name(&self) -> String {
        format!("TCP {}", self.0)
    }
}

struct Server(TcpRadio);

impl StreamDevice for Server {
    type Reader = Reader;
    type Writer = Writer;

    fn open(&self) -> Result<(Reader, Writer), RadioError> {
        let accepted = self.0.listener.accept().and_then(|(stream, peer)| {
            log::info!("{}: {peer} connected", self.name());
            stream.set_nonblocking(false)?;
            halves(stream)
        });
        accepted.map_err(|error| {
            let text = format!("{}: nobody has connected yet: {error}", self.name());
            RadioError::new(ErrorKind::Unavailable, text)
        })
    }

    fn name(&self) -> String {
        format!("TCP listener {}", self.0.local_address)
    }

    fn reopen_pause_max(&self) -> Duration {
        ACCEPT_PAUSE_MAX
    }
}

fn halves(stream: TcpStream) -> io::Result<(Reader, Writer)> {
    stream.set_nodelay(true)?;
    let interval = Duration::from_millis(TCP_KEEPALIVE_MS);
    let keepalive = TcpKeepalive::new().with_time(interval);
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    let keepalive = keepalive.with_interval(interval).with_retries(3);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok((
        Reader {
            stream: stream.try_clone()?,
            timeout: None,
        },
        Writer {
            stream,
            timeout: None,
        },
    ))
}

struct Reader {
    stream: TcpStream,
    /// What the socket is set to, to save a system call where it is right.
    timeout: Option<Duration>,
}

impl StreamReader for Reader {
    fn read(&mut self, chunk: &mut [u8], timeout: Duration) -> io::Result<usize> {
        let timeout = timeout.max(SOCKET_TIMEOUT_MIN);
        if self.timeout.replace(timeout) != Some(timeout) {
            self.stream.set_read_timeout(Some(timeout))?;
        }
        self.stream.read(chunk)
    }

    fn close(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

struct Writer {
    stream: TcpStream,
    timeout: Option<Duration>,
}

impl StreamWriter for Writer {
    fn write(&mut self, octets: &[u8], timeout: Duration) -> io::Result<usize> {
        let timeout = timeout.max(SOCKET_TIMEOUT_MIN);
        if self.timeout.replace(timeout) != Some(timeout) {
            self.stream.set_write_timeout(Some(timeout))?;
        }
        self.stream.write(octets)
    }

    fn close(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
