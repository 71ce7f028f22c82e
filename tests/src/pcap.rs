//! Capture files for Wireshark, made of octets at hand.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

pub use radio_hal::pcap::LinkType;
use radio_hal::pcap::PcapWriter;

/// Writes a capture of `packets`, a millisecond apart, with the writer of
/// `radio-hal`; panics when it cannot.
#[track_caller]
pub fn write(path: &Path, link_type: LinkType, packets: &[Vec<u8>]) {
    let file = File::create(path).expect("a new capture file");
    let mut capture = PcapWriter::new(file, link_type).expect("the capture's header");
    for (number, packet) in (0..).zip(packets) {
        capture
            .write_frame(Duration::from_millis(number), packet)
            .expect("a packet of the capture");
    }
    capture.finish().expect("the whole capture");
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
