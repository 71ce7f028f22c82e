//! Good packets and frames, for the tests to spoil.

use std::net::Ipv4Addr;

use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::options::Addresses;
use comms_service::packet::{Content, LinkPacket, Parsed};
use comms_service::{LinkOptions, PacketFormat};
use radio_hal::ax25::UiRepr;
use radio_hal::{Ax25Config, Callsign};

pub(crate) const SERVICE_PORT: u16 = 8020;

const ADDRESSES: Addresses = Addresses {
    ground_ip: Ipv4Addr::LOCALHOST,
    satellite_ip: Ipv4Addr::LOCALHOST,
    ground_port: Some(9001),
};

/// Each format, with error control and without.
pub(crate) fn formats(end: End) -> Vec<Box<dyn LinkPacket>> {
    let format = |format, error_control| {
        let options = LinkOptions {
            format,
            error_control,
            ..LinkOptions::default()
        };
        let format = options.packet_format(end, None, ADDRESSES);
        format.expect("options that fit together")
    };
    vec![
        format(PacketFormat::SpacePacket, Some(true)),
        format(PacketFormat::SpacePacket, Some(false)),
        format(PacketFormat::Kubos, None),
        format(PacketFormat::Udp, None),
    ]
}

/// The first packet in which the ground sends `payload` to a service.
pub(crate) fn packet(
    ground: &dyn LinkPacket,
    payload_type: PayloadType,
    payload: &[u8],
    count: u16,
) -> Vec<u8> {
    let head = Head {
        payload_type,
        class: Class::Standard,
        security: None,
        command_id: 50_000 + u64::from(count % 1000),
        port: SERVICE_PORT,
    };
    let mut packet = Vec::new();
    let built = ground.build(&head, payload, 0, count, &mut packet);
    built.expect("the format carries it");
    packet
}

/// Where the payload stands.
pub(crate) fn payload_of(parsed: &Parsed) -> std::ops::Range<usize> {
    match &parsed.content {
        Content::Idle => 0..0,
        Content::Message { payload, .. } => payload.clone(),
        Content::Segment(segment) => segment.data.clone(),
    }
}

pub(crate) fn call(text: &str) -> Callsign {
    text.parse().expect("a callsign")
}

/// The satellite's side of the link.
pub(crate) fn satellite() -> Ax25Config {
    Ax25Config::new(call("SAT1-1"), call("GND-2"))
}

/// A UI frame of the ground for the satellite.
pub(crate) fn ui_frame(info: &[u8]) -> Vec<u8> {
    let repr = UiRepr::new(call("SAT1-1"), call("GND-2"), Vec::new());
    let mut frame = Vec::new();
    repr.expect("no digipeater is too many")
        .emit(info, &mut frame);
    frame
}

/// Sets the packet error control of a Space Packet: CRC-16/IBM-3740.
pub(crate) fn seal(packet: &mut [u8]) {
    let (covered, trailer) = packet.split_at_mut(packet.len() - 2);
    let crc = covered.iter().fold(0xFFFF_u16, |crc, octet| {
        (0..8).fold(crc ^ (u16::from(*octet) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x1021
            }
        })
    });
    trailer.copy_from_slice(&crc.to_be_bytes());
}
