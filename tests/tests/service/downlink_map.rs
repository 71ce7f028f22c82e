//! The map of downlink ports: any number of them for any `write`, each with its
//! class; and a radio that is not handed more than it can send.

use std::sync::Arc;
use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::link::QueueClass;
use comms_service::options::DownlinkOptions;
use comms_service::{CommsError, LinkOptions};
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::udp::UdpPeer;

use crate::rig::{Radio, Satellite, Setup};

fn with_map(map: Vec<DownlinkOptions>) -> Setup {
    Setup {
        options: LinkOptions {
            downlink: map,
            ..LinkOptions::default()
        },
        ..Setup::default()
    }
}

fn bulk(port: u16) -> DownlinkOptions {
    DownlinkOptions {
        class: QueueClass::Bulk,
        ..DownlinkOptions::new(port)
    }
}

fn start_error(setup: &Setup) -> String {
    let controls = setup.controls(
        Some(Arc::new(Radio::read)),
        vec![Arc::new(Radio::write)],
        Radio::pair().0,
    );
    match Satellite::try_start(setup.builder(controls)) {
        Err(CommsError::Config(text)) => text,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it starts"),
    }
}

#[test]
fn a_write_may_have_several_ports_and_the_plain_one_stays_the_first() {
    let app = UdpPeer::bind();
    let flight = Setup {
        downlink_ports: Some(vec![0]),
        ..with_map(vec![DownlinkOptions::new(0), bulk(0)])
    }
    .flight();
    for endpoint in 0..3 {
        let port = flight.satellite.downlink_port(endpoint);
        app.send_to(port, &[endpoint as u8; 9]);
        let heard = flight.ground.heard();
        assert_eq!((heard.port, heard.payload), (port, vec![endpoint as u8; 9]));
    }
    let classes = flight.satellite.statistics().classes_out;
    assert_eq!(classes.telemetry.messages.delivered, 2);
    assert_eq!(classes.bulk.messages.delivered, 1);
}

#[test]
fn a_map_alone_needs_no_plain_ports() {
    let app = UdpPeer::bind();
    let flight = with_map(vec![bulk(0)]).flight();
    assert_eq!(flight.satellite.downlink_addrs().len(), 1);
    app.send_to(flight.satellite.downlink_port(0), b"a piece of a file");
    assert_eq!(flight.ground.heard().payload, b"a piece of a file");
}

#[test]
fn a_port_of_the_map_that_is_a_plain_one_too_stops_the_start() {
    let setup = Setup {
        downlink_ports: Some(vec![13_911]),
        ..with_map(vec![bulk(13_911)])
    };
    let text = start_error(&setup);
    assert!(text.contains("port 13911 stands twice"), "{text}");
}

#[test]
fn a_port_of_the_map_for_a_write_that_is_not_there_stops_the_start() {
    let endpoint = DownlinkOptions {
        write: 1,
        ..DownlinkOptions::new(13_911)
    };
    let text = start_error(&with_map(vec![endpoint]));
    assert!(
        text.contains("downlink port 13911 feeds `write` 1"),
        "{text}"
    );
}

/// A radio that takes whatever it is handed, and is said to send at this rate.
fn paced(bit_rate_bps: u64) -> Setup {
    let mut setup = with_map(vec![bulk(0)]);
    setup.options.bit_rate_bps = Some(bit_rate_bps);
    setup
}

#[test]
fn an_answer_passes_a_long_datagram_though_the_radio_would_take_all_of_it_at_once() {
    let app = UdpPeer::bind();
    let service = HttpService::always(Reply::ok("pong"));
    let flight = paced(4_800).flight();
    // Eight frames, each 0.4 s on the air.
    app.send_to(flight.satellite.downlink_port(0), &[7; 1_900]);
    flight
        .satellite
        .wait_until(|all| all.packets_out.delivered >= 1);
    assert_eq!(flight.ground.query(service.port(), b"{}"), b"pong");
    let bulk = flight.satellite.statistics().classes_out.bulk;
    assert_eq!(bulk.messages.in_flight, 1, "it went before the answer");
    assert_eq!(flight.ground.heard().payload.len(), 1_900);
}

#[test]
fn pacing_does_not_stretch_a_stop() {
    let app = UdpPeer::bind();
    let setup = Setup {
        timeout: Duration::from_millis(500),
        // A packet takes a quarter of an hour.
        ..paced(2)
    };
    let (satellite, _radio) = setup.with_radio();
    app.send_to(satellite.downlink_port(0), &[7; 1_900]);
    satellite.wait_until(|all| all.packets_out.delivered == 1);
    let landing = satellite.shut_down();
    assert!(landing.took < Duration::from_secs(5), "{:?}", landing.took);
    assert_eq!(landing.report.detached, [""; 0]);
    let dropped = &landing.report.statistics.messages_out.dropped;
    assert_eq!(dropped.of(DropReason::Shutdown), 1);
}
