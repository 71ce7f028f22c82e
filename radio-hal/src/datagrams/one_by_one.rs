//! One datagram by each system call, where there is no other.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use super::{DATAGRAM_BYTES_MAX, Received};

pub(super) fn receive(
    socket: &UdpSocket,
    octets: &mut [u8],
    received: &mut Vec<Received>,
) -> io::Result<()> {
    let place = octets.get_mut(..DATAGRAM_BYTES_MAX).unwrap_or_default();
    let (octets, source) = socket.recv_from(place)?;
    received.push((octets, Some(source)));
    Ok(())
}

/// Sends the first of the datagrams.
pub(super) fn send(socket: &UdpSocket, datagrams: &[(&[u8], SocketAddr)]) -> io::Result<usize> {
    match datagrams.first() {
        Some((datagram, to)) => socket.send_to(datagram, to).map(|_| 1),
        None => Ok(0),
    }
}
