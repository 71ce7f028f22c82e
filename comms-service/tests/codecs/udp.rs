//! Format `udp` against datagrams whose checksums KubOS and others computed.

use std::net::Ipv4Addr;

use comms_service::accounting::DropReason;
use comms_service::message::{End, PayloadType};
use comms_service::packet::{LinkPacket, PacketError, UdpFormat};

use crate::octets::{build, head, hex, read_message};

/// 9001 → 8020 "{ping}".
const UP: &str = "2329 1f54 000e dfa4 7b70696e677d";
/// 8020 → 9001.
const DOWN: &str = "1f54 2329 0020 c311 7b2264617461223a7b2270696e67223a22706f6e67227d7d";
/// 9001 → 8020 "abc".
const ODD: &str = "2329 1f54 000b 67a4 616263";

fn speaking(end: End) -> UdpFormat {
    UdpFormat {
        end,
        ground_ip: Ipv4Addr::new(192, 168, 8, 1),
        satellite_ip: Ipv4Addr::new(192, 168, 8, 2),
        ground_port: 9001,
        http_ports: Vec::new(),
        packet_bytes_max: None,
    }
}

fn refused_checksum(found: u16) -> PacketError {
    PacketError::Checksum { found }
}

#[test]
fn a_request_goes_up_as_a_datagram_from_the_askers_port() {
    for (vector, payload) in [(UP, &b"{ping}"[..]), (ODD, &b"abc"[..])] {
        let head = head(PayloadType::UdpExchange, 9001, 8020);
        let read = read_message(&speaking(End::Satellite), &hex(vector));
        assert_eq!(read, (head, payload.to_vec(), 0));
        assert_eq!(build(&speaking(End::Ground), head, payload), hex(vector));
    }
}

#[test]
fn an_answer_goes_down_from_the_services_port_to_the_askers() {
    let payload = br#"{"data":{"ping":"pong"}}"#;
    let answer = head(PayloadType::UdpExchange, 9001, 8020);
    assert_eq!(build(&speaking(End::Satellite), answer, payload), hex(DOWN));
    let asker = UdpFormat {
        ground_port: 9999,
        ..speaking(End::Ground)
    };
    assert_eq!(
        read_message(&asker, &hex(DOWN)),
        (answer, payload.to_vec(), 0)
    );
}

#[test]
fn a_datagram_to_the_ground_port_is_unasked_and_has_no_command_id() {
    let payload = br#"{"data":{"ping":"pong"}}"#;
    let unasked = head(PayloadType::Udp, 0, 8020);
    assert_eq!(
        build(&speaking(End::Satellite), unasked, payload),
        hex(DOWN)
    );
    let read = read_message(&speaking(End::Ground), &hex(DOWN));
    assert_eq!(read, (unasked, payload.to_vec(), 0));
}

#[test]
fn ports_configured_as_http_are_graphql() {
    let http = UdpFormat {
        http_ports: vec![8020],
        ..speaking(End::Satellite)
    };
    let (read, _, _) = read_message(&http, &hex(UP));
    assert_eq!(read.payload_type, PayloadType::GraphQl);
}

#[test]
fn a_missing_checksum_is_refused() {
    let octets = hex("2329 1f54 000e 0000 7b70696e677d");
    let error = speaking(End::Satellite).parse(&octets).unwrap_err();
    assert_eq!(error, refused_checksum(0));
    assert_eq!(error.drop_reason(), DropReason::ErrorControl);
}

#[test]
fn a_missing_checksum_is_refused_also_where_the_sum_is_zero() {
    // Zero and its other form add up alike: only the field tells them apart.
    let octets = hex("2329 1f54 000a 0000 2c09");
    let refused = Err(refused_checksum(0));
    assert_eq!(speaking(End::Satellite).parse(&octets), refused);
}

#[test]
fn a_length_altered_on_the_way_fails_the_checksum() {
    let octets = hex("2329 1f54 ff0e dfa4 7b70696e677d");
    let refused = Err(refused_checksum(0xDFA4));
    assert_eq!(speaking(End::Satellite).parse(&octets), refused);
}

#[test]
fn a_length_that_was_never_true_is_refused_though_its_checksum_holds() {
    let octets = hex("2329 1f54 270f b8a3 7b70696e677d");
    let refused = PacketError::Length {
        declared: 9999,
        found: 14,
    };
    assert_eq!(speaking(End::Satellite).parse(&octets), Err(refused));
}

#[test]
fn fewer_octets_than_a_header_are_refused() {
    for bytes in 0..8 {
        let bytes_min = 8;
        let refused = PacketError::TooShort { bytes, bytes_min };
        assert_eq!(
            speaking(End::Satellite).parse(&hex(UP)[..bytes]),
            Err(refused)
        );
    }
}

#[test]
fn the_checksum_does_not_tell_up_from_down() {
    let swapped = UdpFormat {
        ground_ip: Ipv4Addr::new(192, 168, 8, 2),
        satellite_ip: Ipv4Addr::new(192, 168, 8, 1),
        ..speaking(End::Satellite)
    };
    assert_eq!(read_message(&swapped, &hex(UP)).1, b"{ping}");
}

#[test]
fn other_addresses_fail_the_checksum() {
    let elsewhere = UdpFormat {
        ground_ip: Ipv4Addr::LOCALHOST,
        ..speaking(End::Satellite)
    };
    assert_eq!(elsewhere.parse(&hex(UP)), Err(refused_checksum(0xDFA4)));
}

#[test]
fn a_sum_of_zero_is_sent_as_its_other_form() {
    // With these two octets the one's complement sum comes out as 0.
    let asked = head(PayloadType::UdpExchange, 9001, 8020);
    let packet = build(&speaking(End::Ground), asked, &[0x2C, 0x09]);
    assert_eq!(packet[6..8], [0xFF, 0xFF]);
    let read = read_message(&speaking(End::Satellite), &packet);
    assert_eq!(read, (asked, vec![0x2C, 0x09], 0));
}

#[test]
fn padding_after_the_declared_end_is_cut_off_and_counted() {
    let padded = [hex(UP), hex("aabbccdd")].concat();
    let (_, payload, surplus) = read_message(&speaking(End::Satellite), &padded);
    assert_eq!((payload.as_slice(), surplus), (&b"{ping}"[..], 4));
}

#[test]
fn what_no_datagram_can_carry_is_refused() {
    let ground = speaking(End::Ground);
    let asked = head(PayloadType::UdpExchange, 9001, 8020);
    assert_eq!(ground.packet_count(&asked, 65_499), Ok(1));
    let refused = PacketError::TooLarge {
        bytes: 65_500,
        bytes_max: 65_499,
        format: "udp",
    };
    assert_eq!(ground.packet_count(&asked, 65_500), Err(refused));

    let limited = UdpFormat {
        packet_bytes_max: Some(108),
        ..speaking(End::Ground)
    };
    assert_eq!(build(&limited, asked, &[0; 100]).len(), 108);
    assert!(limited.packet_count(&asked, 101).is_err());

    for payload_type in [PayloadType::Cfdp, PayloadType::LinkControl] {
        let refused = PacketError::NotCarried {
            what: payload_type.as_str(),
            format: "udp",
        };
        let head = head(payload_type, 1, 1);
        assert_eq!(ground.packet_count(&head, 1), Err(refused));
    }
    let id_too_large = head(PayloadType::UdpExchange, 65_536, 8020);
    let error = ground.packet_count(&id_too_large, 1).unwrap_err();
    assert_eq!(error.drop_reason(), DropReason::NotCarried);
}

#[test]
fn a_command_id_is_a_dynamic_port_other_than_the_grounds() {
    for ground_port in [49_152, 50_000, 65_534, 65_535, 9001] {
        let ground = UdpFormat {
            ground_port,
            ..speaking(End::Ground)
        };
        for random in (0..70_000).chain([u64::MAX]) {
            let id = ground.command_id(random);
            assert!((49_152..=65_535).contains(&id), "{id}");
            assert_ne!(id, u64::from(ground_port));
        }
    }
}
