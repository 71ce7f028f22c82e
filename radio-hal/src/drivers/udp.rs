//! A radio over UDP: one frame for each datagram.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::counters::{FrameCounters, FrameDrop};
use crate::error::{ErrorKind, RadioError};
use crate::frame_buffer::FrameBuffer;
use crate::radio::{Medium, Radio, RadioProperties, RadioReceiver, RadioTransmitter};

/// The longest frame, in octets: the payload of a UDP datagram over IPv4.
pub const UDP_FRAME_BYTES_MAX: usize = 65_507;

/// Kernel buffers asked for in each direction, in octets. The kernel may give
/// less; a burst of 1 MiB is some four thousand frames of 256 octets.
pub const UDP_SOCKET_BUFFER_BYTES: usize = 1 << 20;

/// Large enough that no datagram is ever cut.
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// The shortest wait a socket is given; zero would mean "for ever".
const SOCKET_TIMEOUT_MIN: Duration = Duration::from_millis(1);

/// A bound socket on its way to be a [`Radio`].
#[derive(Debug)]
pub struct UdpRadio {
    socket: UdpSocket,
    local_address: SocketAddr,
}

impl UdpRadio {
    /// A radio that listens on `bind` and talks to `peer` only. For a port
    /// chosen by the system see [`bind`](Self::bind).
    ///
    /// # Errors
    /// Those of [`bind`](Self::bind) and [`with_peer`](Self::with_peer).
    pub fn open(bind: SocketAddr, peer: SocketAddr) -> Result<Radio, RadioError> {
        Self::bind(bind)?.with_peer(peer)
    }

    /// Binds the socket. Port 0 lets the system choose;
    /// [`local_address`](Self::local_address) then tells which.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the address cannot be bound.
    pub fn bind(bind: SocketAddr) -> Result<Self, RadioError> {
        let socket = open_socket(bind).map_err(|error| {
            RadioError::new(
                ErrorKind::Unavailable,
                format!("UDP address {bind} cannot be bound: {error}; choose a free local address"),
            )
        })?;
        let local_address = socket.local_addr().map_err(io_error)?;
        Ok(Self {
            socket,
            local_address,
        })
    }

    /// The address the socket is bound to.
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    /// The radio that talks to `peer`. Datagrams from any other address are
    /// counted as [`FrameDrop::ForeignSource`], empty ones as
    /// [`FrameDrop::Empty`], and dropped.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`] if `peer` is no single address and port or
    /// of another address family than the socket.
    pub fn with_peer(self, peer: SocketAddr) -> Result<Radio, RadioError> {
        if peer.ip().is_unspecified() || peer.port() == 0 {
            return Err(RadioError::new(
                ErrorKind::InvalidConfig,
                format!("UDP peer {peer} is no address to send to: give its own address and port"),
            ));
        }
        if peer.is_ipv4() != self.local_address.is_ipv4() {
            return Err(RadioError::new(
                ErrorKind::InvalidConfig,
                format!(
                    "UDP peer {peer} and local address {} are not both IPv4 or both IPv6",
                    self.local_address
                ),
            ));
        }
        let counters = Arc::new(FrameCounters::default());
        let receiver = UdpReceiver {
            socket: self.socket.try_clone().map_err(io_error)?,
            peer,
            datagram: vec![0; DATAGRAM_BYTES_MAX].into_boxed_slice(),
            socket_timeout: None,
            counters: Arc::clone(&counters),
        };
        let transmitter = UdpTransmitter {
            socket: self.socket,
            peer,
        };
        let properties =
            RadioProperties::new(Medium::Datagrams).with_frame_bytes_max(UDP_FRAME_BYTES_MAX);
        Ok(Radio::new(properties, receiver, transmitter).with_counters(counters))
    }
}

fn open_socket(bind: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(bind), Type::DGRAM, Some(Protocol::UDP))?;
    for outcome in [
        socket.set_recv_buffer_size(UDP_SOCKET_BUFFER_BYTES),
        socket.set_send_buffer_size(UDP_SOCKET_BUFFER_BYTES),
    ] {
        // Smaller buffers lose more in a burst, which is no reason not to start.
        if let Err(error) = outcome {
            log::warn!("UDP socket buffers stay as they are: {error}");
        }
    }
    socket.bind(&bind.into())?;
    Ok(socket.into())
}

struct UdpReceiver {
    // Not connected to the peer: a connected socket reports the peer's absence
    // (ICMP port unreachable) as an error of the next call.
    socket: UdpSocket,
    peer: SocketAddr,
    datagram: Box<[u8]>,
    /// The wait the socket is set to, to save a system call where it is right.
    socket_timeout: Option<Duration>,
    counters: Arc<FrameCounters>,
}

impl UdpReceiver {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        let timeout = timeout.max(SOCKET_TIMEOUT_MIN);
        if self.socket_timeout != Some(timeout) {
            self.socket.set_read_timeout(Some(timeout))?;
            self.socket_timeout = Some(timeout);
        }
        Ok(())
    }
}

impl RadioReceiver for UdpReceiver {
    fn receive(&mut self, received: &mut FrameBuffer, timeout: Duration) -> Result<(), RadioError> {
        let started = Instant::now();
        let mut remaining = timeout;
        loop {
            self.set_timeout(remaining).map_err(io_error)?;
            match self.socket.recv_from(&mut self.datagram) {
                Ok((octets, source)) => {
                    let frame = self.datagram.get(..octets).unwrap_or_default();
                    if source.ip() != self.peer.ip() || source.port() != self.peer.port() {
                        log::debug!("datagram from {source} dropped: the peer is {}", self.peer);
                        self.counters.count_dropped(FrameDrop::ForeignSource);
                    } else if frame.is_empty() {
                        self.counters.count_dropped(FrameDrop::Empty);
                    } else {
                        received.push(frame);
                        return Ok(());
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return Ok(()),
                    // An earlier datagram of ours found nobody.
                    io::ErrorKind::Interrupted
                    | io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::ConnectionReset => {}
                    _ => return Err(io_error(error)),
                },
            }
            remaining = timeout.saturating_sub(started.elapsed());
            if remaining.is_zero() {
                return Ok(());
            }
        }
    }
}

struct UdpTransmitter {
    socket: UdpSocket,
    peer: SocketAddr,
}

impl RadioTransmitter for UdpTransmitter {
    fn transmit(&mut self, octets: &[u8]) -> Result<(), RadioError> {
        if octets.len() > UDP_FRAME_BYTES_MAX {
            return Err(RadioError::new(
                ErrorKind::PacketTooLong,
                format!(
                    "frame of {} octets is longer than a UDP datagram ({UDP_FRAME_BYTES_MAX})",
                    octets.len()
                ),
            ));
        }
        loop {
            match self.socket.send_to(octets, self.peer) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(RadioError::new(
                        ErrorKind::Io,
                        format!("datagram to {} could not be sent: {error}", self.peer),
                    ));
                }
            }
        }
    }
}

fn io_error(error: io::Error) -> RadioError {
    RadioError::new(ErrorKind::Io, format!("UDP socket failed: {error}"))
}
