//! Attitude, place and time.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus_telemetry::{BusState, Orbit, Quaternion, Simulator, Target, TelemetryError};
use oort_agent::telemetry::{NoTelemetry, OfBus, Telemetry, TelemetrySource};
use serde_json::{Value, json};

use crate::rig::{NOW, Site};

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
    let radius_m = length(&tfrs, ["ecef_pos_x", "ecef_pos_y", "ecef_pos_z"]);
    assert!((6.6e6..8.0e6).contains(&radius_m), "{radius_m}");
    let speed_m_s = length(&tfrs, ["ecef_vel_x", "ecef_vel_y", "ecef_vel_z"]);
    assert!((6.0e3..9.0e3).contains(&speed_m_s), "{speed_m_s}");
    let adcs = bus.adcs().unwrap();
    assert_eq!(adcs["mode"], "NADIRPOINTYAW");
    let hk = &adcs["hk"];
    assert_eq!(hk["unix_timestamp"], NOW);
    assert!((length(&hk["r_ecef"], ["x", "y", "z"]) - radius_m).abs() < 1e-3);
    assert!((length(&hk["r_eci"], ["x", "y", "z"]) - radius_m).abs() < 1e-3);
    let altitude_m = hk["altitude"].as_f64().unwrap();
    assert!(
        (radius_m - 6.38e6..radius_m - 6.35e6).contains(&altitude_m),
        "{altitude_m}"
    );

    assert!(hk["lat_deg"].as_f64().unwrap().abs() <= 90.0);
    assert!(hk["q_bi_est"]["q4"].is_number());
    let none = json!({"q1": 0.0, "q2": 0.0, "q3": 0.0, "q4": 1.0});
    assert_eq!((&hk["q_bo_est"], &hk["control_error_q"]), (&none, &none));
    // Once in a revolution of some 95 minutes among the stars, and not at all in its orbit.
    let turn_rad_s = length(&hk["omega_bi_est"], ["x", "y", "z"]);
    assert!((0.9e-3..1.2e-3).contains(&turn_rad_s), "{turn_rad_s}");
    assert!(length(&hk["omega_bo_est"], ["x", "y", "z"]) < 1e-12);
    // What the source does not know is not made up.
    for unknown in ["qcf", "lease_active", "lease_time_remaining", "omega_est"] {
        assert!(hk.get(unknown).is_none(), "{unknown}");
    }
    assert!(adcs.get("controller").is_none());
}

/// One whose body is turned by 90° about the z of the orbital frame.
#[test]
fn rates_in_the_orbital_frame_are_about_the_axes_of_the_body() {
    struct Turned;
    impl bus_telemetry::Telemetry for Turned {
        fn state(&self, now: Duration) -> Result<BusState, TelemetryError> {
            let orbit = Orbit::example().with_epoch(now);
            let mut state = Simulator::new(orbit).state(now)?;
            let half = std::f64::consts::FRAC_1_SQRT_2;
            if let Ok(attitude) = &mut state.attitude {
                let of = &mut attitude.value;
                // It turns vectors into those of the body: what is y there, is -x here.
                of.body_from_orbit = Some(Quaternion {
                    x: 0.0,
                    y: 0.0,
                    z: half,
                    w: half,
                });
                of.control_error_deg = Some(90.0);
                let turn = of.rates_deg_s.unwrap()[1];
                of.rates_deg_s = Some([-turn, 0.0, 2.0]);
                of.target = Some(Target {
                    latitude_deg: 45.0,
                    longitude_deg: -180.0,
                });
            }
            Ok(state)
        }
    }
    let hk = OfBus::new(Arc::new(Turned)).at(now).adcs().unwrap()["hk"].clone();
    let of = |key: &str| hk["omega_bo_est"][key].as_f64().unwrap();
    assert!(of("x").abs() < 1e-12 && of("y").abs() < 1e-12, "{hk}");
    assert!((of("z") - 2_f64.to_radians()).abs() < 1e-12, "{hk}");
    assert!(hk.get("control_error_q").is_none());
    let pi = std::f64::consts::PI;
    assert_eq!(
        (&hk["latlontrack_lat"], &hk["latlontrack_lon"]),
        (&json!(pi / 4.0), &json!(-pi))
    );
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
    for (bad, words) in [
        (json!({}), "command"),
        (json!({"command": "POINTS"}), "command has at most 5"),
        (
            json!({"command": "NADIR", "aperture": "a".repeat(25)}),
            "aperture has at most 24",
        ),
    ] {
        let said = bus.command_adcs(&bad).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    }
}

/// A spacecraft whose answer to a command waits for the test.
struct Slow {
    asked: Sender<()>,
    answers: Mutex<Receiver<()>>,
}

impl Telemetry for Slow {
    fn adcs(&self) -> Result<Value, NoTelemetry> {
        Ok(json!({"mode": "NOOP", "age": 0}))
    }
    fn command_adcs(&self, _: &Value) -> Result<Value, NoTelemetry> {
        self.asked.send(()).unwrap();
        let patience = Duration::from_secs(60);
        let answers = self.answers.lock().unwrap();
        answers.recv_timeout(patience).unwrap();
        Ok(json!({"status": "OK", "mode": "NOOP"}))
    }
    fn tfrs(&self) -> Result<Value, NoTelemetry> {
        Err(NoTelemetry("none".to_owned()))
    }
}

#[test]
fn while_one_command_is_under_way_another_is_refused() {
    let site = Site::new();
    let (asked, was_asked) = channel();
    let (answer, answers) = channel();
    let answers = Mutex::new(answers);
    let rig = site.start_of(Arc::new(Slow { asked, answers }));
    let idle = json!({"command": "IDLE"});
    std::thread::scope(|scope| {
        let first = scope.spawn(|| rig.post("/sdk/v1/adcs", &idle));
        was_asked.recv().unwrap();
        rig.post("/sdk/v1/adcs", &idle)
            .is_refused(400, "Request in progress");
        assert_eq!(rig.get("/sdk/v1/adcs").body["mode"], "NOOP");
        answer.send(()).unwrap();
        assert_eq!(first.join().unwrap().body["status"], "OK");
    });
    answer.send(()).unwrap();
    assert_eq!(rig.post("/sdk/v1/adcs", &idle).body["status"], "OK");
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
