//! Two other implementations of CCSDS 133.0-B-2 read our packets as we do.

use comms_service::message::{End, PayloadType};
use comms_service::packet::{Content, LinkPacket, Place, SpacePacketFormat};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use spacepacket::crc::{CRC_16_IBM_3740, Crc};
use spacepacket::{CompletePacket, GroupingFlag, PacketType, SpacePacket};

use crate::octets::{build_segment, head};

fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(2958),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The other implementation computes this length plus one in 16 bits.
fn its_length_overflows(octets: &[u8]) -> bool {
    octets.get(4..6) == Some(&[0xFF, 0xFF])
}

/// What `spacepacket` reads, where it can read without a panic: it expects two
/// octets of error control to be there.
fn second_opinion(octets: &[u8], error_control: bool) -> Option<SpacePacket> {
    if its_length_overflows(octets) {
        return None;
    }
    let mut rest = octets;
    if !error_control {
        return SpacePacket::decode(&mut rest).ok();
    }
    let crc = Crc::<u16>::new(&CRC_16_IBM_3740);
    match SpacePacket::decode_crc(&mut rest, &crc).ok()? {
        CompletePacket::Valid(packet) => Some(packet),
        CompletePacket::InvalidCRC(..) => None,
    }
}

fn grouping(place: Place) -> GroupingFlag {
    match place {
        Place::Unsegmented(_) => GroupingFlag::Unsegm,
        Place::First(_) => GroupingFlag::First,
        Place::Continuation => GroupingFlag::Interm,
        Place::Last => GroupingFlag::Last,
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn others_read_what_we_build(
        from_satellite: bool,
        error_control: bool,
        packet_bytes_max in 32..700_usize,
        payload_type in select(vec![PayloadType::GraphQl, PayloadType::Udp]),
        command_id: u64,
        port: u16,
        count: u16,
        payload in prop::collection::vec(any::<u8>(), 0..1500),
    ) {
        let (end, packet_type) = match from_satellite {
            true => (End::Satellite, PacketType::Telemetry),
            false => (End::Ground, PacketType::Command),
        };
        let format = SpacePacketFormat {
            error_control,
            packet_bytes_max,
            ..SpacePacketFormat::new(end)
        };
        let head = format.classify(head(payload_type, command_id, port), payload.len());
        let packets = format.packet_count(&head, payload.len()).unwrap();
        let mut gathered = Vec::new();
        for index in 0..packets {
            let packet = build_segment(&format, head, &payload, index, count);
            let data_end = packet.len() - if error_control { 2 } else { 0 };
            let data = &packet[6..data_end];
            let grouping = match (index == 0, index + 1 == packets) {
                (true, true) => GroupingFlag::Unsegm,
                (true, false) => GroupingFlag::First,
                (false, false) => GroupingFlag::Interm,
                (false, true) => GroupingFlag::Last,
            };
            let apid = format.channel_of(&head);
            let expected =
                SpacePacket::new(0, packet_type, apid, grouping, count & 0x3FFF, false, data.to_vec());
            prop_assert_eq!(second_opinion(&packet, error_control), Some(expected.clone()));

            // It also builds the very same octets.
            let crc = Crc::<u16>::new(&CRC_16_IBM_3740);
            let built = match error_control {
                true => expected.encode_crc(&crc),
                false => expected.encode(),
            };
            prop_assert_eq!(&built, &packet);

            let third = space_packet::SpacePacket::parse(&packet).unwrap();
            let header = third.primary_header();
            prop_assert_eq!(third.packet_length(), packet.len());
            prop_assert_eq!(header.apid().as_u16(), apid);
            prop_assert_eq!(header.packet_sequence_count().as_u16(), count & 0x3FFF);
            prop_assert_eq!(header.sequence_flag() as u8, grouping as u8);
            prop_assert_eq!(header.packet_type() as u8, packet_type as u8);
            prop_assert_eq!(header.secondary_header_flag() as u8, 0);
            prop_assert_eq!(&third.packet_data_field()[..data.len()], data);
            gathered.extend_from_slice(data);
        }
        let mut sent = [command_id.to_be_bytes().as_slice(), &port.to_be_bytes()].concat();
        sent.extend_from_slice(&payload);
        prop_assert_eq!(gathered, sent);
    }

    #[test]
    fn others_agree_on_what_we_accept(
        first in select(vec![0x00_u8, 0x10, 0x08, 0x20]),
        apid in 0..7_u8,
        flags_and_count: u16,
        length in 0..30_u8,
        rest in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut octets = vec![first, apid];
        octets.extend_from_slice(&flags_and_count.to_be_bytes());
        octets.extend_from_slice(&[0, length]);
        octets.extend_from_slice(&rest);
        for end in [End::Satellite, End::Ground] {
            let format = SpacePacketFormat {
                error_control: false,
                ..SpacePacketFormat::new(end)
            };
            let Ok(parsed) = format.parse(&octets) else { continue };
            let Content::Segment(segment) = parsed.content else { continue };
            let other = second_opinion(&octets, false).expect("a packet to the other as well");
            let header = other.primary_header;
            prop_assert_eq!(header.version, 0);
            prop_assert_eq!(header.apid, segment.channel);
            prop_assert_eq!(header.sequence_count, segment.count);
            prop_assert_eq!(header.grouping, grouping(segment.place));
            prop_assert!(other.payload.ends_with(&octets[segment.data]));
            prop_assert_eq!(6 + other.payload.len() + parsed.surplus_bytes, octets.len());
        }
    }
}

#[test]
fn the_check_value_of_the_catalogue_holds_in_a_packet_of_ours() {
    let crc = Crc::<u16>::new(&CRC_16_IBM_3740);
    assert_eq!(crc.checksum(b"123456789"), 0x29B1);
    let format = SpacePacketFormat::new(End::Satellite);
    let packet = build_segment(&format, head(PayloadType::Cfdp, 0, 0), b"123456789", 0, 0);
    // A CRC over a message and its own CRC is 0.
    assert_eq!(crc.checksum(&packet), 0);
}
