//! What telemetry says after something known has happened.

use comms_service::{CommsConfig, CommsTelemetry};
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::udp::UdpPeer;
use juniper::{EmptyMutation, EmptySubscription, RootNode, Variables, graphql_object};
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::rig::{Flight, Setup, free_udp_port};

/// One query answered, one datagram passed on, one query for a service that is
/// down, one beacon of two packets.
fn after_a_pass() -> Flight {
    let (service, app) = (UdpPeer::bind(), UdpPeer::bind());
    let graphql = HttpService::always(Reply::ok("pong"));
    let flight = Setup {
        downlink_ports: Some(vec![0]),
        ..Setup::default()
    }
    .flight();
    flight.ground.query(graphql.port(), b"{}");
    flight.ground.send(service.port(), b"hello");
    service.expect(PATIENCE);
    let down = graphql.port();
    drop(graphql);
    flight.ground.query(down, b"{}");
    app.send_to(flight.satellite.downlink_port(0), &[0; 300]);
    flight.ground.heard();
    flight.satellite.wait_until_drained();
    flight
}

fn telemetry(flight: &Flight) -> CommsTelemetry {
    let shared = flight.satellite.telemetry.lock();
    shared.expect("nobody panicked").clone()
}

// KubOS C3-27: it counted what it passed up as sent down, and more such.
#[test]
fn packets_are_counted_in_their_direction() {
    let flight = after_a_pass();
    let shown = telemetry(&flight);
    assert_eq!((shown.packets_up(), shown.packets_down()), (3, 4));
    assert_eq!(
        (shown.failed_packets_up(), shown.failed_packets_down()),
        (0, 0)
    );
}

#[test]
fn a_service_that_is_down_stands_in_the_errors() {
    let shown = telemetry(&after_a_pass());
    let errors = shown.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("is not there"), "{errors:?}");
}

#[test]
fn bad_packets_are_failed_packets_up() {
    let (satellite, radio) = Setup::default().with_radio();
    for _ in 0..3 {
        radio.send(*b"noise");
    }
    satellite.wait_until(|all| all.packets_in.offered == 3);
    let shown = satellite.telemetry.lock().expect("nobody panicked").clone();
    assert_eq!((shown.packets_up(), shown.failed_packets_up()), (0, 3));
    assert_eq!(shown.errors().len(), 3);
}

#[test]
fn messages_that_cannot_go_down_are_failed_packets_down() {
    let app = UdpPeer::bind();
    let (satellite, radio) = Setup {
        radio_bytes_max: Some(100),
        downlink_ports: Some(vec![0]),
        options: comms_service::LinkOptions {
            format: comms_service::PacketFormat::Kubos,
            ..Default::default()
        },
        ..Setup::default()
    }
    .with_radio();
    app.send_to(satellite.downlink_port(0), &[0; 85]);
    app.send_to(satellite.downlink_port(0), &[0; 84]);
    radio.expect();
    satellite.wait_until_drained();
    let shown = satellite.telemetry.lock().expect("nobody panicked").clone();
    assert_eq!((shown.packets_down(), shown.failed_packets_down()), (1, 1));
}

#[test]
fn telemetry_is_all_zero_before_the_start() {
    let shown = CommsTelemetry::default();
    assert_eq!((shown.packets_up(), shown.packets_down()), (0, 0));
    assert_eq!(shown.errors(), [""; 0]);
}

// KubOS C1-5: a reader that panicked took the uplink with it.
#[test]
fn a_reader_that_panics_with_telemetry_locked_stops_nothing() {
    let service = HttpService::always(Reply::ok("pong"));
    let flight = Flight::start();
    let shared = flight.satellite.telemetry.clone();
    let reader = std::thread::spawn(move || {
        let _locked = shared.lock();
        panic!("while reading telemetry");
    });
    assert!(reader.join().is_err());
    flight.ground.ask(free_udp_port(), b"{}");
    flight.ground.next_answer();
    assert_eq!(flight.ground.query(service.port(), b"{}"), b"pong");
}

#[test]
fn a_reader_that_holds_telemetry_delays_nothing() {
    let service = HttpService::always(Reply::ok("pong"));
    let flight = Flight::start();
    let _locked = flight.satellite.telemetry.lock();
    assert_eq!(flight.ground.query(service.port(), b"{}"), b"pong");
}

#[test]
fn notices_of_the_configuration_are_the_first_errors() {
    let text = "[radio.comms]\ntimeout = \"soon\"";
    let read = CommsConfig::from_toml(text, "radio", CommsConfig::default());
    let (config, options) = read.unwrap();
    let setup = Setup {
        options,
        ..Setup::default()
    };
    let (satellite, _radio) = setup.with_radio();
    let errors = satellite.statistics().errors;
    assert_eq!(errors, config.notices);
    assert!(
        errors[0].contains("[radio.comms] `timeout` is \"soon\""),
        "{errors:?}"
    );
}

/// A schema as a service's own would be.
struct Query(CommsTelemetry);

#[graphql_object]
impl Query {
    fn telemetry(&self) -> &CommsTelemetry {
        &self.0
    }
}

#[test]
fn telemetry_can_be_asked_by_graphql() {
    let flight = after_a_pass();
    let schema = RootNode::new(
        Query(telemetry(&flight)),
        EmptyMutation::<()>::new(),
        EmptySubscription::<()>::new(),
    );
    let query = "{ telemetry {
        packetsUp packetsDown failedPacketsUp failedPacketsDown errors
        accounting {
            uplinkMessages { offered delivered queued inFlight dropped { reason count } }
            downlinkPackets { delivered }
            downlinkClasses { class messages { offered delivered } bytesHeld }
            readErrors memoryBytesUsed answerBytesRemembered commandsRemembered stateFilesDamaged
        }
    } }";
    let (answer, errors) =
        juniper::execute_sync(query, None, &schema, &Variables::new(), &()).expect("it is valid");
    assert!(errors.is_empty(), "{errors:?}");
    let mut answer: Value = serde_json::to_value(answer).expect("JSON");
    let errors = answer["telemetry"]["errors"].take();
    assert_eq!(errors.as_array().map(Vec::len), Some(1));
    let expected = json!({
        "packetsUp": 3,
        "packetsDown": 4,
        "failedPacketsUp": 0,
        "failedPacketsDown": 0,
        "errors": null,
        "accounting": {
            "uplinkMessages": {
                "offered": 3,
                "delivered": 2,
                "queued": 0,
                "inFlight": 0,
                "dropped": [{ "reason": "service-unreachable", "count": 1 }],
            },
            "downlinkPackets": { "delivered": 4 },
            "downlinkClasses": [
                { "class": "response", "messages": { "offered": 2, "delivered": 2 }, "bytesHeld": 0 },
                { "class": "telemetry", "messages": { "offered": 1, "delivered": 1 }, "bytesHeld": 0 },
                { "class": "bulk", "messages": { "offered": 0, "delivered": 0 }, "bytesHeld": 0 },
            ],
            "readErrors": 0,
            "memoryBytesUsed": 4,
            "answerBytesRemembered": 4,
            "commandsRemembered": 2,
            "stateFilesDamaged": 0,
        },
    });
    assert_eq!(answer["telemetry"], expected);
}
