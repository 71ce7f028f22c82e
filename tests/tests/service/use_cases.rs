//! The three ways of a message that the specification names.

use std::sync::Arc;

use comms_service::{CommsConfig, CommsControlBlock, CommsService};
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::udp::UdpPeer;

use crate::PATIENCE;
use crate::rig::{Flight, READ_TIMEOUT, Radio, Satellite, Setup};

const QUERY: &[u8] = br#"{"query":"{ping}"}"#;
const PONG: &[u8] = br#"{"data":{"ping":"pong"}}"#;

#[test]
fn a_query_of_the_ground_is_answered_by_its_service() {
    let service = HttpService::always(Reply::ok(PONG));
    let flight = Flight::start();
    assert_eq!(flight.ground.query(service.port(), QUERY), PONG);
}

#[test]
fn a_query_is_posted_as_it_is_to_the_root_of_its_service() {
    let service = HttpService::always(Reply::ok(PONG));
    let flight = Flight::start();
    // Neither spaces nor escapes nor what is no JSON at all is touched.
    let bodies: [&[u8]; 3] = [b" {\"query\" :\"{\\u0070ing}\"}\r\n", b"\xff\x00{", b""];
    for body in bodies {
        flight.ground.query(service.port(), body);
    }
    let requests = service.requests();
    let posted: Vec<_> = requests.iter().map(|request| &request.body[..]).collect();
    assert_eq!(posted, bodies);
    for request in &requests {
        assert_eq!((&*request.method, &*request.path), ("POST", "/"));
        assert_eq!(request.header("Content-Type"), Some("application/json"));
    }
}

#[test]
fn a_long_query_is_posted_whole() {
    let service = HttpService::always(Reply::ok(PONG));
    let flight = Flight::start();
    let body: Vec<u8> = (0..300_000_u32).map(|number| number as u8).collect();
    assert_eq!(flight.ground.query(service.port(), &body), PONG);
    assert!(service.requests()[0].body == body);
}

#[test]
fn a_query_that_is_sent_twice_is_posted_twice() {
    let service = HttpService::always(Reply::ok(PONG));
    let flight = Flight::start();
    flight.ground.query(service.port(), QUERY);
    flight.ground.query(service.port(), QUERY);
    let bodies: Vec<_> = service.requests().into_iter().map(|it| it.body).collect();
    assert_eq!(bodies, [QUERY, QUERY]);
}

#[test]
fn a_datagram_of_a_mission_app_comes_down() {
    let app = UdpPeer::bind();
    let flight = Setup {
        downlink_ports: Some(vec![0]),
        ..Setup::default()
    }
    .flight();
    let port = flight.satellite.downlink_port(0);
    app.send_to(port, b"beacon");
    let heard = flight.ground.heard();
    // KubOS C3-28: the ground can tell which endpoint it came by.
    assert_eq!((&heard.payload[..], heard.port), (&b"beacon"[..], port));
    assert_eq!(heard.command_id, 0);
}

#[test]
fn a_datagram_of_the_ground_is_answered_through_a_downlink_port() {
    let service = UdpPeer::bind();
    let flight = Setup {
        downlink_ports: Some(vec![0]),
        ..Setup::default()
    }
    .flight();
    flight.ground.send(service.port(), b"take a picture");
    assert_eq!(service.expect(PATIENCE).payload, b"take a picture");
    service.send_to(flight.satellite.downlink_port(0), b"taken");
    assert_eq!(flight.ground.heard().payload, b"taken");
}

#[test]
fn the_short_form_of_the_control_block_is_a_service_too() {
    let service = HttpService::always(Reply::ok(PONG));
    let (radio, other_end) = Radio::pair();
    let config = CommsConfig {
        handler_port_min: 0,
        handler_port_max: 0,
        ..CommsConfig::default()
    };
    let controls = CommsControlBlock::new(
        Some(Arc::new(Radio::read)),
        vec![Arc::new(Radio::write)],
        radio.clone(),
        radio,
        config,
    );
    let builder = CommsService::builder(controls.expect("both are addresses"));
    let flight = Flight {
        satellite: Satellite::start(builder.read_timeout(READ_TIMEOUT)),
        ground: Setup::default().ground(other_end),
    };
    assert_eq!(flight.ground.query(service.port(), QUERY), PONG);
}

// KubOS C4-33: its `write_conn` was documented as used for reading.
#[test]
fn read_and_write_have_connections_of_their_own() {
    let app = UdpPeer::bind();
    let (receiver, up) = Radio::pair();
    let (transmitter, down) = Radio::pair();
    let setup = Setup {
        downlink_ports: Some(vec![0]),
        ..Setup::default()
    };
    let mut controls = setup.controls(
        Some(Arc::new(Radio::read)),
        vec![Arc::new(Radio::write)],
        receiver,
    );
    controls.write_conn = transmitter;
    let satellite = Satellite::start(setup.builder(controls));
    up.send(*b"noise");
    satellite.wait_until(|all| all.packets_in.offered == 1);
    app.send_to(satellite.downlink_port(0), b"beacon");
    assert_eq!(down.expect()[16..22], *b"beacon");
}
