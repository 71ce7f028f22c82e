//! `recvmmsg`, `sendmmsg` and `UDP_SEGMENT`.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use nix_sockets::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};

use super::{DATAGRAM_BYTES_MAX, Received, segments};

/// Waits for one, as the socket does, and takes what is there.
pub(super) fn receive(
    socket: &UdpSocket,
    octets: &mut [u8],
    received: &mut Vec<Received>,
) -> io::Result<()> {
    let places = octets.chunks_exact_mut(DATAGRAM_BYTES_MAX);
    let mut places: Vec<_> = places.map(|place| [IoSliceMut::new(place)]).collect();
    // New ones for each call: used again they would have room for an address as
    // long as the one before, and they cannot go to another thread.
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(places.len(), None);
    let datagrams = recvmmsg(
        socket.as_raw_fd(),
        &mut headers,
        places.iter_mut(),
        MsgFlags::MSG_WAITFORONE,
        None,
    )?;
    received.extend(datagrams.map(|datagram| (datagram.bytes, datagram.address.and_then(address))));
    Ok(())
}

fn address(address: SockaddrStorage) -> Option<SocketAddr> {
    let ipv4 = || address.as_sockaddr_in().map(|ipv4| (*ipv4).into());
    let ipv6 = || address.as_sockaddr_in6().map(|ipv6| (*ipv6).into());
    ipv4().or_else(ipv6)
}

/// Sends datagrams from the front, at least one, and gives how many; the error is
/// that of the first.
pub(super) fn send(socket: &UdpSocket, datagrams: &[(&[u8], SocketAddr)]) -> io::Result<usize> {
    if let [(datagram, to)] = datagrams {
        return socket.send_to(datagram, to).map(|_| 1);
    }
    // Where that does not go, as on a path with small frames, it is found out anew each
    // time; what the error was, the other way tells of each datagram.
    let front = segments::at_the_front(datagrams);
    if let Some(front) = front.filter(|front| segments::send(socket, front).is_ok()) {
        return Ok(front.len());
    }
    let mut parts: Vec<_> = datagrams
        .iter()
        .map(|(octets, to)| {
            let no_control = SendAncillaryBuffer::default();
            ([IoSlice::new(octets)], SocketAddrAny::from(*to), no_control)
        })
        .collect();
    let mut messages: Vec<_> = parts
        .iter_mut()
        .map(|(octets, to, control)| MMsgHdr::new_with_addr(to, octets, control))
        .collect();
    Ok(sendmmsg(socket, &mut messages, SendFlags::empty())?)
}
