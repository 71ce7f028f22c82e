//! A bench for a driver over UDP.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::bench::{Bench, FarEnd, Link, Setup};
use crate::error::{ErrorKind, RadioError};
use crate::radio::Radio;

/// What a socket surely holds while nobody reads it.
const HELD_BYTES_MAX: usize = 32 << 10;
const DATAGRAM_BYTES_MAX: usize = 65_536;

type Open = dyn FnMut(SocketAddr, SocketAddr) -> Result<Radio, RadioError> + Send;

/// A driver that listens on an address and talks to a peer, over UDP.
pub struct UdpBench {
    setup: Setup,
    open: Arc<Mutex<Open>>,
}

impl UdpBench {
    /// A bench whose driver is opened by `open`, which gets the address to listen
    /// on and that of the peer.
    pub fn new(
        setup: Setup,
        open: impl FnMut(SocketAddr, SocketAddr) -> Result<Radio, RadioError> + Send + 'static,
    ) -> Self {
        Self {
            setup,
            open: Arc::new(Mutex::new(open)),
        }
    }
}

impl Bench for UdpBench {
    fn setup(&self) -> Setup {
        self.setup.clone()
    }

    fn connect(&mut self) -> Result<Link, RadioError> {
        let (socket, peer, bind) = sockets().map_err(|error| {
            RadioError::new(ErrorKind::Io, format!("the bench has no socket: {error}"))
        })?;
        let open = Arc::clone(&self.open);
        let reopen = move || {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            open(bind, peer)
        };
        Ok(Link {
            radio: reopen()?,
            far: Box::new(UdpFarEnd {
                socket,
                driver: bind,
            }),
            reopen: Some(Box::new(reopen)),
        })
    }
}

/// The far end's socket with its address, and a free address for the driver.
fn sockets() -> io::Result<(UdpSocket, SocketAddr, SocketAddr)> {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let socket = UdpSocket::bind(any_port)?;
    let address = socket.local_addr()?;
    let free = UdpSocket::bind(any_port)?.local_addr()?;
    Ok((socket, address, free))
}

struct UdpFarEnd {
    socket: UdpSocket,
    driver: SocketAddr,
}

impl FarEnd for UdpFarEnd {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.socket.send_to(octets, self.driver).map(drop)
    }

    fn receive(&mut self, timeout: Duration) -> Vec<u8> {
        let timeout = timeout.max(Duration::from_millis(1));
        let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
        let received = self
            .socket
            .set_read_timeout(Some(timeout))
            .and_then(|()| self.socket.recv(&mut datagram));
        datagram.truncate(received.unwrap_or(0));
        datagram
    }

    fn held_bytes_max(&self) -> Option<usize> {
        Some(HELD_BYTES_MAX)
    }
}
