//! Downlink endpoints: whatever an app sends there goes down whole, or is
//! dropped for a reason that is counted.

use std::sync::Arc;

use comms_service::accounting::DropReason;
use comms_service::message::{End, PayloadType};
use comms_service::packet::{KubosFormat, UdpFormat};
use comms_service::{CommsResult, LinkOptions, PacketFormat};
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::udp::UdpPeer;

use crate::PATIENCE;
use crate::rig::{Flight, Radio, Satellite, Setup, bind_udp};

fn with_endpoint() -> Setup {
    Setup {
        downlink_ports: Some(vec![0]),
        ..Setup::default()
    }
}

fn octets(count: usize) -> Vec<u8> {
    (0..count).map(|number| (number / 5) as u8).collect()
}

#[test]
fn the_largest_datagram_there_is_goes_down_whole() {
    let app = UdpPeer::bind();
    let flight = with_endpoint().flight();
    app.send_to(flight.satellite.downlink_port(0), &octets(65_507));
    let heard = flight.ground.heard().payload;
    assert_eq!(heard.len(), 65_507);
    assert!(heard == octets(65_507), "it was altered");
}

#[test]
fn an_empty_datagram_goes_down() {
    let app = UdpPeer::bind();
    let flight = with_endpoint().flight();
    app.send_to(flight.satellite.downlink_port(0), b"");
    assert_eq!(flight.ground.heard().payload, b"");
}

#[test]
fn datagrams_go_down_in_order() {
    let app = UdpPeer::bind();
    let flight = with_endpoint().flight();
    let port = flight.satellite.downlink_port(0);
    for number in 0..200_u32 {
        app.send_to(port, &number.to_be_bytes());
    }
    for number in 0..200_u32 {
        assert_eq!(flight.ground.heard().payload, number.to_be_bytes());
    }
}

#[test]
fn no_packet_is_larger_than_the_radio_says() {
    let app = UdpPeer::bind();
    let (satellite, radio) = Setup {
        radio_bytes_max: Some(100),
        ..with_endpoint()
    }
    .with_radio();
    app.send_to(satellite.downlink_port(0), &octets(10_000));
    let mut received = 0;
    while received < 10_000 {
        let packet = radio.expect();
        assert!(packet.len() <= 100, "{} octets", packet.len());
        received += packet.len() - 8;
    }
    assert_eq!(received, 10_000 + 10);
}

/// Sends a datagram that is too large for the format, then one that is not;
/// gives the size of what came down.
fn largest_heard(setup: Setup, bytes_max: usize) -> usize {
    let app = UdpPeer::bind();
    let flight = setup.flight();
    let port = flight.satellite.downlink_port(0);
    app.send_to(port, &octets(bytes_max + 1));
    app.send_to(port, &octets(bytes_max));
    let heard = flight.ground.heard().payload.len();
    let counted = flight.satellite.wait_until_drained();
    assert_eq!(counted.messages_out.dropped.of(DropReason::TooLarge), 1);
    assert!(
        counted
            .errors
            .iter()
            .any(|error| error.contains("octets are more")),
        "{:?}",
        counted.errors
    );
    heard
}

// KubOS C3-24: it cut the length field, or failed in the radio.
#[test]
fn a_datagram_too_large_for_format_udp_is_dropped_and_counted() {
    let bytes_max = UdpFormat::PAYLOAD_BYTES_MAX;
    let setup = Setup {
        ground_port: Some(9001),
        options: LinkOptions {
            format: PacketFormat::Udp,
            ..LinkOptions::default()
        },
        ..with_endpoint()
    };
    assert_eq!(largest_heard(setup, bytes_max), bytes_max);
}

#[test]
fn a_datagram_too_large_for_the_radio_is_dropped_and_counted_in_format_kubos() {
    let setup = Setup {
        radio_bytes_max: Some(4_096),
        options: LinkOptions {
            format: PacketFormat::Kubos,
            ..LinkOptions::default()
        },
        ..with_endpoint()
    };
    assert_eq!(largest_heard(setup, 4_080), 4_080);
}

#[test]
fn the_largest_datagram_there_is_fits_into_format_kubos() {
    const { assert!(KubosFormat::PAYLOAD_BYTES_MAX >= 65_507) };
    let app = UdpPeer::bind();
    let flight = Setup {
        options: LinkOptions {
            format: PacketFormat::Kubos,
            ..LinkOptions::default()
        },
        ..with_endpoint()
    }
    .flight();
    app.send_to(flight.satellite.downlink_port(0), &octets(65_507));
    assert!(flight.ground.heard().payload == octets(65_507));
}

/// A service with three `write` functions, each with a radio of its own.
fn three_writes() -> (Satellite, [Radio; 3]) {
    let pairs = [(); 3].map(|()| Radio::pair());
    let setup = Setup {
        downlink_ports: Some(vec![0; 3]),
        ..Setup::default()
    };
    let mut controls = setup.controls(Some(Arc::new(Radio::read)), Vec::new(), pairs[0].0.clone());
    for (radio, _) in &pairs {
        let radio = radio.clone();
        let write = move |_: &Radio, packet: &[u8]| -> CommsResult<()> { radio.write(packet) };
        controls.write.push(Arc::new(write));
    }
    let satellite = Satellite::start(setup.builder(controls));
    (satellite, pairs.map(|(_, ground)| ground))
}

#[test]
fn each_endpoint_has_a_write_of_its_own() {
    let app = UdpPeer::bind();
    let (satellite, radios) = three_writes();
    for number in [2, 0, 1] {
        app.send_to(satellite.downlink_port(number), &[number as u8; 9]);
    }
    for (number, radio) in radios.iter().enumerate() {
        let packet = radio.expect();
        assert_eq!(packet[16..25], [number as u8; 9]);
    }
}

#[test]
fn answers_leave_by_the_first_write() {
    let service = HttpService::always(Reply::ok("pong"));
    let (satellite, [first, others @ ..]) = three_writes();
    let ground = Setup::default().ground(first);
    for _ in 0..5 {
        assert_eq!(ground.query(service.port(), b"{}"), b"pong");
    }
    satellite.wait_until_drained();
    assert!(others.iter().all(|radio| radio.receives.is_empty()));
}

#[test]
fn a_radio_that_hangs_does_not_hold_up_another() {
    let app = UdpPeer::bind();
    let (radio, ground) = Radio::pair();
    let (told, held) = crossbeam_channel::bounded::<()>(0);
    let setup = Setup {
        downlink_ports: Some(vec![0; 2]),
        ..Setup::default()
    };
    let mut controls = setup.controls(
        Some(Arc::new(Radio::read)),
        vec![Arc::new(Radio::write)],
        radio,
    );
    controls.write.push(Arc::new(move |_: &Radio, _: &[u8]| {
        let _ = held.recv();
        Ok(())
    }));
    let satellite = Satellite::start(setup.builder(controls));
    app.send_to(satellite.downlink_port(1), b"stuck");
    satellite.wait_until(|all| all.packets_out.in_flight == 1);
    app.send_to(satellite.downlink_port(0), b"passes");
    ground.expect();
    let passed = satellite.wait_until(|all| all.packets_out.delivered == 1);
    assert_eq!(passed.packets_out.in_flight, 1);
    drop(told);
}

#[test]
fn without_downlink_ports_there_is_no_endpoint() {
    let flight = Flight::start();
    assert_eq!(flight.satellite.downlink_addrs(), []);
}

#[test]
fn the_configured_port_is_the_endpoint() {
    let app = UdpPeer::bind();
    let port = crate::rig::free_udp_port();
    let flight = Setup {
        downlink_ports: Some(vec![port]),
        ..Setup::default()
    }
    .flight();
    assert!(bind_udp(port).is_err());
    app.send_to(port, b"beacon");
    assert_eq!(flight.ground.heard().port, port);
}

#[test]
fn a_radio_that_only_transmits_serves_its_endpoints() {
    let app = UdpPeer::bind();
    let (radio, other_end) = Radio::pair();
    let setup = with_endpoint();
    let controls = setup.controls(None, vec![Arc::new(Radio::write)], radio);
    let satellite = Satellite::start(setup.builder(controls));
    app.send_to(satellite.downlink_port(0), b"beacon");
    let packet = other_end.expect();
    assert_eq!(packet[16..22], *b"beacon");
}

/// So many datagrams before a `write` that takes none of them yet; gives the
/// service, and what lets the `write` go on.
fn congested(datagrams: usize) -> (Satellite, crossbeam_channel::Sender<()>) {
    let app = UdpPeer::bind();
    let (radio, _) = Radio::pair();
    let (told, held) = crossbeam_channel::bounded::<()>(0);
    let setup = Setup {
        options: LinkOptions {
            transmit_queue_messages_max: Some(4),
            ..LinkOptions::default()
        },
        ..with_endpoint()
    };
    let write = move |_: &Radio, _: &[u8]| {
        let _ = held.recv();
        Ok(())
    };
    let controls = setup.controls(Some(Arc::new(Radio::read)), vec![Arc::new(write)], radio);
    let satellite = Satellite::start(setup.builder(controls));
    for _ in 0..datagrams {
        app.send_to(satellite.downlink_port(0), b"beacon");
    }
    satellite.wait_until(|all| all.messages_out.offered == datagrams as u64);
    (satellite, told)
}

#[test]
fn datagrams_beyond_the_transmit_queue_are_dropped_and_counted() {
    let (satellite, told) = congested(10);
    let counted = satellite.statistics().messages_out;
    assert_eq!(counted.dropped.of(DropReason::QueueFull), 6);
    drop(told);
}

#[test]
fn what_waited_for_the_radio_leaves_when_it_is_free() {
    let (satellite, told) = congested(10);
    drop(told);
    assert_eq!(satellite.wait_until_drained().messages_out.delivered, 4);
}

#[test]
fn a_short_answer_passes_a_long_datagram() {
    let app = UdpPeer::bind();
    let service = HttpService::always(Reply::ok("pong"));
    let (radio, ground) = Radio::pair();
    let (permit, permits) = crossbeam_channel::unbounded::<()>();
    let setup = with_endpoint();
    let write = move |radio: &Radio, packet: &[u8]| {
        let _ = permits.recv();
        radio.write(packet)
    };
    let controls = setup.controls(Some(Arc::new(Radio::read)), vec![Arc::new(write)], radio);
    let satellite = Satellite::start(setup.builder(controls));
    app.send_to(satellite.downlink_port(0), &octets(50_000));
    satellite.wait_until(|all| all.messages_out.in_flight == 1);

    let format = setup.format(End::Ground);
    let head = comms_service::message::Head {
        payload_type: PayloadType::GraphQl,
        class: comms_service::message::Class::Standard,
        security: None,
        command_id: 7,
        port: service.port(),
    };
    let mut packet = Vec::new();
    format
        .build(&head, b"{}", 0, 0, &mut packet)
        .expect("it fits");
    ground.send(packet);
    satellite.wait_until(|all| all.messages_out.queued == 1);
    for _ in 0..3 {
        permit.send(()).expect("the write waits");
    }
    let packets = [(); 3].map(|()| ground.expect());
    let apids = packets.map(|packet| packet[1]);
    assert!(apids.contains(&0), "APIDs {apids:?}");
    drop(permit);
    service.wait_for_requests(1, PATIENCE);
}
