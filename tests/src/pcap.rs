//! Capture files for Wireshark, made of octets at hand.

use std::fs;
use std::path::Path;

/// What the packets of a capture begin with: a number of the
/// [registry of link-layer types](https://www.tcpdump.org/linktypes.html).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkType(pub u16);

impl LinkType {
    /// AX.25 frames without flags and frame check sequence.
    pub const AX25: Self = Self(3);
    /// A KISS command octet, then an AX.25 frame; neither FEND nor escapes.
    pub const AX25_KISS: Self = Self(202);
    /// IPv4 packets.
    pub const IPV4: Self = Self(228);
}

/// Writes a capture of `packets`, a millisecond apart, in the classic pcap
/// format; panics when it cannot.
#[track_caller]
pub fn write(path: &Path, link_type: LinkType, packets: &[Vec<u8>]) {
    let mut capture = Vec::new();
    let words =
        |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_le_bytes()).collect() };
    capture.extend(words(&[0xa1b2_c3d4]));
    capture.extend([2, 0, 4, 0]);
    capture.extend(words(&[0, 0, 65_535, link_type.0.into()]));
    for (number, packet) in (0..).zip(packets) {
        let length = u32::try_from(packet.len()).expect("a packet fits a capture");
        capture.extend(words(&[
            number / 1000,
            number % 1000 * 1000,
            length,
            length,
        ]));
        capture.extend_from_slice(packet);
    }
    if let Err(error) = fs::write(path, capture) {
        panic!("cannot write {}: {error}", path.display());
    }
}

/// An IPv4 packet with a UDP datagram from and to ports of 127.0.0.1, without
/// a UDP checksum; panics when `payload` is longer than one can be.
#[track_caller]
pub fn udp_packet(source_port: u16, destination_port: u16, payload: &[u8]) -> Vec<u8> {
    const LOCALHOST: [u8; 4] = [127, 0, 0, 1];
    let length = |header_bytes: usize| {
        u16::try_from(header_bytes + payload.len()).expect("the payload fits a datagram")
    };
    let mut packet = vec![0x45, 0];
    packet.extend(length(28).to_be_bytes());
    // Identification, flags, time to live, protocol UDP, checksum to come.
    packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    packet.extend([LOCALHOST, LOCALHOST].concat());
    let checksum = internet_checksum(&packet);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    for field in [source_port, destination_port, length(8), 0] {
        packet.extend(field.to_be_bytes());
    }
    packet.extend_from_slice(payload);
    packet
}

fn internet_checksum(header: &[u8]) -> u16 {
    let sum: u32 = header
        .chunks_exact(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !(((folded & 0xffff) + (folded >> 16)) as u16)
}
