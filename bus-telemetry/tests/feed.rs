//! What programs on board tell.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use bus_telemetry::{
    AttitudeMode, Board, BusState, Counters, FeedError, Missing, SNAPSHOT_OCTETS_MAX, Snapshot,
    Telemetry, TelemetryError, UdpFeed,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const AGE_MAX: Duration = Duration::from_secs(10);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn parse(snapshot: &Value) -> Result<Snapshot, FeedError> {
    Snapshot::parse(snapshot.to_string().as_bytes())
}

fn everything() -> Value {
    json!({
        "utc_s": {"value": 1_798_761_600.25, "age_s": 0.5},
        "inertial": {"value": {"r_eci_km": [1.0, 2.0, 7000.0], "v_eci_km_s": [7.5, 0.0, -1.0]}},
        "earth_fixed": {"value": {"r_ecef_km": [2.0, 1.0, 7000.0], "v_ecef_km_s": [7.0, 0.0, 1.0]}},
        "location": {"value": {"latitude_deg": -12.5, "longitude_deg": 179.0, "altitude_km": 512.0,
            "deviation": {"latitude_deg": 0.1, "longitude_deg": 0.2, "altitude_km": 0.01}}},
        "attitude": {"value": {"mode": "LATLONTRACK", "mode_commanded": "NADIRPOINTYAW",
            "body_from_eci": {"x": 0.0, "y": 0.6, "z": 0.0, "w": 0.8},
            "rates_deg_s": [0.0, -0.06, 0.0], "control_error_deg": 0.2,
            "target": {"latitude_deg": 50.0, "longitude_deg": 10.0}}},
        "eclipse": {"value": true},
        "power": {"value": {"battery_v": 7.9,
            "rails": [{"name": "5v", "on": true, "voltage_v": 5.02}]}},
        "thermal": {"value": {"sensors": [{"name": "panel", "temperature_c": -41.5}]}},
        "payload_server_c": {"value": -3.0, "age_s": 2.0},
    })
}

fn told(snapshot: &Value, at: Duration) -> BusState {
    let mut board = Board::new(AGE_MAX);
    board.put(parse(snapshot).unwrap(), at);
    board.state(at).unwrap()
}

#[test]
fn every_group_is_given_as_it_was_told() {
    let state = told(&everything(), seconds(100));
    let utc = state.utc.unwrap();
    assert_eq!(utc.value, Duration::from_millis(1_798_761_600_250));
    assert_eq!(utc.age, Duration::from_millis(500));
    assert_eq!(state.inertial.unwrap().value.r_eci_km, [1.0, 2.0, 7000.0]);
    assert_eq!(
        state.earth_fixed.unwrap().value.v_ecef_km_s,
        [7.0, 0.0, 1.0]
    );
    let location = state.location.unwrap().value;
    assert_eq!(location.latitude_deg, -12.5);
    assert_eq!(location.deviation.unwrap().longitude_deg, 0.2);
    let attitude = state.attitude.unwrap().value;
    assert_eq!(attitude.mode, AttitudeMode::LatLonTrack);
    assert_eq!(attitude.mode_commanded, Some(AttitudeMode::NadirPointYaw));
    assert_eq!(attitude.body_from_eci.unwrap().y, 0.6);
    assert!(state.eclipse.unwrap().value);
    let power = state.power.unwrap().value;
    assert_eq!(power.battery_v, Some(7.9));
    assert_eq!(power.rails[0].voltage_v, Some(5.02));
    assert_eq!(state.thermal.unwrap().value.sensors[0].temperature_c, -41.5);
    let server = state.payload_server_c.unwrap();
    assert_eq!((server.value, server.age), (-3.0, seconds(2)));
}

#[test]
fn the_datagram_of_the_documentation_is_taken() {
    let page = include_str!("../../docs/src/bus-telemetry.md");
    let (_, example) = page.split_once("```json\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    Snapshot::parse(example.as_bytes()).unwrap();
}

#[test]
fn what_was_not_told_is_unknown_and_not_zero() {
    let power = json!({"power": {"value": {"rails": [{"name": "5v"}]}}});
    let state = told(&power, seconds(1));
    let power = state.power.unwrap().value;
    assert_eq!(power.battery_v, None);
    assert_eq!(power.rails[0].current_a, None);
    assert_eq!(power.rails[0].on, None);
    assert_eq!(state.location, Err(Missing::Unknown));
    assert_eq!(state.eclipse, Err(Missing::Unknown));
    assert_eq!(state.payload_server_c, Err(Missing::Unknown));
}

#[test]
fn a_group_that_is_told_again_replaces_the_one_before_and_no_other() {
    let mut board = Board::new(AGE_MAX);
    board.put(parse(&everything()).unwrap(), seconds(100));
    let second = json!({"power": {"value": {"battery_v": 7.1}}});
    board.put(parse(&second).unwrap(), seconds(104));
    let state = board.state(seconds(105)).unwrap();
    let power = state.power.unwrap();
    assert_eq!((power.value.battery_v, power.age), (Some(7.1), seconds(1)));
    assert!(power.value.rails.is_empty());
    assert_eq!(state.eclipse.unwrap().age, seconds(5));
}

#[test]
fn what_is_too_old_is_refused_group_by_group_and_then_at_all() {
    let mut board = Board::new(AGE_MAX);
    assert_eq!(board.state(seconds(5)), Err(TelemetryError::Unavailable));
    board.put(
        parse(&json!({"eclipse": {"value": true}})).unwrap(),
        seconds(100),
    );
    let old = json!({"payload_server_c": {"value": 20.0, "age_s": 6.0}});
    board.put(parse(&old).unwrap(), seconds(100));

    let state = board.state(seconds(104)).unwrap();
    assert_eq!(state.payload_server_c.unwrap().age, AGE_MAX);
    let state = board.state(seconds(105)).unwrap();
    let (age, age_max) = (seconds(11), AGE_MAX);
    assert_eq!(state.payload_server_c, Err(Missing::Stale { age, age_max }));
    assert_eq!(state.eclipse.unwrap().age, seconds(5));
    assert_eq!(
        board.state(seconds(111)),
        Err(TelemetryError::Stale { age, age_max })
    );
}

#[test]
fn what_is_not_a_snapshot_is_refused_with_the_reason() {
    let malformed = |text: &str| match Snapshot::parse(text.as_bytes()) {
        Err(FeedError::Malformed(why)) => why,
        other => panic!("{text}: {other:?}"),
    };
    malformed("");
    malformed("[]");
    malformed(r#"{"eclipse": {"value": true}} {}"#);
    malformed(r#"{"eclipse": {"value": 1}}"#);
    malformed(r#"{"payload_server_c": {"value": 1e999}}"#);
    malformed(r#"{"payload_server_c": {"value": NaN}}"#);
    malformed(r#"{"eclipse": {"value": true}, "eclipse": {"value": false}}"#);
    malformed(r#"{"inertial": {"value": {"r_eci_km": [1, 2], "v_eci_km_s": [1, 2, 3]}}}"#);
    malformed(&"[".repeat(10_000));
    assert!(malformed(r#"{"eclipsed": {"value": true}}"#).contains("eclipsed"));
    assert!(malformed(r#"{"power": {"value": {"battery": 7}}}"#).contains("battery"));
    assert_eq!(parse(&json!({})), Err(FeedError::Empty));
    assert_eq!(parse(&json!({"eclipse": null})), Err(FeedError::Empty));
    let long = vec![b' '; SNAPSHOT_OCTETS_MAX + 1];
    assert_eq!(Snapshot::parse(&long), Err(FeedError::TooLong));
}

#[test]
fn a_value_that_no_spacecraft_has_is_refused() {
    let long = "x".repeat(33);
    let many = |key: &str, one: Value, most: usize| json!({"value": {key: vec![one; most + 1]}});
    let rail = json!({"name": "a"});
    let sensor = json!({"name": "a", "temperature_c": 0.0});
    let place = |latitude: f64, longitude: f64| {
        json!({"value": {
            "latitude_deg": latitude, "longitude_deg": longitude, "altitude_km": 500.0,
        }})
    };
    let attitude = |w: f64| json!({"value": {"mode": "NOOP", "body_from_eci": {"x": 0.0, "y": 0.0, "z": 0.0, "w": w}}});
    let cases = [
        ("latitude_deg", json!({"location": place(90.5, 0.0)})),
        ("longitude_deg", json!({"location": place(0.0, 181.0)})),
        ("age_s", json!({"eclipse": {"value": true, "age_s": -1.0}})),
        ("utc_s", json!({"utc_s": {"value": -1.0}})),
        (
            "payload_server_c",
            json!({"payload_server_c": {"value": -273.2}}),
        ),
        ("body_from_eci", json!({"attitude": attitude(0.0)})),
        ("rails", json!({"power": many("rails", rail, 32)})),
        ("sensors", json!({"thermal": many("sensors", sensor, 64)})),
        (
            "name",
            json!({"power": {"value": {"rails": [{"name": long}]}}}),
        ),
    ];
    for (wanted, snapshot) in cases {
        match parse(&snapshot) {
            Err(FeedError::OutOfRange { field, .. }) => assert_eq!(field, wanted),
            other => panic!("{wanted}: {other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn no_datagram_makes_the_parser_panic(octets: Vec<u8>) {
        let _ = Snapshot::parse(&octets);
    }

    #[test]
    fn no_change_of_a_snapshot_makes_the_parser_panic(
        place: prop::sample::Index,
        octet: u8,
        cut: prop::sample::Index,
    ) {
        let mut octets = everything().to_string().into_bytes();
        let place = place.index(octets.len());
        octets[place] = octet;
        octets.truncate(cut.index(octets.len()) + 1);
        if let Ok(snapshot) = Snapshot::parse(&octets) {
            let mut board = Board::new(AGE_MAX);
            board.put(snapshot, Duration::MAX);
            let _ = board.state(Duration::ZERO);
            let _ = board.state(Duration::MAX);
        }
    }

    #[test]
    fn what_is_accepted_is_in_range(latitude: f64, longitude: f64, celsius: f64) {
        let snapshot = json!({
            "location": {"value": {
                "latitude_deg": latitude, "longitude_deg": longitude, "altitude_km": 1.0,
            }},
            "payload_server_c": {"value": celsius},
        });
        if let Ok(snapshot) = parse(&snapshot) {
            let mut board = Board::new(AGE_MAX);
            board.put(snapshot, seconds(1));
            let state = board.state(seconds(1)).unwrap();
            prop_assert!(state.location.unwrap().value.latitude_deg.abs() <= 90.0);
            prop_assert!(state.payload_server_c.unwrap().value >= -273.15);
        }
    }
}

fn send(to: SocketAddr, datagram: &[u8]) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(datagram, to).unwrap();
}

/// Waits until `wanted` datagrams were dealt with.
fn counted(feed: &UdpFeed, wanted: u64) -> Counters {
    let patience = Instant::now() + seconds(20);
    loop {
        let counters = feed.counters();
        let Counters {
            accepted,
            too_long,
            malformed,
            empty,
            out_of_range,
            ..
        } = counters;
        if accepted + too_long + malformed + empty + out_of_range >= wanted {
            return counters;
        }
        assert!(Instant::now() < patience, "{counters:?}");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_sent_to_the_port_is_the_state() {
    let feed = UdpFeed::start(0, seconds(3600)).unwrap();
    assert!(feed.address().ip().is_loopback());
    assert_eq!(feed.state(seconds(0)), Err(TelemetryError::Unavailable));
    send(feed.address(), everything().to_string().as_bytes());
    counted(&feed, 1);
    let state = feed.state(seconds(0)).unwrap();
    assert_eq!(state.power.unwrap().value.battery_v, Some(7.9));
}

#[test]
fn each_datagram_that_is_dropped_is_counted_by_its_reason() {
    let feed = UdpFeed::start(0, seconds(3600)).unwrap();
    send(feed.address(), br#"{"eclipse": {"value": true}}"#);
    send(feed.address(), &[b' '; SNAPSHOT_OCTETS_MAX + 1]);
    send(feed.address(), b"{");
    send(feed.address(), b"");
    send(feed.address(), b"{}");
    send(feed.address(), br#"{"payload_server_c": {"value": -300}}"#);
    let counters = counted(&feed, 6);
    let expected = Counters {
        accepted: 1,
        too_long: 1,
        malformed: 2,
        empty: 1,
        out_of_range: 1,
        refused: 0,
        receive_failed: 0,
    };
    assert_eq!(counters, expected);
    assert!(feed.state(seconds(0)).unwrap().eclipse.unwrap().value);
}

#[test]
fn its_port_is_free_again_when_it_is_dropped() {
    let feed = UdpFeed::start(0, AGE_MAX).unwrap();
    let address = feed.address();
    assert!(UdpFeed::start(address.port(), AGE_MAX).is_err());
    drop(feed);
    UdpFeed::start(address.port(), AGE_MAX).unwrap();
}
