//! A radio over UDP: one frame for each datagram, several frames for each system
//! call.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, iter};

use socket2::{Domain, Protocol, Socket, Type};

use crate::counters::{FrameCounters, FrameDrop};
use crate::datagrams::{self, DATAGRAMS_PER_CALL_MAX, DatagramReceiver};
use crate::error::{ErrorKind, RadioError};
use crate::frame_buffer::FrameBuffer;
use crate::radio::{Medium, Radio, RadioProperties, RadioReceiver, RadioTransmitter};

/// The longest frame, in octets: the payload of a UDP datagram over IPv4.
pub const UDP_FRAME_BYTES_MAX: usize = 65_507;

/// Kernel buffers asked for in each direction, in octets. The kernel may give
/// less; a burst of 1 MiB is some four thousand frames of 256 octets.
pub const UDP_SOCKET_BUFFER_BYTES: usize = 1 << 20;

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
    /// of another address family than the socket; [`ErrorKind::Io`] if the system has
    /// no room for what is received.
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
            datagrams: DatagramReceiver::new(DATAGRAMS_PER_CALL_MAX).map_err(io_error)?,
            socket_timeout: None,
            counters: Arc::clone(&counters),
        };
        let transmitter = UdpTransmitter {
            socket: self.socket,
            peer,
        };
        let properties = RadioProperties::new(Medium::Datagrams)
            .with_frame_bytes_max(UDP_FRAME_BYTES_MAX)
            .with_frames_per_call_max(DATAGRAMS_PER_CALL_MAX);
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
    datagrams: DatagramReceiver,
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
            match self.datagrams.receive(&self.socket) {
                Ok(datagrams) => {
                    let frames_before = received.len();
                    for (frame, source) in datagrams {
                        if !source.is_some_and(|source| is_peer(source, self.peer)) {
                            log::debug!("datagram from {source:?} dropped: not {}", self.peer);
                            self.counters.count_dropped(FrameDrop::ForeignSource);
                        } else if frame.is_empty() {
                            self.counters.count_dropped(FrameDrop::Empty);
                        } else {
                            received.push(frame);
                        }
                    }
                    if received.len() > frames_before {
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

/// The scope and flow of an IPv6 address may differ.
fn is_peer(source: SocketAddr, peer: SocketAddr) -> bool {
    source.ip() == peer.ip() && source.port() == peer.port()
}

struct UdpTransmitter {
    socket: UdpSocket,
    peer: SocketAddr,
}

impl UdpTransmitter {
    /// Sends frames from the front, until one cannot be sent; at least one.
    fn send<'a>(&self, frames: impl Iterator<Item = &'a [u8]>) -> Result<usize, RadioError> {
        let datagrams = frames.map(|frame| (frame, self.peer));
        datagrams::send_all(&self.socket, datagrams).map_err(|error| {
            RadioError::new(
                ErrorKind::Io,
                format!("datagram to {} could not be sent: {error}", self.peer),
            )
        })
    }
}

impl RadioTransmitter for UdpTransmitter {
    fn transmit(&mut self, octets: &[u8]) -> Result<(), RadioError> {
        check_length(octets)?;
        self.send(iter::once(octets)).map(drop)
    }

    /// A datagram that was taken was sent, so the next ones wait for none.
    fn credits(&mut self, _timeout: Duration) -> Result<usize, RadioError> {
        Ok(DATAGRAMS_PER_CALL_MAX)
    }

    fn transmit_all(&mut self, frames: &FrameBuffer) -> Result<usize, RadioError> {
        if let Some(first) = frames.get(0) {
            check_length(first)?;
        }
        self.send(
            frames
                .iter()
                .take_while(|frame| check_length(frame).is_ok()),
        )
    }
}

fn check_length(frame: &[u8]) -> Result<(), RadioError> {
    if frame.len() > UDP_FRAME_BYTES_MAX {
        return Err(RadioError::new(
            ErrorKind::PacketTooLong,
            format!(
                "frame of {} octets is longer than a UDP datagram ({UDP_FRAME_BYTES_MAX})",
                frame.len()
            ),
        ));
    }
    Ok(())
}

fn io_error(error: io::Error) -> RadioError {
    RadioError::new(ErrorKind::Io, format!("UDP socket failed: {error}"))
}
