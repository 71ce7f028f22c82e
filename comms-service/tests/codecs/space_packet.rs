//! Format `space-packet`: headers, segmentation, error control and the map of
//! APIDs.

use comms_service::accounting::DropReason;
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{
    ApidMap, ApidMapError, Content, IDLE_APID, LinkPacket, PACKET_BYTES_MAX_DEFAULT, PacketError,
    Place, Segment, SpacePacketFormat,
};

use crate::octets::{build, build_segment, head, hex};

const PING: &[u8] = br#"{"query":"{ping}"}"#;

fn speaking(end: End) -> SpacePacketFormat {
    SpacePacketFormat::new(end)
}

fn without_error_control(end: End) -> SpacePacketFormat {
    SpacePacketFormat {
        error_control: false,
        ..speaking(end)
    }
}

fn read_segment(format: &SpacePacketFormat, octets: &[u8]) -> (Segment, usize) {
    let parsed = format.parse(octets).unwrap();
    match parsed.content {
        Content::Segment(segment) => (segment, parsed.surplus_bytes),
        Content::Idle | Content::Message { .. } => panic!("no segment: {parsed:?}"),
    }
}

#[test]
fn a_query_on_the_way_up_has_a_conformant_telecommand_header() {
    let packet = build(
        &without_error_control(End::Ground),
        head(PayloadType::GraphQl, 100, 8020),
        PING,
    );
    let expected = "1000 c000 001b 0000000000000064 1f54 7b227175657279223a227b70696e677d227d";
    assert_eq!(packet, hex(expected));
}

#[test]
fn error_control_is_the_crc_of_the_catalogue_and_counts_in_the_length() {
    let query = head(PayloadType::GraphQl, 100, 8020);
    let packet = build(&speaking(End::Ground), query, PING);
    let expected = "1000 c000 001d 0000000000000064 1f54 7b227175657279223a227b70696e677d227d f44e";
    assert_eq!(packet, hex(expected));

    let datagram = head(PayloadType::Udp, 0, 8000);
    let packet = build(&speaking(End::Satellite), datagram, &[5, 4, 3, 2]);
    assert_eq!(
        packet,
        hex("0001 c000 000f 0000000000000000 1f40 05040302 b08e")
    );
}

#[test]
fn a_packet_that_does_not_match_its_error_control_is_refused() {
    let query = head(PayloadType::GraphQl, 100, 8020);
    let mut packet = build(&speaking(End::Ground), query, PING);
    *packet.last_mut().unwrap() ^= 1;
    let error = speaking(End::Satellite).parse(&packet).unwrap_err();
    let (found, computed) = (0xF44F, 0xF44E);
    assert_eq!(error, PacketError::ErrorControl { found, computed });
    assert_eq!(error.drop_reason(), DropReason::ErrorControl);
}

#[test]
fn both_ends_must_agree_on_error_control() {
    let query = head(PayloadType::GraphQl, 100, 8020);
    let without = build(&without_error_control(End::Ground), query, PING);
    let error = speaking(End::Satellite).parse(&without).unwrap_err();
    assert_eq!(error.drop_reason(), DropReason::ErrorControl);
}

#[test]
fn only_the_first_segment_carries_the_command_header() {
    let payload: Vec<u8> = (0..500_u16).map(|n| n as u8).collect();
    let query = head(PayloadType::GraphQl, 7, 8020);
    let (ground, satellite) = (speaking(End::Ground), speaking(End::Satellite));
    assert_eq!(ground.packet_count(&query, payload.len()), Ok(3));
    let packets: Vec<_> = (0..3)
        .map(|index| build_segment(&ground, query, &payload, index, 40 + index as u16))
        .collect();
    let sizes: Vec<_> = packets.iter().map(Vec::len).collect();
    assert_eq!(sizes, [256, 256, 22]);
    let flags: Vec<_> = packets.iter().map(|packet| packet[2] >> 6).collect();
    assert_eq!(flags, [0b01, 0b00, 0b10]);

    let places = [Place::First(query), Place::Continuation, Place::Last];
    let mut gathered = Vec::new();
    for (index, packet) in packets.iter().enumerate() {
        let (segment, surplus_bytes) = read_segment(&satellite, packet);
        assert_eq!(segment.place, places[index]);
        assert_eq!(segment.count, 40 + index as u16);
        assert_eq!(segment.channel, 0);
        assert_eq!(surplus_bytes, 0);
        let data_start = if index == 0 { 16 } else { 6 };
        assert_eq!(segment.data, data_start..packet.len() - 2);
        gathered.extend_from_slice(&packet[segment.data]);
    }
    assert_eq!(gathered, payload);
}

#[test]
fn a_payload_that_just_fits_is_unsegmented() {
    let query = head(PayloadType::GraphQl, 7, 8020);
    let ground = speaking(End::Ground);
    let data = PACKET_BYTES_MAX_DEFAULT - 6 - 10 - 2;
    assert_eq!(ground.packet_count(&query, data), Ok(1));
    assert_eq!(ground.packet_count(&query, data + 1), Ok(2));
    let packet = build(&ground, query, &vec![1; data]);
    assert_eq!(packet.len(), 256);
    let (segment, _) = read_segment(&speaking(End::Satellite), &packet);
    assert_eq!(segment.place, Place::Unsegmented(query));
}

#[test]
fn the_sequence_count_is_fourteen_bits() {
    let datagram = head(PayloadType::Udp, 0, 1);
    let format = speaking(End::Ground);
    for (given, sent) in [(0, 0), (16_383, 16_383), (16_384, 0), (65_535, 16_383)] {
        let packet = build_segment(&format, datagram, b"x", 0, given);
        let (segment, _) = read_segment(&speaking(End::Satellite), &packet);
        assert_eq!(segment.count, sent);
        assert_eq!(segment.place, Place::Unsegmented(datagram));
    }
}

#[test]
fn only_answers_longer_than_eight_packets_are_bulk() {
    let answer = head(PayloadType::GraphQl, 7, 8020);
    let bulk = Head {
        class: Class::Bulk,
        security: None,
        ..answer
    };
    let eight_packets = 8 * 248 - 10;
    let satellite = speaking(End::Satellite);
    assert_eq!(satellite.packet_count(&answer, eight_packets), Ok(8));
    assert_eq!(satellite.classify(answer, eight_packets), answer);
    assert_eq!(satellite.classify(answer, eight_packets + 1), bulk);
    assert_eq!(satellite.channel_of(&answer), 0);
    assert_eq!(satellite.channel_of(&bulk), 4);

    let ground = speaking(End::Ground);
    assert_eq!(ground.classify(answer, 1 << 20), answer);
    let datagram = head(PayloadType::Udp, 0, 1);
    assert_eq!(satellite.classify(datagram, 60_000), datagram);
}

#[test]
fn a_bulk_answer_is_known_as_bulk_at_the_other_end() {
    let bulk = Head {
        class: Class::Bulk,
        security: None,
        ..head(PayloadType::GraphQl, 7, 8020)
    };
    let packet = build_segment(&speaking(End::Satellite), bulk, &[0; 3000], 0, 0);
    let (segment, _) = read_segment(&speaking(End::Ground), &packet);
    assert_eq!((segment.channel, segment.place), (4, Place::First(bulk)));
}

#[test]
fn where_the_map_has_no_bulk_apid_bulk_takes_the_standard_one() {
    let kubos = SpacePacketFormat {
        apids: ApidMap::preset("kubos").unwrap(),
        ..speaking(End::Satellite)
    };
    let bulk = kubos.classify(head(PayloadType::GraphQl, 7, 8020), 100_000);
    assert_eq!((bulk.class, kubos.channel_of(&bulk)), (Class::Bulk, 0));
}

#[test]
fn apid_2047_is_idle_in_both_directions() {
    let idle = hex("07ff c000 0003 00000000 dddd");
    for format in [speaking(End::Satellite), without_error_control(End::Ground)] {
        let parsed = format.parse(&idle).unwrap();
        assert_eq!(parsed.content, Content::Idle);
        assert_eq!(parsed.surplus_bytes, 2);
    }
}

#[test]
fn an_idle_packet_with_a_secondary_header_is_refused() {
    let idle = hex("0fff c000 0003 00000000");
    let refused = PacketError::SecondaryHeader { apid: IDLE_APID };
    assert_eq!(speaking(End::Ground).parse(&idle), Err(refused));
}

#[test]
fn an_echo_of_what_this_end_sends_is_refused() {
    let query = head(PayloadType::GraphQl, 100, 8020);
    for (end, packet_type) in [(End::Ground, 1), (End::Satellite, 0)] {
        let own = build(&speaking(end), query, PING);
        let refused = PacketError::Direction { packet_type };
        assert_eq!(speaking(end).parse(&own), Err(refused));
    }
}

#[test]
fn a_secondary_header_is_refused() {
    let octets = hex("1800 c000 001b 0000000000000064 1f54 7b227175657279223a227b70696e677d227d");
    let refused = PacketError::SecondaryHeader { apid: 0 };
    assert_eq!(
        without_error_control(End::Satellite).parse(&octets),
        Err(refused)
    );
}

#[test]
fn an_apid_in_no_map_is_refused() {
    let octets = hex("1006 c000 000a 0000000000000064 1f54 7b");
    let refused = PacketError::UnknownApid { apid: 6 };
    assert_eq!(
        without_error_control(End::Satellite).parse(&octets),
        Err(refused)
    );
}

#[test]
fn a_version_other_than_the_first_is_refused() {
    let octets = hex("3000 c000 000a 0000000000000064 1f54 7b");
    let refused = PacketError::Version { version: 1 };
    assert_eq!(
        without_error_control(End::Satellite).parse(&octets),
        Err(refused)
    );
}

#[test]
fn fewer_octets_than_declared_or_than_the_headers_are_refused() {
    let whole = hex("1000 c000 000a 0000000000000064 1f54 7b");
    let satellite = without_error_control(End::Satellite);
    for bytes in 0..6 {
        let bytes_min = 7;
        let refused = PacketError::TooShort { bytes, bytes_min };
        assert_eq!(satellite.parse(&whole[..bytes]), Err(refused));
    }
    for found in 6..17 {
        let declared = 17;
        let refused = PacketError::Length { declared, found };
        assert_eq!(satellite.parse(&whole[..found]), Err(refused));
    }
    assert!(satellite.parse(&whole).is_ok());
}

#[test]
fn a_first_segment_without_room_for_the_command_header_is_refused() {
    for flags in ["c000", "4000"] {
        let octets = hex(&format!("1000 {flags} 0008 0000000000000064 1f"));
        let refused = PacketError::TooShort {
            bytes: 15,
            bytes_min: 16,
        };
        assert_eq!(
            without_error_control(End::Satellite).parse(&octets),
            Err(refused)
        );
    }
}

#[test]
fn octets_after_the_declared_end_are_cut_off_and_counted() {
    let query = head(PayloadType::GraphQl, 100, 8020);
    let mut packet = build(&speaking(End::Ground), query, PING);
    packet.extend_from_slice(&[0; 4]);
    let (segment, surplus_bytes) = read_segment(&speaking(End::Satellite), &packet);
    assert_eq!(&packet[segment.data], PING);
    assert_eq!(surplus_bytes, 4);
}

#[test]
fn a_cfdp_pdu_travels_bare() {
    let pdu = hex("24 00 0e 11 0001 0005 0002 00 00000000 00000000 deadbe");
    let head = head(PayloadType::Cfdp, 99, 99);
    let packet = build(&without_error_control(End::Satellite), head, &pdu);
    assert_eq!(packet[..2], [0x00, 0x02]);
    assert_eq!(packet[6..], pdu);

    let ground = without_error_control(End::Ground);
    let (segment, _) = read_segment(&ground, &packet);
    let bare = crate::octets::head(PayloadType::Cfdp, 0, 0);
    assert_eq!(segment.place, Place::Unsegmented(bare));
    assert_eq!(segment.data, 6..packet.len());
}

#[test]
fn the_eof_pdu_of_the_book_is_built_as_it_says() {
    let pdu = hex("20 000a 00 01 03 02  04 00 00000000 00000000");
    let head = head(PayloadType::Cfdp, 0, 0);
    let packet = build(&speaking(End::Ground), head, &pdu);
    let book = "1002 c000 0012  20 000a 00 01 03 02  04 00 00000000 00000000  1952";
    assert_eq!(packet, hex(book));
}

#[test]
fn a_cfdp_pdu_is_never_segmented() {
    let head = head(PayloadType::Cfdp, 0, 0);
    let satellite = speaking(End::Satellite);
    assert_eq!(satellite.packet_count(&head, 248), Ok(1));
    let refused = PacketError::TooLarge {
        bytes: 249,
        bytes_max: 248,
        format: "space-packet",
    };
    assert_eq!(satellite.packet_count(&head, 249), Err(refused));

    for (flags, third) in [(0b00, "0000"), (0b01, "4000"), (0b10, "8000")] {
        let octets = hex(&format!("0002 {third} 0001 abcd"));
        let refused = PacketError::SequenceFlags { flags };
        assert_eq!(
            without_error_control(End::Ground).parse(&octets),
            Err(refused)
        );
    }
}

#[test]
fn a_space_packet_without_any_data_cannot_be_sent() {
    let head = head(PayloadType::Cfdp, 0, 0);
    let refused = without_error_control(End::Satellite).packet_count(&head, 0);
    assert_eq!(refused.unwrap_err().drop_reason(), DropReason::NotCarried);
    assert_eq!(speaking(End::Satellite).packet_count(&head, 0), Ok(1));
}

#[test]
fn a_udp_message_larger_than_a_datagram_is_refused() {
    let datagram = head(PayloadType::Udp, 0, 1);
    let ground = speaking(End::Ground);
    assert!(ground.packet_count(&datagram, 65_507).is_ok());
    let refused = PacketError::TooLarge {
        bytes: 65_508,
        bytes_max: 65_507,
        format: "space-packet",
    };
    assert_eq!(ground.packet_count(&datagram, 65_508), Err(refused));
}

#[test]
fn payload_types_that_only_another_format_has_are_refused() {
    let exchange = head(PayloadType::UdpExchange, 1, 1);
    let error = speaking(End::Ground)
        .packet_count(&exchange, 1)
        .unwrap_err();
    assert_eq!(error.drop_reason(), DropReason::NotCarried);
}

#[test]
fn the_largest_space_packet_there_can_be_goes_through() {
    let format = |end| SpacePacketFormat {
        packet_bytes_max: usize::MAX,
        ..speaking(end)
    };
    let query = head(PayloadType::GraphQl, 1, 8020);
    let payload = vec![0xA5; 65_542 - 18];
    assert_eq!(format(End::Ground).packet_count(&query, 65_525), Ok(2));
    let packet = build(&format(End::Ground), query, &payload);
    assert_eq!(packet.len(), 65_542);
    assert_eq!(packet[4..6], [0xFF, 0xFF]);
    let (segment, _) = read_segment(&format(End::Satellite), &packet);
    assert_eq!(&packet[segment.data], payload);
}

#[test]
fn a_command_id_is_never_zero() {
    let ground = speaking(End::Ground);
    assert_eq!(ground.command_id(0), 1);
    assert_eq!(ground.command_id(u64::MAX), u64::MAX);
}

#[test]
fn each_preset_of_the_apid_map_means_what_its_name_says() {
    let apids = |preset: &str| {
        let map = ApidMap::preset(preset).unwrap();
        let apid = |payload_type, class| map.apid(payload_type, class);
        [
            apid(PayloadType::GraphQl, Class::Standard),
            apid(PayloadType::Udp, Class::Standard),
            apid(PayloadType::Cfdp, Class::Standard),
            apid(PayloadType::Udp, Class::Bulk),
            apid(PayloadType::GraphQl, Class::Bulk),
            apid(PayloadType::LinkControl, Class::Standard),
        ]
    };
    let default = [Some(0), Some(1), Some(2), Some(3), Some(4), Some(5)];
    assert_eq!(apids("default"), default);
    let kubos = [Some(0), Some(1), None, Some(1), Some(0), None];
    assert_eq!(apids("kubos"), kubos);
    let gateway = [Some(1), Some(0), None, Some(0), Some(1), None];
    assert_eq!(apids("kubos-gateway"), gateway);
    let unknown = ApidMapError::UnknownPreset("kubo".to_string());
    assert_eq!(ApidMap::preset("kubo"), Err(unknown));
}

#[test]
fn entries_of_the_apid_map_can_be_moved_but_not_onto_each_other() {
    let mut map = ApidMap::default();
    map.set("graphql", 2046).unwrap();
    assert_eq!(map.check(), Ok(()));
    assert_eq!(map.channel(0), None);
    let channel = map.channel(2046).unwrap();
    assert_eq!(channel.payload_type, PayloadType::GraphQl);

    map.set("udp", 2046).unwrap();
    assert_eq!(map.check(), Err(ApidMapError::Twice(2046)));

    for apid in [-1, 2047, 2048, 65_536, i64::MAX] {
        let name = "udp".to_string();
        let refused = ApidMapError::OutOfRange { name, apid };
        assert_eq!(map.set("udp", apid), Err(refused));
    }
    let unknown = ApidMapError::UnknownName("gql".to_string());
    assert_eq!(map.set("gql", 1), Err(unknown));
}
