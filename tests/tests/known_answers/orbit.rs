//! Orbits, the Sun and passes against Python's `sgp4` and `skyfield`, and the IAU's routines.

use std::time::Duration;

use bus_telemetry::{Inertial, Orbit, Passes, Station, geodetic, in_shadow, sun_position, to_ecef};
use heliograph_tests::referee::{self, ORBIT};
use serde::Deserialize;
use serde_json::{Value, json};

/// A space station, a Molniya (deep space, resonant), a geostationary satellite, and ours.
const ELEMENTS: [[&str; 2]; 4] = [
    [
        "1 25544U 98067A   14020.93268519  .00009878  00000-0  18200-3 0  5082",
        "2 25544  51.6498 109.4756 0003572  55.9686 274.8005 15.49815350868473",
    ],
    [
        "1 08195U 75081A   06176.33215444  .00000099  00000-0  11873-3 0   813",
        "2 08195  64.1586 279.0717 6877146 264.7651  20.2257  2.00491383225656",
    ],
    [
        "1 28626U 05008A   06176.46683397 -.00000205  00000-0  10000-3 0  2190",
        "2 28626   0.0019 286.9433 0000335  13.7918  55.6504  1.00270176  4891",
    ],
    OURS,
];

/// Those of [`Orbit::example`].
const OURS: [&str; 2] = [
    "1 99999U 26001A   26001.00000000  .00000000  00000-0  00000-0 0  9993",
    "2 99999  97.4000 100.0000 0010000  90.0000 270.0000 15.21900000    05",
];

/// The epochs of [`ELEMENTS`], to the second.
const EPOCHS_S: [u64; 4] = [1_390_256_584, 1_151_222_298, 1_151_233_934, 1_767_225_600];

#[derive(Deserialize)]
struct Position {
    r: [f64; 3],
    v: [f64; 3],
    latitude: f64,
    longitude: f64,
    altitude: f64,
}

#[derive(Deserialize)]
struct WholePass {
    aos: f64,
    los: f64,
    elevation: f64,
}

/// Times around an epoch, dense first and up to 30 days away, on both sides.
fn times(epoch_s: u64) -> Vec<Duration> {
    let epoch = Duration::from_secs(epoch_s);
    let offsets =
        (0..60).map(|index| Duration::from_millis(97_531 + 1_234_567 * index * index / 2));
    let before = offsets.clone().map(|offset| epoch - offset);
    let after = offsets.map(|offset| epoch + offset);
    before.chain([epoch]).chain(after).collect()
}

fn seconds(times: &[Duration]) -> Vec<f64> {
    times.iter().map(Duration::as_secs_f64).collect()
}

fn answer<T: for<'de> Deserialize<'de>>(question: Value) -> T {
    let answer = referee::ask(ORBIT, &question).expect("an answer");
    serde_json::from_value(answer).expect("an answer of that form")
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

#[test]
fn positions_are_those_of_pythons_sgp4_within_a_metre() {
    for ([one, two], epoch_s) in ELEMENTS.into_iter().zip(EPOCHS_S) {
        let orbit = Orbit::from_tle(&format!("{one}\n{two}")).expect("elements");
        let times = times(epoch_s);
        let theirs: Vec<Position> =
            answer(json!({"ask": "positions", "one": one, "two": two, "times": seconds(&times)}));
        assert_eq!(theirs.len(), times.len());
        for (at, theirs) in times.into_iter().zip(theirs) {
            let ours = orbit.inertial(at).expect("a position");
            let apart_km = distance(ours.r_eci_km, theirs.r);
            assert!(apart_km < 0.001, "{apart_km} km apart at {at:?}: {one}");
            let apart_km_s = distance(ours.v_eci_km_s, theirs.v);
            assert!(
                apart_km_s < 1e-6,
                "{apart_km_s} km/s apart at {at:?}: {one}"
            );
        }
    }
}

#[test]
fn the_place_beneath_is_that_of_skyfield() {
    for ([one, two], epoch_s) in ELEMENTS.into_iter().zip(EPOCHS_S) {
        let orbit = Orbit::from_tle(&format!("{one}\n{two}")).expect("elements");
        let times = times(epoch_s);
        let theirs: Vec<Position> =
            answer(json!({"ask": "positions", "one": one, "two": two, "times": seconds(&times)}));
        for (at, theirs) in times.into_iter().zip(theirs) {
            let inertial = orbit.inertial(at).expect("a position");
            let ours = geodetic(to_ecef(&inertial, at).r_ecef_km);
            let north = ours.latitude_deg - theirs.latitude;
            let turned = (ours.longitude_deg - theirs.longitude + 180.0).rem_euclid(360.0) - 180.0;
            // What a degree of longitude is there.
            let east = turned * theirs.latitude.to_radians().cos();
            assert!(north.abs() < 0.01, "{north}° at {at:?}: {one}");
            assert!(east.abs() < 0.01, "{east}° at {at:?}: {one}");
            let up = ours.altitude_km - theirs.altitude;
            assert!(up.abs() < 0.01, "{up} km at {at:?}: {one}");
        }
    }
}

#[test]
fn the_sun_is_where_the_iau_says_within_a_fiftieth_of_a_degree() {
    // From 2006 to 2046.
    let times: Vec<_> = (0..400)
        .map(|index| Duration::from_secs(1_151_000_000 + index * 3_155_760 + index * index))
        .collect();
    let theirs: Vec<[f64; 3]> = answer(json!({"ask": "sun", "times": seconds(&times)}));
    for (at, theirs) in times.into_iter().zip(theirs) {
        let ours = sun_position(at);
        let size = distance(ours, [0.0; 3]);
        let apart_deg = (distance(ours, theirs) / size).to_degrees();
        assert!(apart_deg < 0.02, "{apart_deg}° apart at {at:?}");
    }
}

/// Eclipse changes at the same second whose Sun is taken, or a few later.
#[test]
fn eclipses_are_those_that_the_suns_place_by_the_iau_makes() {
    let orbit = Orbit::example();
    let first = Duration::from_secs(EPOCHS_S[3]);
    // Three hours of seconds: the Sun moves 0.12° in them.
    let times: Vec<_> = (0..10_800)
        .map(|second| first + Duration::from_secs(second))
        .collect();
    let theirs: Vec<[f64; 3]> = answer(json!({"ask": "sun", "times": seconds(&times)}));
    let mut eclipsed = 0;
    let mut differ = 0;
    for (at, theirs) in times.into_iter().zip(theirs) {
        let Inertial { r_eci_km, .. } = orbit.inertial(at).expect("a position");
        let ours = in_shadow(r_eci_km, sun_position(at));
        eclipsed += u32::from(ours);
        differ += u32::from(ours != hidden(r_eci_km, theirs));
    }
    assert!(
        (1800..5000).contains(&eclipsed),
        "{eclipsed} s of 3 h in shadow"
    );
    assert!(differ <= 4, "{differ} s differ");
}

/// Whether the way to the Sun goes through the Earth: by the angle between the two as they are
/// seen from the spacecraft, which is another way than ours.
fn hidden(r: [f64; 3], sun: [f64; 3]) -> bool {
    let radius = distance(r, [0.0; 3]);
    let to_sun = [sun[0] - r[0], sun[1] - r[1], sun[2] - r[2]];
    let towards_earth: f64 = -(0..3).map(|axis| r[axis] * to_sun[axis]).sum::<f64>();
    let angle = (towards_earth / radius / distance(to_sun, [0.0; 3])).acos();
    angle < (6378.137 / radius).asin()
}

#[test]
fn passes_are_those_of_skyfield_within_two_seconds() {
    let stations = [
        (52.5, 13.4, 0.05, 10.0),
        (78.23, 15.39, 0.45, 5.0),
        (-53.16, -70.91, 0.03, 0.0),
        (0.0, 179.9, 0.0, 20.0),
    ];
    for ([one, two], epoch_s) in ELEMENTS.into_iter().zip(EPOCHS_S) {
        let orbit = Orbit::from_tle(&format!("{one}\n{two}")).expect("elements");
        let from = Duration::from_secs(epoch_s);
        let until = from + Duration::from_secs(7 * 86_400);
        let mut compared = 0;
        for (latitude, longitude, altitude, elevation_min) in stations {
            let theirs: Vec<WholePass> = answer(json!({
                "ask": "passes", "one": one, "two": two,
                "latitude": latitude, "longitude": longitude, "altitude_km": altitude,
                "elevation_min": elevation_min,
                "start": from.as_secs_f64(), "end": until.as_secs_f64(),
            }));
            let station = Station::new(latitude, longitude, altitude, elevation_min);
            let station = station.expect("a station");
            let ours = Passes::new(&orbit, &station, from, until).expect("an interval");
            let ours = ours.map(|pass| pass.expect("a pass"));
            let ours: Vec<_> = ours
                .filter(|pass| !pass.began_before && !pass.goes_on)
                .collect();
            assert_eq!(ours.len(), theirs.len(), "over {latitude}°: {one}");
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let aos = ours.aos.as_secs_f64() - theirs.aos;
                let los = ours.los.as_secs_f64() - theirs.los;
                let high = ours.elevation_max_deg - theirs.elevation;
                assert!(aos.abs() < 2.0, "AOS {aos} s apart over {latitude}°: {one}");
                assert!(los.abs() < 2.0, "LOS {los} s apart over {latitude}°: {one}");
                assert!(high.abs() < 0.1, "{high}° apart over {latitude}°: {one}");
            }
            compared += ours.len();
        }
        let geostationary = one.contains("28626");
        assert!(geostationary || compared > 10, "{compared} passes: {one}");
    }
}

#[test]
fn the_example_is_what_it_is_compared_as() {
    let at = Duration::from_secs(1_800_000_000);
    let [one, two] = OURS;
    let read = Orbit::from_tle(&format!("{one}\n{two}")).expect("elements");
    assert_eq!(Orbit::example().inertial(at), read.inertial(at));
}
