//! Packets and frames as they are on the air, and captures of them.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{LinkPacket, SpacePacketFormat};
use radio_hal::ax25::UiRepr;
use radio_hal::pcap::{LinkType, PcapWriter};

/// The head of a message of format `space-packet`.
pub(crate) fn head(payload_type: PayloadType, command_id: u64, port: u16) -> Head {
    Head {
        payload_type,
        class: Class::Standard,
        security: None,
        command_id,
        port,
    }
}

/// The Space Packets of a message that this end sends, counted from `first`.
pub(crate) fn packets(from: End, head: &Head, payload: &[u8], first: u16) -> Vec<Vec<u8>> {
    let format = SpacePacketFormat::new(from);
    packets_in(&format, head, payload, first)
}

pub(crate) fn packets_in(
    format: &dyn LinkPacket,
    head: &Head,
    payload: &[u8],
    first: u16,
) -> Vec<Vec<u8>> {
    let count = format.packet_count(head, payload.len()).unwrap();
    let build = |index: u32| {
        let mut packet = Vec::new();
        let count = first + u16::try_from(index).unwrap();
        format
            .build(head, payload, index, count, &mut packet)
            .unwrap();
        packet
    };
    (0..count).map(build).collect()
}

/// A UI frame.
pub(crate) fn ui(source: &str, destination: &str, info: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let (destination, source) = (destination.parse().unwrap(), source.parse().unwrap());
    let repr = UiRepr::new(destination, source, Vec::new()).unwrap();
    repr.emit(info, &mut frame);
    frame
}

/// The same behind a KISS octet.
pub(crate) fn kiss_ui(source: &str, destination: &str, info: &[u8]) -> Vec<u8> {
    [&[0], ui(source, destination, info).as_slice()].concat()
}

/// Writes a capture of frames, each so many ms after the first.
pub(crate) fn write_capture(path: &Path, link_type: LinkType, frames: &[(u64, Vec<u8>)]) {
    let mut capture = PcapWriter::new(File::create(path).unwrap(), link_type).unwrap();
    for (ms, frame) in frames {
        let time = Duration::from_secs(1_700_000_000) + Duration::from_millis(*ms);
        capture.write_frame(time, frame).unwrap();
    }
    capture.finish().unwrap();
}
