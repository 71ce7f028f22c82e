//! The UDP datagram in an IPv4 packet (RFC 791 §3.1).

use std::net::Ipv4Addr;

const HEADER_BYTES_MIN: usize = 20;
const VERSION: u8 = 4;
const PROTOCOL_UDP: u8 = 17;
/// "More fragments" and the fragment's place: 0 in a packet that is whole.
const FRAGMENT_BITS: u16 = 0x3FFF;

/// A UDP datagram with its header, and between whom.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Datagram<'a> {
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) octets: &'a [u8],
}

/// The datagram in `packet`; none if it is not a whole one.
pub(crate) fn udp_datagram(packet: &[u8]) -> Option<Datagram<'_>> {
    let header: &[u8; HEADER_BYTES_MIN] = packet.first_chunk()?;
    let [
        first,
        _,
        t0,
        t1,
        _,
        _,
        f0,
        f1,
        _,
        protocol,
        _,
        _,
        s0,
        s1,
        s2,
        s3,
        d0,
        d1,
        d2,
        d3,
    ] = *header;
    let header_bytes = usize::from(first & 0x0F) * 4;
    let total = usize::from(u16::from_be_bytes([t0, t1]));
    let whole = u16::from_be_bytes([f0, f1]) & FRAGMENT_BITS == 0;
    if first >> 4 != VERSION || header_bytes < HEADER_BYTES_MIN {
        return None;
    }
    if protocol != PROTOCOL_UDP || !whole {
        return None;
    }
    Some(Datagram {
        source: Ipv4Addr::new(s0, s1, s2, s3),
        destination: Ipv4Addr::new(d0, d1, d2, d3),
        octets: packet.get(header_bytes..total)?,
    })
}
