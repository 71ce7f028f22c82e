//! Orbits: what any time and any text give.

use std::time::Duration;

use bus_telemetry::{
    Orbit, OrbitError, Simulator, TLE_OCTETS_MAX, Telemetry, TelemetryError, TleError, geodetic,
    position_ecef, sun_position, to_ecef,
};
use proptest::prelude::*;

const LINES: [&str; 2] = [
    "1 25544U 98067A   14020.93268519  .00009878  00000-0  18200-3 0  5082",
    "2 25544  51.6498 109.4756 0003572  55.9686 274.8005 15.49815350868473",
];

/// Half a day a revolution, in resonance with the Earth: what takes SGP4 the most steps.
const MOLNIYA: [&str; 2] = [
    "1 08195U 75081A   06176.33215444  .00000099  00000-0  11873-3 0   813",
    "2 08195  64.1586 279.0717 6877146 264.7651  20.2257  2.00491383225656",
];

/// 2026-01-01, the epoch of the example.
const EPOCH_S: u64 = 1_767_225_600;
const TEN_YEARS_S: u64 = 10 * 31_557_600;

fn norm(vector: [f64; 3]) -> f64 {
    vector.iter().map(|part| part * part).sum::<f64>().sqrt()
}

proptest! {
    #[test]
    fn at_any_time_within_ten_years_everything_is_a_number_in_its_range(
        at_ms in (EPOCH_S - TEN_YEARS_S) * 1000..(EPOCH_S + TEN_YEARS_S) * 1000,
    ) {
        let at = Duration::from_millis(at_ms);
        let orbit = Orbit::example();
        let inertial = orbit.inertial(at).unwrap();
        prop_assert!((6800.0..6950.0).contains(&norm(inertial.r_eci_km)));
        prop_assert!((7.4..7.8).contains(&norm(inertial.v_eci_km_s)));
        let fixed = to_ecef(&inertial, at);
        // The Earth turns under a retrograde orbit the other way.
        prop_assert!((7.0..8.3).contains(&norm(fixed.v_ecef_km_s)));
        let location = geodetic(fixed.r_ecef_km);
        prop_assert!(location.latitude_deg.abs() <= 83.0);
        prop_assert!(location.longitude_deg.abs() <= 180.0);
        prop_assert!((470.0..540.0).contains(&location.altitude_km));
        prop_assert!((1.47e8..1.53e8).contains(&norm(sun_position(at))));
    }

    #[test]
    fn an_orbit_gives_a_position_outside_the_earth_or_says_why_there_is_none(
        offset_s in 0..2 * TEN_YEARS_S,
        lines in prop_oneof![Just(LINES), Just(MOLNIYA)],
    ) {
        let orbit = Orbit::from_tle(&lines.join("\n")).unwrap();
        let at = Duration::from_secs(1_390_256_584 - TEN_YEARS_S + offset_s);
        if let Ok(inertial) = orbit.inertial(at) {
            let radius = norm(inertial.r_eci_km);
            prop_assert!((6370.0..60_000.0).contains(&radius), "{radius}");
            prop_assert!(norm(inertial.v_eci_km_s) < 12.0);
        }
    }

    #[test]
    fn no_time_makes_it_panic(seconds: u64, nanoseconds in 0..1_000_000_000_u32) {
        let at = Duration::new(seconds, nanoseconds);
        let _ = Simulator::new(Orbit::example()).state(at);
        let _ = Orbit::from_tle(&LINES.join("\n")).unwrap().inertial(at);
    }

    #[test]
    fn a_place_comes_back_from_its_position(
        latitude in -90.0..=90.0_f64,
        longitude in -179.999..180.0_f64,
        altitude in -1.0..100_000.0_f64,
    ) {
        let back = geodetic(position_ecef(latitude, longitude, altitude));
        prop_assert!((back.latitude_deg - latitude).abs() < 1e-8);
        // At the poles any longitude is right.
        let east = (back.longitude_deg - longitude) * latitude.to_radians().cos();
        prop_assert!(east.abs() < 1e-8);
        prop_assert!((back.altitude_km - altitude).abs() < 1e-6);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = Orbit::from_tle(&text);
    }

    #[test]
    fn no_change_of_elements_makes_it_panic(
        line in 0..2_usize,
        place in 0..69_usize,
        character in any::<char>(),
        days in 0..4000_u64,
    ) {
        let mut lines = LINES.map(|line| line.chars().collect::<Vec<_>>());
        lines[line][place] = character;
        let checked = lines.map(|line| with_checksum(line.into_iter().collect()));
        if let Ok(orbit) = Orbit::from_tle(&checked.join("\n")) {
            let at = Duration::from_secs(1_390_256_584 + days * 86_400);
            if let Ok(inertial) = orbit.inertial(at) {
                prop_assert!(norm(inertial.r_eci_km).is_finite());
            }
        }
    }
}

/// The line with the checksum that its other characters have.
fn with_checksum(mut line: String) -> String {
    line.pop();
    let digits = line.chars().map(|character| match character {
        '-' => 1,
        other => other.to_digit(10).unwrap_or(0),
    });
    let sum = digits.sum::<u32>() % 10;
    format!("{line}{sum}")
}

#[test]
fn a_line_with_a_name_and_ends_of_any_system_are_taken() {
    let [one, two] = LINES;
    let plain = Orbit::from_tle(&format!("{one}\n{two}")).unwrap();
    assert_eq!(plain.name(), None);
    assert_eq!(plain.norad_id(), 25544);
    for name in ["ISS (ZARYA)", "0 ISS (ZARYA)   "] {
        let named = Orbit::from_tle(&format!("{name}\r\n{one}\r\n{two}\r\n\r\n")).unwrap();
        assert_eq!(named.name(), Some("ISS (ZARYA)"));
        let at = Duration::from_secs(1_390_300_000);
        assert_eq!(named.inertial(at), plain.inertial(at));
    }
}

#[test]
fn what_is_no_elements_is_refused_with_the_reason() {
    let [one, two] = LINES;
    let refused = |text: &str| Orbit::from_tle(text).unwrap_err();
    assert_eq!(refused(""), TleError::Lines { lines: 0 });
    assert_eq!(
        refused(&format!("{one}\n{two}\n{one}\n{two}")),
        TleError::Lines { lines: 4 }
    );
    let octets = TLE_OCTETS_MAX + 1;
    assert_eq!(refused(&"x".repeat(octets)), TleError::TooLong { octets });
    let wrong = one.replace("5082", "5083");
    assert!(matches!(
        refused(&format!("{wrong}\n{two}")),
        TleError::Malformed(_)
    ));
    assert!(matches!(
        refused(&format!("{two}\n{one}")),
        TleError::Malformed(_)
    ));
    let standing = with_checksum(two.replace("15.49815350", "00.00000000"));
    assert!(matches!(
        refused(&format!("{one}\n{standing}")),
        TleError::Unusable(_)
    ));
}

#[test]
fn far_from_the_epoch_there_is_no_position() {
    let at = Duration::from_secs(EPOCH_S + 3 * TEN_YEARS_S);
    let error = Orbit::example().inertial(at).unwrap_err();
    assert_eq!(error, OrbitError::TooFar { days: 10_957 });
    let error = Simulator::new(Orbit::example()).state(at).unwrap_err();
    assert!(matches!(
        error,
        TelemetryError::Orbit(OrbitError::TooFar { .. })
    ));
}

#[test]
fn an_orbit_that_has_decayed_has_no_position() {
    // A much stronger drag than the real one.
    let [one, two] = LINES;
    let dragged = with_checksum(one.replace("18200-3", "90000-1"));
    let orbit = Orbit::from_tle(&format!("{dragged}\n{two}")).unwrap();
    let start = 1_390_256_584;
    assert!(orbit.inertial(Duration::from_secs(start)).is_ok());
    let later = (0..60).map(|days| orbit.inertial(Duration::from_secs(start + days * 86_400)));
    let failed: Vec<_> = later.filter_map(Result::err).collect();
    assert!(!failed.is_empty());
    for error in failed {
        assert!(
            matches!(error, OrbitError::Decayed | OrbitError::Diverged(_)),
            "{error}"
        );
    }
}

#[test]
fn with_another_epoch_the_same_orbit_is_flown_later() {
    let shift = Duration::from_secs(123_456_789);
    let epoch = Duration::from_secs(EPOCH_S);
    let shifted = Orbit::example().with_epoch(epoch + shift);
    for minutes in [0, 17, 100_000] {
        let at = epoch + Duration::from_secs(60 * minutes);
        assert_eq!(shifted.inertial(at + shift), Orbit::example().inertial(at));
    }
}

#[test]
fn velocities_are_how_positions_change() {
    let orbit = Orbit::example();
    let at = Duration::from_secs(EPOCH_S + 12_345);
    let half = Duration::from_millis(500);
    let [before, now, after] = [at - half, at, at + half].map(|at| {
        let inertial = orbit.inertial(at).unwrap();
        (inertial, to_ecef(&inertial, at))
    });
    for axis in 0..3 {
        let inertial = after.0.r_eci_km[axis] - before.0.r_eci_km[axis];
        assert!((inertial - now.0.v_eci_km_s[axis]).abs() < 1e-5);
        let fixed = after.1.r_ecef_km[axis] - before.1.r_ecef_km[axis];
        assert!((fixed - now.1.v_ecef_km_s[axis]).abs() < 1e-5);
    }
}
