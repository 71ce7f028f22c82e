//! The simulated spacecraft.

use std::time::Duration;

use bus_telemetry::{
    AttitudeMode, BusState, Missing, Orbit, Quaternion, Reading, Simulator, Telemetry,
};
use proptest::prelude::*;

const EPOCH_S: u64 = 1_767_225_600;

fn state(seconds: u64) -> BusState {
    let now = Duration::from_secs(EPOCH_S + seconds);
    Simulator::new(Orbit::example()).state(now).unwrap()
}

fn fresh<T: Clone>(reading: &Reading<T>) -> T {
    let reading = reading
        .clone()
        .unwrap_or_else(|_: Missing| panic!("no value"));
    assert_eq!(reading.age, Duration::ZERO);
    reading.value
}

/// Each second minute of two revolutions.
fn two_revolutions() -> impl Iterator<Item = BusState> {
    (0..95).map(|index| state(index * 120))
}

/// `vector` as the rotation makes it: q v q*.
fn rotated(q: Quaternion, [x, y, z]: [f64; 3]) -> [f64; 3] {
    let Quaternion {
        x: a,
        y: b,
        z: c,
        w,
    } = q;
    let (tx, ty, tz) = (
        2.0 * (b * z - c * y),
        2.0 * (c * x - a * z),
        2.0 * (a * y - b * x),
    );
    [
        x + w * tx + b * tz - c * ty,
        y + w * ty + c * tx - a * tz,
        z + w * tz + a * ty - b * tx,
    ]
}

#[test]
fn every_group_is_there_and_of_now() {
    let state = state(1000);
    assert_eq!(fresh(&state.utc), Duration::from_secs(EPOCH_S + 1000));
    fresh(&state.inertial);
    fresh(&state.earth_fixed);
    fresh(&state.location);
    assert_eq!(fresh(&state.attitude).mode, AttitudeMode::NadirPointYaw);
    fresh(&state.eclipse);
    assert_eq!(fresh(&state.power).rails.len(), 4);
    assert_eq!(fresh(&state.thermal).sensors.len(), 3);
    fresh(&state.payload_server_c);
}

#[test]
fn the_same_time_gives_the_same_state() {
    assert_eq!(state(77_777), state(77_777));
}

#[test]
fn light_and_shadow_follow_each_other_and_the_array_gives_current_in_light_only() {
    let mut seen = [0, 0];
    for state in two_revolutions() {
        let eclipse = fresh(&state.eclipse);
        let power = fresh(&state.power);
        let array = power.rails.iter().find(|rail| rail.name == "solar-array");
        let current = array.unwrap().current_a.unwrap();
        assert_eq!(eclipse, current == 0.0);
        seen[usize::from(eclipse)] += 1;
    }
    let [lit, dark] = seen;
    // In a low orbit a third of a revolution and more is dark, where the Sun is near its plane.
    assert!(lit > dark && dark > 20, "{lit} lit, {dark} dark");
}

#[test]
fn what_is_warm_cools_in_shadow_and_what_is_cold_warms_in_light() {
    let panel = |state: &BusState| fresh(&state.thermal).sensors[0].temperature_c;
    let states: Vec<_> = two_revolutions().collect();
    let mut coldest = f64::MAX;
    for pair in states.windows(2) {
        let [before, after] = pair else {
            unreachable!()
        };
        let warmer = panel(after) - panel(before);
        match [fresh(&before.eclipse), fresh(&after.eclipse)] {
            [true, true] => assert!(warmer < 0.0, "{warmer} °C in shadow"),
            // Where it is as warm as it becomes, samples of the past come and go.
            [false, false] => assert!(warmer > -0.5, "{warmer} °C in light"),
            _ => {}
        }
        coldest = coldest.min(panel(after));
    }
    assert!(coldest < 0.0, "never colder than {coldest} °C");
}

#[test]
fn the_battery_is_lowest_when_the_shadow_ends() {
    let volts = |state: &BusState| fresh(&state.power).battery_v.unwrap();
    let states: Vec<_> = two_revolutions().collect();
    let (mut ends, mut highest) = (Vec::new(), f64::MIN);
    for pair in states.windows(2) {
        let [before, after] = pair else {
            unreachable!()
        };
        if fresh(&before.eclipse) && !fresh(&after.eclipse) {
            ends.push(volts(before));
        }
        highest = highest.max(volts(after));
    }
    assert!(!ends.is_empty());
    for end in ends {
        assert!(
            end < highest - 0.2,
            "{end} V at the end, {highest} V at most"
        );
    }
}

proptest! {
    #[test]
    fn the_body_points_to_the_earth(seconds in 0..100_000_000_u64) {
        let state = state(seconds);
        let attitude = fresh(&state.attitude);
        let inertial = fresh(&state.inertial);
        let body_from_eci = attitude.body_from_eci.unwrap();
        prop_assert!((body_from_eci.norm() - 1.0).abs() < 1e-12);
        let [x, y, z] = rotated(body_from_eci, inertial.r_eci_km);
        prop_assert!(x.abs() < 1e-6 && y.abs() < 1e-6 && z < -6700.0, "{x} {y} {z}");
        // It flies along x, as well as a round orbit goes.
        let [x, y, z] = rotated(body_from_eci, inertial.v_eci_km_s);
        prop_assert!(x > 7.0 && y.abs() < 1e-9 && z.abs() < 0.05, "{x} {y} {z}");
        let turn = 360.0 / Orbit::example().period().as_secs_f64();
        let [_, pitch, _] = attitude.rates_deg_s.unwrap();
        prop_assert!((pitch + turn).abs() < 0.02 * turn, "{pitch}");
    }

    #[test]
    fn power_and_temperatures_stay_in_their_ranges(seconds in 0..300_000_000_u64) {
        let state = state(seconds);
        let volts = fresh(&state.power).battery_v.unwrap();
        prop_assert!((7.0..=8.2).contains(&volts));
        for sensor in fresh(&state.thermal).sensors {
            prop_assert!((-60.0..=65.0).contains(&sensor.temperature_c));
        }
        prop_assert!((8.0..=38.0).contains(&fresh(&state.payload_server_c)));
    }
}
