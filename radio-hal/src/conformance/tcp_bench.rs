//! A bench for a driver of a TCP connection.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::bench::{Bench, Cutting, FarEnd, Link, Setup};
use crate::error::{ErrorKind, RadioError};
use crate::radio::Radio;

/// How long the far end waits for a connection, and for octets to be taken.
const PATIENCE: Duration = Duration::from_secs(8);
/// Between two looks for a connection.
const LOOK: Duration = Duration::from_millis(2);
/// A small buffer stalls soon.
const RECEIVE_BUFFER_BYTES: usize = 32 << 10;
const CHUNK_BYTES: usize = 16 << 10;

type Open = dyn FnMut(SocketAddr) -> Result<Radio, RadioError> + Send;

/// A driver of a TCP connection.
pub struct TcpBench {
    setup: Setup,
    driver_listens: bool,
    open: Arc<Mutex<Open>>,
}

impl TcpBench {
    /// A bench whose driver connects to the address that `open` gets.
    pub fn connecting(
        setup: Setup,
        open: impl FnMut(SocketAddr) -> Result<Radio, RadioError> + Send + 'static,
    ) -> Self {
        Self {
            setup,
            driver_listens: false,
            open: Arc::new(Mutex::new(open)),
        }
    }

    /// A bench whose driver listens on the address that `open` gets.
    pub fn listening(
        setup: Setup,
        open: impl FnMut(SocketAddr) -> Result<Radio, RadioError> + Send + 'static,
    ) -> Self {
        Self {
            driver_listens: true,
            ..Self::connecting(setup, open)
        }
    }
}

impl Bench for TcpBench {
    fn setup(&self) -> Setup {
        self.setup.clone()
    }

    fn connect(&mut self) -> Result<Link, RadioError> {
        let no_socket = |error: io::Error| {
            RadioError::new(ErrorKind::Io, format!("the bench has no socket: {error}"))
        };
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = listen(any_port).map_err(no_socket)?;
        let address = listener.local_addr().map_err(no_socket)?;
        let listener = (!self.driver_listens).then_some(listener);
        let open = Arc::clone(&self.open);
        let reopen = move || {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            open(address)
        };
        let radio = reopen()?;
        let mut far = TcpFarEnd {
            address,
            driver_listens: self.driver_listens,
            listener,
            stream: None,
        };
        far.connect(PATIENCE);
        Ok(Link {
            radio,
            far: Box::new(far),
            reopen: Some(Box::new(reopen)),
        })
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    socket2::SockRef::from(&listener).set_recv_buffer_size(RECEIVE_BUFFER_BYTES)?;
    Ok(listener)
}

struct TcpFarEnd {
    address: SocketAddr,
    driver_listens: bool,
    /// `None` if the driver listens, and while the line is cut.
    listener: Option<TcpListener>,
    stream: Option<TcpStream>,
}

impl TcpFarEnd {
    /// The connection there is, or one that is made within `patience`.
    fn connect(&mut self, patience: Duration) -> Option<&mut TcpStream> {
        if self.stream.as_ref().is_some_and(is_closed) {
            self.stream = None;
        }
        let deadline = Instant::now() + patience;
        while self.stream.is_none() {
            self.stream = self.connect_once().ok();
            if self.stream.is_some() || Instant::now() >= deadline {
                break;
            }
            thread::sleep(LOOK);
        }
        self.stream.as_mut()
    }

    fn connect_once(&self) -> io::Result<TcpStream> {
        let stream = match &self.listener {
            Some(listener) => listener.accept()?.0,
            None if self.driver_listens => TcpStream::connect(self.address)?,
            None => return Err(io::ErrorKind::NotConnected.into()),
        };
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }
}

/// Whether the driver closed the connection, and there is nothing left to read.
fn is_closed(stream: &TcpStream) -> bool {
    let looked = stream
        .set_nonblocking(true)
        .and_then(|()| stream.peek(&mut [0]));
    let _ = stream.set_nonblocking(false);
    match looked {
        Ok(octets) => octets == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}

impl FarEnd for TcpFarEnd {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        let stream = self.connect(PATIENCE).ok_or(io::ErrorKind::NotConnected)?;
        stream.write_all(octets)
    }

    fn receive(&mut self, timeout: Duration) -> Vec<u8> {
        let started = Instant::now();
        let Some(stream) = self.connect(timeout) else {
            return Vec::new();
        };
        let remaining = timeout.saturating_sub(started.elapsed());
        let remaining = remaining.max(Duration::from_millis(1));
        let mut chunk = vec![0; CHUNK_BYTES];
        let received = stream
            .set_read_timeout(Some(remaining))
            .and_then(|()| stream.read(&mut chunk));
        chunk.truncate(received.unwrap_or(0));
        chunk
    }

    fn cutting(&self) -> Cutting {
        Cutting::KeepsOctets
    }

    fn cut(&mut self) {
        self.listener = None;
        if let Some(mut stream) = self.stream.take() {
            // Octets left unread here would take those sent along.
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.set_read_timeout(Some(LOOK));
            while stream.read(&mut [0; 4096]).is_ok_and(|octets| octets > 0) {}
        }
    }

    fn restore(&mut self) -> io::Result<()> {
        if !self.driver_listens {
            self.listener = Some(listen(self.address)?);
        }
        Ok(())
    }
}
