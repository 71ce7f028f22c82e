//! Format `kubos`, octet for octet as KubOS ground tools speak it.

use comms_service::accounting::DropReason;
use comms_service::{LinkOptions, PacketFormat};
use heliograph_tests::hex;
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::udp::UdpPeer;

use crate::PATIENCE;
use crate::rig::{Radio, Satellite, Setup, error_document};

const PONG: &str = r#"{"data":{"ping":"pong"}}"#;

fn start(preset: Option<&str>) -> (Satellite, Radio) {
    Setup {
        downlink_ports: Some(vec![0]),
        options: LinkOptions {
            format: PacketFormat::Kubos,
            apid_preset: preset.map(str::to_owned),
            ..LinkOptions::default()
        },
        ..Setup::default()
    }
    .with_radio()
}

/// A packet that KubOS 1.23 built, sent to another port than it was built for.
fn readdressed(vector: &str, port: u16) -> Vec<u8> {
    let mut packet = hex::to_octets(vector);
    packet[14..16].copy_from_slice(&port.to_be_bytes());
    packet
}

/// The query `{ping}` with id 100.
fn ping(port: u16) -> Vec<u8> {
    let vector = "0000 0000 001c 0000000000000064 1f54 7b227175657279223a227b70696e677d227d";
    readdressed(vector, port)
}

/// The datagram "hi" with id 0x0102030405060708.
fn hi(port: u16) -> Vec<u8> {
    readdressed("0001 0000 000c 0102030405060708 1f4a 6869", port)
}

#[test]
fn a_query_is_posted_and_its_answer_repeats_the_id() {
    let service = HttpService::always(Reply::ok(PONG));
    let (_satellite, radio) = start(None);
    radio.send(ping(service.port()));
    let mut expected = hex::to_octets("0000 0000 0022 0000000000000064 0000");
    expected.extend_from_slice(PONG.as_bytes());
    assert_eq!(radio.expect(), expected);
    assert_eq!(service.requests()[0].body, br#"{"query":"{ping}"}"#);
}

#[test]
fn a_datagram_is_passed_on() {
    let service = UdpPeer::bind();
    let (_satellite, radio) = start(None);
    radio.send(hi(service.port()));
    assert_eq!(service.expect(PATIENCE).payload, b"hi");
}

#[test]
fn a_datagram_of_an_app_goes_down_with_id_and_port_zero() {
    let app = UdpPeer::bind();
    let (satellite, radio) = start(None);
    app.send_to(satellite.downlink_port(0), &[5, 4, 3, 2]);
    let expected = "0001 0000 000e 0000000000000000 0000 05040302";
    assert_eq!(radio.expect(), hex::to_octets(expected));
}

#[test]
fn an_empty_query_is_posted() {
    let service = HttpService::always(Reply::ok(""));
    let (_satellite, radio) = start(None);
    let empty = "0000 0000 000a 0000000000000000 0000";
    radio.send(readdressed(empty, service.port()));
    assert_eq!(radio.expect(), hex::to_octets(empty));
}

// The command id of KubOS's own client is always 0.
#[test]
fn the_same_packet_again_is_another_query() {
    let service = HttpService::always(Reply::ok(PONG));
    let (_satellite, radio) = start(None);
    let mut packet = ping(service.port());
    packet[6..14].fill(0);
    for _ in 0..3 {
        radio.send(packet.clone());
    }
    for _ in 0..3 {
        assert_eq!(radio.expect()[16..], *PONG.as_bytes());
    }
    assert_eq!(service.requests().len(), 3);
}

#[test]
fn a_query_with_the_header_bits_of_ccsds_is_served_alike() {
    let service = HttpService::always(Reply::ok(PONG));
    let (_satellite, radio) = start(None);
    let mut packet = ping(service.port());
    packet[0] |= 0x18;
    packet[2] = 0xC0;
    radio.send(packet);
    assert_eq!(radio.expect()[16..], *PONG.as_bytes());
}

// KubOS C3-20: nothing came down.
#[test]
fn a_query_that_fails_is_answered_with_an_error_document() {
    let service = HttpService::always(Reply::hang_up());
    let (_satellite, radio) = start(None);
    radio.send(ping(service.port()));
    let answer = radio.expect();
    assert_eq!(answer[6..14], 100_u64.to_be_bytes());
    assert_eq!(error_document(&answer[16..]).0, "heliograph/service-error");
}

// KubOS C3-24, V6: it sent a length field of zero.
#[test]
fn an_answer_too_large_for_the_length_field_becomes_an_error_document() {
    let service =
        HttpService::in_turn([Reply::ok(vec![b'x'; 65_526]), Reply::ok(vec![b'x'; 65_525])]);
    let (_satellite, radio) = start(None);
    radio.send(ping(service.port()));
    assert_eq!(
        error_document(&radio.expect()[16..]).0,
        "heliograph/too-large"
    );
    radio.send(ping(service.port()));
    let answer = radio.expect();
    assert_eq!((answer.len(), &answer[4..6]), (65_541, &[0xFF, 0xFF][..]));
}

#[test]
fn the_gateway_preset_swaps_the_payload_types() {
    let (service, graphql) = (UdpPeer::bind(), HttpService::always(Reply::ok(PONG)));
    let (_satellite, radio) = start(Some("kubos-gateway"));
    radio.send(ping(service.port()));
    assert_eq!(service.expect(PATIENCE).payload, br#"{"query":"{ping}"}"#);
    radio.send(hi(graphql.port()));
    let answer = radio.expect();
    assert_eq!(answer[..2], [0, 1]);
    assert_eq!(answer[16..], *PONG.as_bytes());
}

#[test]
fn packets_that_cannot_be_true_are_counted_and_the_next_is_served() {
    let service = HttpService::always(Reply::ok(PONG));
    let (satellite, radio) = start(None);
    let good = ping(service.port());
    // KubOS V8, V9 (its first part) and C3-21, and a first segment (C3-22).
    let foreign = hex::to_octets("ffff ffff ffff 0000000000000000 0000 7a7a");
    let mut first_segment = good.clone();
    first_segment[2] = 0x40;
    let bad = [
        (foreign, DropReason::Version),
        (good[..15].to_vec(), DropReason::TooShort),
        (good[..20].to_vec(), DropReason::Length),
        (first_segment, DropReason::SequenceFlags),
    ];
    for (packet, reason) in bad {
        radio.send(packet);
        radio.send(good.clone());
        assert_eq!(radio.expect()[16..], *PONG.as_bytes());
        let counted = satellite.statistics().packets_in;
        assert_eq!(counted.dropped.of(reason), 1, "{reason:?}: {counted:?}");
    }
}
