//! UDP messages for services: passed on in order, without an answer, and
//! without waiting for anything.

use std::net::Ipv4Addr;
use std::time::Duration;

use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::udp::UdpPeer;

use crate::PATIENCE;
use crate::rig::{Flight, Setup, bind_udp, free_udp_port, free_udp_range, query};

/// As many as a receive buffer holds in any case.
const BURST: u32 = 50;

// KubOS C3-15: it sent each from a thread of its own, in any order.
#[test]
fn two_thousand_datagrams_arrive_in_order() {
    let service = UdpPeer::bind();
    let flight = Flight::start();
    for burst in 0..2_000 / BURST {
        let numbers = || burst * BURST..(burst + 1) * BURST;
        for number in numbers() {
            flight.ground.send(service.port(), &number.to_be_bytes());
        }
        for number in numbers() {
            assert_eq!(service.expect(PATIENCE).payload, number.to_be_bytes());
        }
    }
}

#[test]
fn datagrams_of_all_sizes_arrive_unchanged() {
    let service = UdpPeer::bind();
    let flight = Flight::start();
    for size in [0, 1, 200, 4_096, 65_507] {
        let payload: Vec<u8> = (0..size).map(|number: usize| (number / 3) as u8).collect();
        flight.ground.send(service.port(), &payload);
        let received = service.expect(PATIENCE).payload;
        assert_eq!(received.len(), size);
        assert!(received == payload, "{size} octets were altered");
    }
}

#[test]
fn datagrams_come_from_a_handler_port() {
    let service = UdpPeer::bind();
    let ports = free_udp_range(4);
    let flight = Setup {
        handler_ports: ports.clone(),
        ..Setup::default()
    }
    .flight();
    flight.ground.send(service.port(), b"hello");
    let from = service.expect(PATIENCE).from;
    assert_eq!(from.ip(), Ipv4Addr::LOCALHOST);
    assert!(ports.contains(&from.port()), "{from} is not of {ports:?}");
    assert_eq!(flight.satellite.handler_addrs(), [from]);
}

#[test]
fn a_handler_port_that_is_taken_is_passed_over() {
    let service = UdpPeer::bind();
    let ports = free_udp_range(3);
    let _taken = bind_udp(*ports.start()).expect("it was free");
    let flight = Setup {
        handler_ports: ports.clone(),
        ..Setup::default()
    }
    .flight();
    flight.ground.send(service.port(), b"hello");
    assert_eq!(service.expect(PATIENCE).from.port(), ports.start() + 1);
}

#[test]
fn a_service_that_is_down_stops_nothing() {
    let service = UdpPeer::bind();
    let flight = Flight::start();
    let down = free_udp_port();
    for _ in 0..20 {
        flight.ground.send(down, b"anybody?");
        flight.ground.send(service.port(), b"hello");
        assert_eq!(service.expect(PATIENCE).payload, b"hello");
    }
}

#[test]
fn a_datagram_for_port_zero_is_counted_and_stops_nothing() {
    let service = UdpPeer::bind();
    let flight = Flight::start();
    flight.ground.send(0, b"nobody");
    flight.ground.send(service.port(), b"hello");
    assert_eq!(service.expect(PATIENCE).payload, b"hello");
    let counted = flight.satellite.wait_until_drained().messages_in;
    assert_eq!((counted.offered, counted.delivered), (2, 1));
}

#[test]
fn a_datagram_does_not_wait_for_queries_that_hang() {
    let hanging = HttpService::always(Reply::silence());
    let service = UdpPeer::bind();
    let flight = Setup {
        handlers: 2,
        timeout: Duration::from_secs(1),
        ..Setup::default()
    }
    .flight();
    for number in 0..6 {
        flight.ground.ask(hanging.port(), &query(number));
    }
    hanging.wait_for_requests(2, PATIENCE);
    flight.ground.send(service.port(), b"hello");
    service.expect(PATIENCE);
    // The service may have it a moment before it is booked; a query that hangs
    // would hold it up for a second.
    let booked = flight
        .satellite
        .wait_until(|all| all.messages_in.delivered == 1);
    assert_eq!(booked.messages_in.in_flight, 2, "{booked:?}");
}
