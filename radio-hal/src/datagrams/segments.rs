//! Datagrams of one size for one receiver as one piece that the kernel cuts
//! (`UDP_SEGMENT`, Linux 4.18): they go through the network stack once, and not once
//! each.

use std::io::{self, IoSlice};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use nix_sockets::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};

use super::DATAGRAMS_PER_CALL_MAX;

/// The longest datagram in an Ethernet frame, behind the heads of IPv6 and UDP: the
/// kernel makes no fragments of segments.
const SEGMENT_BYTES_MAX: usize = 1452;
/// The longest piece, as any UDP datagram over IPv4.
const PIECE_BYTES_MAX: usize = 65_507;
/// Fewer are not worth the cutting.
const SEGMENTS_MIN: usize = 3;

const _: () = assert!(DATAGRAMS_PER_CALL_MAX * SEGMENT_BYTES_MAX <= PIECE_BYTES_MAX);

/// Those at the front that go as one piece: of one size but for the last, which may be
/// shorter.
pub(super) fn at_the_front<'a, 'b>(
    datagrams: &'a [(&'b [u8], SocketAddr)],
) -> Option<&'a [(&'b [u8], SocketAddr)]> {
    let (first, to) = datagrams.first()?;
    let is_alike =
        |(octets, receiver): &&(&[u8], SocketAddr)| octets.len() == first.len() && receiver == to;
    let alike = datagrams.iter().take_while(is_alike).count();
    let is_shorter = |(octets, receiver): &&(&[u8], SocketAddr)| {
        !octets.is_empty() && octets.len() < first.len() && receiver == to
    };
    let last = usize::from(datagrams.get(alike).filter(is_shorter).is_some());
    let fits = (1..=SEGMENT_BYTES_MAX).contains(&first.len());
    datagrams
        .get(..alike + last)
        .filter(|front| fits && front.len() >= SEGMENTS_MIN)
}

/// Sends all of them or, with an error, none.
pub(super) fn send(socket: &UdpSocket, datagrams: &[(&[u8], SocketAddr)]) -> io::Result<()> {
    let Some((first, to)) = datagrams.first() else {
        return Ok(());
    };
    let pieces: Vec<_> = datagrams
        .iter()
        .map(|(octets, _)| IoSlice::new(octets))
        .collect();
    let segment_bytes = u16::try_from(first.len()).unwrap_or(u16::MAX);
    sendmsg(
        socket.as_raw_fd(),
        &pieces,
        &[ControlMessage::UdpGsoSegments(&segment_bytes)],
        MsgFlags::empty(),
        Some(&SockaddrStorage::from(*to)),
    )?;
    Ok(())
}
