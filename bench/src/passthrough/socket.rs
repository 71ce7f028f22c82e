//! UDP sockets as the radio over UDP has them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use radio_hal::udp::UDP_SOCKET_BUFFER_BYTES;
use socket2::{Domain, Protocol, Socket, Type};

/// A socket on a free port of this machine, with the buffers the radio asks for.
///
/// # Errors
/// When the system gives none.
pub(crate) fn bind() -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_recv_buffer_size(UDP_SOCKET_BUFFER_BYTES)?;
    socket.set_send_buffer_size(UDP_SOCKET_BUFFER_BYTES)?;
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(&any_port.into())?;
    Ok(socket.into())
}
