//! The packet formats: what is built is read, and what is read is within its octets.

use std::net::Ipv4Addr;

use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::options::Addresses;
use comms_service::packet::{Content, LinkPacket, Parsed, Place};
use comms_service::{LinkOptions, PacketFormat};

/// Octets of the largest packet of the target: small, so that messages have many.
const PACKET_BYTES_MAX: usize = 64;
/// Before what is payload or packet: how to take it.
const CONTROL_BYTES: usize = 12;

/// Space Packets with error control (first octet even) or without.
pub fn space_packet(input: &[u8]) {
    let error_control = input.first().is_none_or(|first| first.is_multiple_of(2));
    let options = LinkOptions {
        error_control: Some(error_control),
        packet_bytes_max: Some(PACKET_BYTES_MAX),
        ..LinkOptions::default()
    };
    both_ways(&options, input);
}

/// Packets as KubOS ground tools speak them.
pub fn kubos(input: &[u8]) {
    both_ways(&of(PacketFormat::Kubos), input);
}

/// Whole UDP datagrams.
pub fn udp(input: &[u8]) {
    both_ways(&of(PacketFormat::Udp), input);
}

fn of(format: PacketFormat) -> LinkOptions {
    LinkOptions {
        format,
        ..LinkOptions::default()
    }
}

/// The format of one end.
pub(crate) fn format(options: &LinkOptions, end: End) -> Box<dyn LinkPacket> {
    let addresses = Addresses {
        ground_ip: Ipv4Addr::LOCALHOST,
        satellite_ip: Ipv4Addr::LOCALHOST,
        ground_port: Some(9001),
    };
    let format = options.packet_format(end, None, addresses);
    format.expect("options that fit together")
}

fn both_ways(options: &LinkOptions, input: &[u8]) {
    let [satellite, ground] = [End::Satellite, End::Ground].map(|end| format(options, end));
    let Some((control, octets)) = input.split_first_chunk::<CONTROL_BYTES>() else {
        return;
    };
    for reader in [&satellite, &ground] {
        if let Ok(parsed) = reader.parse(octets) {
            is_within(&parsed, octets);
        }
    }
    round_trip(&*ground, &*satellite, control, octets);
    round_trip(&*satellite, &*ground, control, octets);
}

/// Everything that a reader points at is there, and what it cuts off comes after it.
fn is_within(parsed: &Parsed, octets: &[u8]) {
    let data = match &parsed.content {
        Content::Idle => 0..0,
        Content::Message { payload, .. } => payload.clone(),
        Content::Segment(segment) => {
            assert!(segment.count < 1 << 14);
            segment.data.clone()
        }
    };
    assert!(data.start <= data.end && data.end + parsed.surplus_bytes <= octets.len());
}

/// A message that the format says it carries comes out as it was, in as many packets
/// as it said, each no larger than may be.
fn round_trip(
    writer: &dyn LinkPacket,
    reader: &dyn LinkPacket,
    control: &[u8; CONTROL_BYTES],
    payload: &[u8],
) {
    let types = [
        PayloadType::GraphQl,
        PayloadType::Udp,
        PayloadType::UdpExchange,
        PayloadType::Cfdp,
        PayloadType::LinkControl,
    ];
    let [_, kind, port_high, port_low, rest @ ..] = control;
    let head = Head {
        payload_type: types[usize::from(*kind) % types.len()],
        class: Class::Standard,
        security: None,
        command_id: u64::from_be_bytes(*rest),
        port: u16::from_be_bytes([*port_high, *port_low]),
    };
    let head = writer.classify(head, payload.len());
    let Ok(packets) = writer.packet_count(&head, payload.len()) else {
        return;
    };
    let (mut packet, mut gathered) = (Vec::new(), Vec::new());
    for index in 0..packets {
        let count = index as u16 % (1 << 14);
        if writer
            .build(&head, payload, index, count, &mut packet)
            .is_err()
        {
            // Only a head that the format cannot carry, and then at once.
            assert_eq!(index, 0, "{head:?}");
            return;
        }
        let parsed = reader.parse(&packet);
        let parsed = parsed.unwrap_or_else(|error| panic!("our own packet: {error}"));
        assert_eq!(parsed.surplus_bytes, 0);
        match parsed.content {
            Content::Message { payload, .. } => gathered.extend_from_slice(&packet[payload]),
            Content::Segment(segment) => {
                assert_eq!(segment.count, count);
                let begins = matches!(segment.place, Place::First(_) | Place::Unsegmented(_));
                let ends = matches!(segment.place, Place::Last | Place::Unsegmented(_));
                assert_eq!(begins, index == 0);
                assert_eq!(ends, index + 1 == packets);
                if let Place::First(read) | Place::Unsegmented(read) = segment.place {
                    assert_eq!(read.payload_type, head.payload_type);
                }
                gathered.extend_from_slice(&packet[segment.data]);
            }
            Content::Idle => panic!("our own packet is idle"),
        }
    }
    assert!(gathered == payload, "{} octets were altered", payload.len());
}
