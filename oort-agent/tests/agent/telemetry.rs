//! Attitude, place and time.

use std::sync::Arc;
use std::time::Duration;

use bus_telemetry::{BusState, Orbit, Simulator, TelemetryError};
use oort_agent::telemetry::{OfBus, Telemetry, TelemetrySource};
use serde_json::json;

use crate::rig::NOW;

fn now() -> Duration {
    Duration::from_secs(NOW)
}

fn simulated() -> OfBus {
    let orbit = Orbit::example().with_epoch(now());
    OfBus::new(Arc::new(Simulator::new(orbit))).at(now)
}

fn length(of: &serde_json::Value, keys: [&str; 3]) -> f64 {
    keys.map(|key| of[key].as_f64().unwrap().powi(2))
        .iter()
        .sum::<f64>()
        .sqrt()
}

#[test]
fn a_simulated_spacecraft_is_on_its_orbit_at_the_time_of_the_clock() {
    let bus = simulated();
    let tfrs = bus.tfrs().unwrap();
    assert_eq!(
        (&tfrs["utc_time"], &tfrs["age"]),
        (&json!(NOW), &json!(0.0))
    );
    let radius_km = length(&tfrs, ["ecef_pos_x", "ecef_pos_y", "ecef_pos_z"]);
    assert!((6_600.0..8_000.0).contains(&radius_km), "{radius_km}");
    let adcs = bus.adcs().unwrap();
    assert_eq!(adcs["mode"], "NADIRPOINTYAW");
    let hk = &adcs["hk"];
    assert_eq!(hk["unix_timestamp"], NOW);
    assert!((length(&hk["r_ecef"], ["x", "y", "z"]) - radius_km).abs() < 1e-6);
    assert!(hk["lat_deg"].as_f64().unwrap().abs() <= 90.0);
    assert!(hk["q_bi_est"]["q4"].is_number());
}

#[test]
fn a_command_that_cannot_be_followed_fails_and_says_why() {
    let bus = simulated();
    let command = |command| bus.command_adcs(&command).unwrap();
    let nadir = command(json!({"command": "NADIR", "aperture": "IPI"}));
    assert_eq!(nadir["status"], "OK");
    for (bad, words) in [
        (json!({"command": "NADIR"}), "aperture"),
        (json!({"command": "TRACK", "aperture": "IPI"}), "target"),
        (json!({"command": "SPIN"}), "IDLE, NADIR or TRACK"),
        (
            json!({"command": "TRACK", "aperture": "IPI", "target": {"lat": 40.0, "lon": -176.0}}),
            "takes no commands",
        ),
    ] {
        let answer = command(bad);
        assert_eq!(
            (&answer["status"], &answer["mode"]),
            (&json!("FAIL"), &json!("NADIRPOINTYAW"))
        );
        assert!(
            answer["reason"].as_str().unwrap().contains(words),
            "{answer}"
        );
    }
    assert!(bus.command_adcs(&json!({})).is_err());
}

#[test]
fn what_no_source_has_told_is_unavailable() {
    struct Silent;
    impl bus_telemetry::Telemetry for Silent {
        fn state(&self, _: Duration) -> Result<BusState, TelemetryError> {
            Ok(BusState::unknown())
        }
    }
    let bus = OfBus::new(Arc::new(Silent));
    let said = bus.adcs().unwrap_err().to_string();
    assert!(said.starts_with("Adcs interface is unavailable"), "{said}");
    let said = bus.tfrs().unwrap_err().to_string();
    assert!(said.starts_with("Tfrs interface is unavailable"), "{said}");
}

#[test]
fn a_source_is_named_or_refused() {
    let graphql = "graphql:http://bus:8010/graphql";
    for good in [
        "none",
        "simulator",
        "simulator:/etc/tle",
        "udp:8155",
        graphql,
    ] {
        assert!(good.parse::<TelemetrySource>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "udp",
        "udp:0",
        "udp:x",
        "simulator:",
        "none:1",
        "gps",
        "graphql",
        "graphql:https://bus/",
    ] {
        assert!(bad.parse::<TelemetrySource>().is_err(), "{bad}");
    }
    let none = "none"
        .parse::<TelemetrySource>()
        .unwrap()
        .open(now())
        .unwrap();
    let said = none.adcs().unwrap_err().to_string();
    assert_eq!(said, "Adcs interface is unavailable");
}
