//! UDP messages: up to a service without an answer, down from an app.

use comms_service::LinkOptions;
use comms_service::PacketFormat;
use comms_service::accounting::DropReason;
use comms_service::link::{CommandFailure, LinkConfig};
use comms_service::message::{End, PayloadType};
use comms_service::packet::{ApidMap, SpacePacketFormat};

use crate::rig::{
    DOWNLINK_PORT, Outcome, Rig, Socket, dropped, failure, head, octets, satellite_config, segments,
};

#[test]
fn a_udp_message_goes_to_its_port_and_is_done_when_write_took_it() {
    let mut rig = Rig::space_packet();
    let payload = octets(1000);
    rig.ask(PayloadType::Udp, 7, 8000, &payload);
    for _ in 0..5 {
        assert_eq!(rig.outcomes, []);
        let packet = rig.transmit(End::Ground).unwrap();
        rig.hear(End::Satellite, packet);
    }
    assert_eq!(rig.outcomes, [Outcome::Sent(7)]);
    assert_eq!(rig.datagrams, [(8000, payload)]);
    assert_eq!(rig.satellite().messages_in.delivered, 1);
    assert_eq!(rig.carry_down(), 0);
    rig.assert_idle();
}

#[test]
fn an_empty_udp_message_is_a_datagram_too() {
    let mut rig = Rig::space_packet();
    rig.ask(PayloadType::Udp, 7, 8000, b"");
    rig.carry_up();
    assert_eq!(rig.datagrams, [(8000, Vec::new())]);
    rig.app_sends(0, b"");
    rig.carry_down();
    assert_eq!(rig.heard.len(), 1);
}

#[test]
fn udp_messages_arrive_in_the_order_they_were_sent() {
    let mut rig = Rig::space_packet();
    for number in 1..=200_u16 {
        let payload = octets(usize::from(number) * 5);
        rig.ask(PayloadType::Udp, u64::from(number), number, &payload);
    }
    rig.carry_up();
    let ports: Vec<_> = rig.datagrams.iter().map(|(port, _)| *port).collect();
    assert!(ports.into_iter().eq(1..=200));
}

#[test]
fn a_datagram_goes_down_with_the_port_of_its_endpoint_and_id_zero() {
    let mut rig = Rig::space_packet();
    let payload = octets(1000);
    rig.app_sends(0, &payload);
    assert_eq!(rig.carry_down(), 5);
    let unasked = head(PayloadType::Udp, 0, DOWNLINK_PORT);
    assert_eq!(rig.heard, [(unasked, payload)]);
    rig.assert_idle();
}

#[test]
fn each_endpoint_feeds_its_own_write() {
    let mut rig = Rig::with_satellite(LinkConfig {
        writes: 2,
        downlink_ports: vec![DOWNLINK_PORT, DOWNLINK_PORT + 1],
        ..satellite_config()
    });
    rig.app_sends(1, b"by the second");
    assert_eq!(rig.transmit(End::Satellite), None);
    let packet = rig.begin_write(End::Satellite, 1).unwrap();
    rig.end_write(End::Satellite, 1, Ok(()));
    rig.hear(End::Ground, packet);
    assert_eq!(rig.heard[0].0.port, DOWNLINK_PORT + 1);
    rig.assert_idle();
}

#[test]
fn a_datagram_by_an_endpoint_that_does_not_exist_is_nothing() {
    let mut rig = Rig::space_packet();
    rig.app_sends(1, b"?");
    assert_eq!(rig.satellite().messages_out.offered, 0);
    rig.assert_idle();
}

#[test]
fn a_socket_that_does_not_take_a_datagram_is_counted() {
    let mut rig = Rig::space_packet();
    for reason in [DropReason::SocketBusy, DropReason::ServiceUnreachable] {
        rig.socket = Socket::Refuses(failure(reason, "port 8000: no"));
        rig.ask(PayloadType::Udp, 7, 8000, b"x");
        rig.carry_up();
        assert_eq!(rig.satellite().messages_in.dropped.of(reason), 1);
    }
    assert_eq!(rig.carry_down(), 0);
    rig.assert_idle();
}

#[test]
fn a_datagram_stays_in_flight_until_the_socket_took_it() {
    let mut rig = Rig::space_packet();
    rig.socket = Socket::Stalls;
    rig.ask(PayloadType::Udp, 7, 8000, b"x");
    rig.carry_up();
    assert_eq!(rig.satellite().messages_in.in_flight, 1);
    rig.on(End::Satellite, |link, _| link.handle_datagram_sent(Ok(())));
    assert_eq!(rig.satellite().messages_in.delivered, 1);
    rig.assert_idle();
}

#[test]
fn the_largest_datagram_goes_up_and_one_octet_more_is_refused() {
    let mut rig = Rig::space_packet();
    rig.ask(PayloadType::Udp, 7, 8000, &octets(65_507));
    rig.carry_up();
    assert_eq!(rig.datagrams[0].1.len(), 65_507);
    rig.ask(PayloadType::Udp, 8, 8000, &octets(65_508));
    match &rig.outcomes[1] {
        Outcome::Failed(8, CommandFailure::NotCarried(text)) => {
            assert!(text.contains("65508"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    rig.assert_idle();
}

#[test]
fn a_udp_message_that_no_socket_could_send_is_dropped_on_arrival() {
    let mut rig = Rig::space_packet();
    // A sender with another map puts a long query on what is UDP to us.
    let foreign = SpacePacketFormat {
        apids: ApidMap::preset("kubos-gateway").unwrap(),
        ..SpacePacketFormat::new(End::Ground)
    };
    let long = head(PayloadType::GraphQl, 7, 8000);
    let packets = segments(&foreign, long, &octets(65_508), 0);
    rig.hear_all(End::Satellite, packets);
    assert_eq!(rig.datagrams, []);
    let too_large = DropReason::TooLarge;
    assert_eq!(dropped(&rig.satellite().messages_in), [(too_large, 1)]);
    rig.assert_idle();
}

#[test]
fn a_datagram_too_large_for_the_format_is_counted() {
    let options = LinkOptions {
        format: PacketFormat::Udp,
        ..LinkOptions::default()
    };
    let mut rig = Rig::with_options(satellite_config(), &options);
    rig.app_sends(0, &octets(65_499));
    rig.app_sends(0, &octets(65_500));
    assert_eq!(rig.carry_down(), 1);
    assert_eq!(rig.heard[0].1.len(), 65_499);
    let too_large = DropReason::TooLarge;
    assert_eq!(dropped(&rig.satellite().messages_out), [(too_large, 1)]);
    assert!(rig.satellite().errors[0].contains("65500"));
    rig.assert_idle();
}

#[test]
fn a_datagram_larger_than_a_message_may_be_is_dropped_on_board() {
    let mut rig = Rig::with_satellite(LinkConfig {
        message_bytes_max: 1000,
        ..satellite_config()
    });
    rig.app_sends(0, &octets(1001));
    assert_eq!(rig.carry_down(), 0);
    assert_eq!(
        dropped(&rig.satellite().messages_out),
        [(DropReason::TooLarge, 1)]
    );
}
