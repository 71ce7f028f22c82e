//! Format `kubos` against octets that KubOS itself made.

use comms_service::accounting::DropReason;
use comms_service::message::{End, PayloadType};
use comms_service::packet::{
    ApidMap, Content, DATAGRAM_BYTES_MAX, KubosFormat, LinkPacket, PacketError,
};

use crate::octets::{build, head, hex, read_message};

/// GraphQL, id 1294, port 15001.
const GRAPHQL: &str = "0000 0000 000f 000000000000050e 3a99 0504030201";
/// UDP, id 0x0102030405060708, port 8010, "hi".
const UDP: &str = "0001 0000 000c 0102030405060708 1f4a 6869";
/// GraphQL, id 100, port 8020.
const PING: &str = "0000 0000 001c 0000000000000064 1f54 7b227175657279223a227b70696e677d227d";
/// UDP, from a downlink endpoint.
const DOWNLINK: &str = "0001 0000 000e 0000000000000000 0000 05040302";
/// GraphQL, id 0, port 0, no payload.
const EMPTY: &str = "0000 0000 000a 0000000000000000 0000";
/// Made by the Python gateway, id 111, port 1500.
const GATEWAY: &str = "0001 0000 000f 000000000000006f 05dc 7175657279";

fn speaking(end: End, preset: &str) -> KubosFormat {
    KubosFormat {
        end,
        apids: ApidMap::preset(preset).unwrap(),
        packet_bytes_max: None,
    }
}

fn satellite() -> KubosFormat {
    speaking(End::Satellite, "kubos")
}

fn ground() -> KubosFormat {
    speaking(End::Ground, "kubos")
}

/// The satellite reads the octets as this, and the ground builds them of it.
fn goes_up(octets: &str, payload_type: PayloadType, command_id: u64, port: u16, payload: &[u8]) {
    let octets = hex(octets);
    let head = head(payload_type, command_id, port);
    assert_eq!(
        read_message(&satellite(), &octets),
        (head, payload.to_vec(), 0)
    );
    assert_eq!(build(&ground(), head, payload), octets);
}

#[test]
fn a_graphql_request_is_what_kubos_makes_of_it() {
    goes_up(
        GRAPHQL,
        PayloadType::GraphQl,
        1294,
        15_001,
        &[5, 4, 3, 2, 1],
    );
    let ping = br#"{"query":"{ping}"}"#;
    goes_up(PING, PayloadType::GraphQl, 100, 8020, ping);
}

#[test]
fn a_udp_message_is_what_kubos_makes_of_it() {
    goes_up(UDP, PayloadType::Udp, 0x0102_0304_0506_0708, 8010, b"hi");
}

#[test]
fn an_empty_payload_is_sixteen_octets() {
    goes_up(EMPTY, PayloadType::GraphQl, 0, 0, b"");
}

#[test]
fn the_gateways_octets_are_udp_to_kubos_and_graphql_to_the_gateway() {
    goes_up(GATEWAY, PayloadType::Udp, 111, 1500, b"query");
    let gateway = speaking(End::Satellite, "kubos-gateway");
    let meant = head(PayloadType::GraphQl, 111, 1500);
    let read = read_message(&gateway, &hex(GATEWAY));
    assert_eq!(read, (meant, b"query".to_vec(), 0));
    let ground = speaking(End::Ground, "kubos-gateway");
    assert_eq!(build(&ground, meant, b"query"), hex(GATEWAY));
}

#[test]
fn a_datagram_of_a_downlink_endpoint_goes_down_with_id_and_port_zero() {
    let payload = [5, 4, 3, 2];
    let from_endpoint = head(PayloadType::Udp, 0, 13_011);
    assert_eq!(build(&satellite(), from_endpoint, &payload), hex(DOWNLINK));
    let heard = head(PayloadType::Udp, 0, 0);
    let read = read_message(&ground(), &hex(DOWNLINK));
    assert_eq!(read, (heard, payload.to_vec(), 0));
}

#[test]
fn an_answer_goes_down_with_the_id_of_its_query_and_port_zero() {
    let answer = build(&satellite(), head(PayloadType::GraphQl, 100, 8020), b"{}");
    assert_eq!(answer, hex("0000 0000 000c 0000000000000064 0000 7b7d"));
    let empty = build(&satellite(), head(PayloadType::GraphQl, 0, 8020), b"");
    assert_eq!(empty, hex(EMPTY));
}

#[test]
fn a_payload_too_long_for_the_length_field_is_refused_not_wrapped() {
    let head = head(PayloadType::Udp, 0, 0);
    let largest = vec![7; 65_525];
    let packet = build(&ground(), head, &largest);
    assert_eq!(packet[4..6], [0xFF, 0xFF]);
    assert_eq!(read_message(&satellite(), &packet), (head, largest, 0));

    let refused = PacketError::TooLarge {
        bytes: 65_526,
        bytes_max: 65_525,
        format: "kubos",
    };
    assert_eq!(ground().packet_count(&head, 65_526), Err(refused.clone()));
    let built = ground().build(&head, &[7; 65_526], 0, 0, &mut Vec::new());
    assert_eq!(built, Err(refused));

    let mut wrapped = hex("0001 0000 0000 0000000000000000 0000");
    wrapped.extend_from_slice(&[7; 65_526]);
    let refused = PacketError::Length {
        declared: 6,
        found: 65_542,
    };
    assert_eq!(satellite().parse(&wrapped), Err(refused));
}

#[test]
fn a_length_field_below_ten_is_refused() {
    for field in 0..10_u8 {
        let mut octets = hex(UDP);
        octets[5] = field;
        let error = satellite().parse(&octets).unwrap_err();
        let declared = usize::from(field) + 6;
        assert_eq!(
            error,
            PacketError::Length {
                declared,
                found: 18
            }
        );
        assert_eq!(error.drop_reason(), DropReason::Length);
    }
}

#[test]
fn a_packet_cut_short_on_the_way_is_refused() {
    let whole = hex(PING);
    for end in 16..whole.len() {
        let refused = PacketError::Length {
            declared: whole.len(),
            found: end,
        };
        assert_eq!(satellite().parse(&whole[..end]), Err(refused));
    }
}

#[test]
fn fewer_octets_than_the_headers_are_refused() {
    for bytes in [0, 5, 6, 15] {
        let error = satellite().parse(&vec![0; bytes]).unwrap_err();
        let bytes_min = 16;
        assert_eq!(error, PacketError::TooShort { bytes, bytes_min });
        assert_eq!(error.drop_reason(), DropReason::TooShort);
    }
}

#[test]
fn sixteen_zero_octets_are_refused() {
    let refused = PacketError::Length {
        declared: 6,
        found: 16,
    };
    assert_eq!(satellite().parse(&[0; 16]), Err(refused));
}

#[test]
fn noise_that_kubos_takes_for_a_packet_is_refused() {
    let noise = hex("ffff ffff ffff 0000000000000000 0000 7a7a");
    let refused = PacketError::Version { version: 7 };
    assert_eq!(satellite().parse(&noise), Err(refused));
}

#[test]
fn padding_after_the_declared_end_is_cut_off_and_counted() {
    for vector in [GRAPHQL, UDP, PING, DOWNLINK, EMPTY, GATEWAY] {
        let plain = hex(vector);
        let (head, payload, _) = read_message(&satellite(), &plain);
        let padded = [plain, hex("00000000")].concat();
        assert_eq!(read_message(&satellite(), &padded), (head, payload, 4));
    }
}

#[test]
fn type_and_secondary_header_flag_are_not_looked_at() {
    let mut octets = hex(PING);
    for first in [0x00, 0x08, 0x10, 0x18] {
        octets[0] = first;
        for format in [satellite(), ground()] {
            assert_eq!(read_message(&format, &octets).0.command_id, 100);
        }
    }
}

#[test]
fn sequence_flags_of_a_segmented_message_are_refused() {
    let mut octets = hex(PING);
    for (flags, third) in [(0b01, 0x40), (0b10, 0x80)] {
        octets[2] = third;
        let refused = PacketError::SequenceFlags { flags };
        assert_eq!(satellite().parse(&octets), Err(refused));
    }
    octets[2] = 0xC0;
    assert!(satellite().parse(&octets).is_ok());
}

#[test]
fn apids_beyond_the_two_are_refused_and_2047_is_idle() {
    let mut octets = hex(PING);
    octets[1] = 2;
    let refused = PacketError::UnknownApid { apid: 2 };
    assert_eq!(satellite().parse(&octets), Err(refused));
    octets[..2].copy_from_slice(&[0x07, 0xFF]);
    assert_eq!(satellite().parse(&octets).unwrap().content, Content::Idle);
}

#[test]
fn payload_types_that_kubos_does_not_know_are_refused() {
    for payload_type in [
        PayloadType::Cfdp,
        PayloadType::LinkControl,
        PayloadType::UdpExchange,
    ] {
        let refused = PacketError::NotCarried {
            what: payload_type.as_str(),
            format: "kubos",
        };
        let head = head(payload_type, 1, 1);
        assert_eq!(ground().packet_count(&head, 1), Err(refused));
    }
}

#[test]
fn a_limit_of_the_radio_holds_and_without_one_the_default_of_256_does_not() {
    let head = head(PayloadType::GraphQl, 1, 8020);
    assert_eq!(ground().packet_count(&head, DATAGRAM_BYTES_MAX), Ok(1));
    let limited = KubosFormat {
        packet_bytes_max: Some(100),
        ..ground()
    };
    assert_eq!(build(&limited, head, &[0; 84]).len(), 100);
    let refused = PacketError::TooLarge {
        bytes: 85,
        bytes_max: 84,
        format: "kubos",
    };
    assert_eq!(limited.packet_count(&head, 85), Err(refused));
}

#[test]
fn the_serial_example_of_kubos_frames_a_packet_alike() {
    use radio_hal::kiss::{Command, Port, encode};
    let packet = build(
        &ground(),
        head(PayloadType::GraphQl, 0xC0, 8020),
        &[0xDB, 0x01],
    );
    let mut framed = Vec::new();
    encode(Port::ZERO, Command::Data, &packet, &mut framed);
    let expected = "c0 00 00000000000c 00000000000000 dbdc 1f54 dbdd 01 c0";
    assert_eq!(framed, hex(expected));
}
