//! A UDP socket that waits no longer than it is told.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

const DATAGRAM_BYTES_MAX: usize = 65_535;

/// A UDP socket on a free port of 127.0.0.1.
#[derive(Debug)]
pub struct UdpPeer {
    socket: UdpSocket,
    address: SocketAddr,
}

/// A datagram and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// What it carries.
    pub payload: Vec<u8>,
    /// Who sent it.
    pub from: SocketAddr,
}

impl UdpPeer {
    /// Binds a free port.
    pub fn bind() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free UDP port");
        let address = socket.local_addr().expect("a bound socket has an address");
        Self { socket, address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Sends one datagram to a port of 127.0.0.1.
    #[track_caller]
    pub fn send_to(&self, port: u16, payload: &[u8]) {
        let sent = self.socket.send_to(payload, (Ipv4Addr::LOCALHOST, port));
        assert_eq!(sent.expect("the datagram is sent"), payload.len());
    }

    /// The next datagram, if one comes within `timeout` (at least 1 ms).
    #[track_caller]
    pub fn receive(&self, timeout: Duration) -> Option<Datagram> {
        let timeout = timeout.max(Duration::from_millis(1));
        self.socket
            .set_read_timeout(Some(timeout))
            .expect("a read timeout that is not zero");
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        match self.socket.recv_from(&mut buffer) {
            Ok((length, from)) => {
                buffer.truncate(length);
                Some(Datagram {
                    payload: buffer,
                    from,
                })
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                None
            }
            Err(error) => panic!("cannot receive on {}: {error}", self.address),
        }
    }

    /// The next datagram; panics when none comes within `timeout`.
    #[track_caller]
    pub fn expect(&self, timeout: Duration) -> Datagram {
        match self.receive(timeout) {
            Some(datagram) => datagram,
            None => panic!("no datagram on {} within {timeout:?}", self.address),
        }
    }
}
