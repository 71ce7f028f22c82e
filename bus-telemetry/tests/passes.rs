//! When a station sees the spacecraft. That these are the right times is shown by another
//! implementation, in the tests across the crates.

use std::time::Duration;

use bus_telemetry::{INTERVAL_MAX, Orbit, OrbitError, Pass, Passes, PassesError, Station, to_ecef};
use proptest::prelude::*;

const EPOCH: Duration = Duration::from_secs(1_767_225_600);
const DAY: Duration = Duration::from_secs(86_400);

fn station(elevation_min_deg: f64) -> Station {
    Station::new(52.5, 13.4, 0.05, elevation_min_deg).unwrap()
}

fn passes(station: &Station, from: Duration, until: Duration) -> Vec<Pass> {
    let orbit = Orbit::example();
    let passes = Passes::new(&orbit, station, from, until).unwrap();
    passes.map(Result::unwrap).collect()
}

fn elevation(station: &Station, at: Duration) -> f64 {
    let inertial = Orbit::example().inertial(at).unwrap();
    station.elevation_deg(to_ecef(&inertial, at).r_ecef_km)
}

#[test]
fn a_pass_begins_and_ends_at_the_minimum_elevation_and_is_highest_between() {
    let station = station(10.0);
    let passes = passes(&station, EPOCH, EPOCH + 10 * DAY);
    assert!(passes.len() > 20, "{}", passes.len());
    let mut end = EPOCH;
    for pass in passes {
        assert!(end <= pass.aos && pass.aos < pass.highest && pass.highest < pass.los);
        end = pass.los;
        assert!((elevation(&station, pass.aos) - 10.0).abs() < 0.001);
        assert!((elevation(&station, pass.los) - 10.0).abs() < 0.001);
        let mut at = pass.aos;
        while at < pass.los {
            let here = elevation(&station, at);
            assert!((9.999..pass.elevation_max_deg + 0.001).contains(&here));
            at += Duration::from_secs(7);
        }
    }
}

#[test]
fn a_pass_that_the_interval_cuts_says_so() {
    let station = station(10.0);
    let whole = passes(&station, EPOCH, EPOCH + DAY).remove(0);
    assert!(!whole.began_before && !whole.goes_on);
    let [late] = &passes(&station, whole.highest, whole.los + Duration::from_secs(60))[..] else {
        panic!("one pass");
    };
    assert!(late.began_before && !late.goes_on);
    assert_eq!(late.aos, whole.highest);
    let [early] = &passes(&station, EPOCH, whole.highest)[..] else {
        panic!("one pass");
    };
    assert!(!early.began_before && early.goes_on);
    assert_eq!(early.los, whole.highest);
    let [point] = &passes(&station, whole.highest, whole.highest)[..] else {
        panic!("one pass");
    };
    assert!(point.began_before && point.goes_on);
}

#[test]
fn a_pass_that_is_shorter_than_a_step_is_found() {
    let low = passes(&station(10.0), EPOCH, EPOCH + DAY);
    for pass in low {
        // Only its top is above this.
        let high = station(pass.elevation_max_deg - 0.01);
        let from = pass.aos - Duration::from_secs(600);
        for shift_s in 0..30 {
            let from = from + Duration::from_secs(shift_s);
            let [short] = &passes(&high, from, pass.los + Duration::from_secs(600))[..] else {
                panic!("one pass, {shift_s} s later");
            };
            assert!(short.los - short.aos < Duration::from_secs(30));
            assert!(short.aos < pass.highest + Duration::from_millis(50));
            assert!(short.los > pass.highest - Duration::from_millis(50));
        }
    }
}

#[test]
fn what_stands_above_a_station_is_one_pass_without_ends() {
    let orbit = Orbit::from_tle(
        "1 28626U 05008A   06176.46683397 -.00000205  00000-0  10000-3 0  2190\n\
         2 28626   0.0019 286.9433 0000335  13.7918  55.6504  1.00270176  4891",
    );
    let orbit = orbit.unwrap();
    let from = Duration::from_secs(1_151_233_934);
    let until = from + 3 * DAY;
    let sees = |longitude| {
        let station = Station::new(0.0, longitude, 0.0, 5.0).unwrap();
        let passes = Passes::new(&orbit, &station, from, until).unwrap();
        passes.map(Result::unwrap).collect::<Vec<_>>()
    };
    let seen = (0..12).map(|index| sees(f64::from(index) * 30.0 - 180.0));
    let seen: Vec<_> = seen.filter(|passes| !passes.is_empty()).collect();
    assert!(
        (4..=6).contains(&seen.len()),
        "seen from {} places",
        seen.len()
    );
    for passes in seen {
        let [pass] = &passes[..] else {
            panic!("{passes:?}");
        };
        assert!(pass.began_before && pass.goes_on);
        assert_eq!((pass.aos, pass.los), (from, until));
    }
}

#[test]
fn what_is_no_place_and_no_interval_is_refused() {
    for place in [
        [90.1, 0.0, 0.0, 0.0],
        [0.0, -180.1, 0.0, 0.0],
        [0.0, 0.0, 101.0, 0.0],
        [0.0, 0.0, 0.0, 91.0],
        [f64::NAN, 0.0, 0.0, 0.0],
        [0.0, f64::INFINITY, 0.0, 0.0],
    ] {
        let [latitude, longitude, altitude, elevation] = place;
        let refused = Station::new(latitude, longitude, altitude, elevation);
        assert!(
            matches!(refused, Err(PassesError::Station { .. })),
            "{place:?}"
        );
    }
    let (orbit, station) = (Orbit::example(), station(0.0));
    let refused = |from, until| Passes::new(&orbit, &station, from, until).unwrap_err();
    assert_eq!(refused(EPOCH, EPOCH - DAY), PassesError::Backwards);
    let until = EPOCH + INTERVAL_MAX + Duration::from_nanos(1);
    assert_eq!(refused(EPOCH, until), PassesError::TooLong);
}

#[test]
fn where_the_orbit_ends_the_search_ends_with_the_reason() {
    let (orbit, station) = (Orbit::example(), station(5.0));
    let edge = EPOCH + bus_telemetry::SPAN_MAX;
    let passes = Passes::new(&orbit, &station, edge - DAY, edge + DAY).unwrap();
    let found: Vec<_> = passes.collect();
    let (last, before) = found.split_last().unwrap();
    assert!(matches!(last, Err(OrbitError::TooFar { .. })));
    assert!(!before.is_empty() && before.iter().all(Result::is_ok));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn passes_are_in_order_within_the_interval_wherever_the_station_is(
        latitude in -90.0..=90.0_f64,
        longitude in -180.0..=180.0_f64,
        elevation_min in 0.0..=90.0_f64,
        start_s in 0..100_000_000_u64,
        length_s in 0..100_000_u64,
    ) {
        let station = Station::new(latitude, longitude, 0.0, elevation_min).unwrap();
        let from = EPOCH + Duration::from_secs(start_s);
        let until = from + Duration::from_secs(length_s);
        let mut end = from;
        for pass in passes(&station, from, until) {
            prop_assert!(end <= pass.aos && pass.aos <= pass.los && pass.los <= until);
            prop_assert!((pass.aos..=pass.los).contains(&pass.highest));
            prop_assert!(pass.elevation_max_deg >= elevation_min - 0.001);
            prop_assert!(pass.elevation_max_deg <= 90.0);
            end = pass.los;
        }
    }
}
