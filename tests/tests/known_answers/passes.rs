//! Passes of fifty satellites over a week, and where they are seen, against Python's `skyfield`.
//!
//! The elements are of no real objects: low and high, round and stretched, of all inclinations.
//! Whoever knows neither that a pass is there nor when misses what a spacecraft says; so none
//! may be missing on either side.

use std::time::Duration;

use bus_telemetry::{Look, Orbit, Pass, Passes, Station, to_ecef};
use heliograph_tests::referee::{self, ORBIT};
use serde::Deserialize;
use serde_json::{Value, json};

const SATELLITES: &str = include_str!("satellites.tle");
const COUNT: usize = 50;
/// Of all the elements.
const EPOCH: Duration = Duration::from_secs(1_767_225_600);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Latitude, longitude, height in km and minimum elevation.
const PLACES: [[f64; 4]; 3] = [
    [52.5, 13.4, 0.05, 5.0],
    [78.23, 15.39, 0.45, 10.0],
    [-33.45, -70.67, 0.52, 0.0],
];

/// What culminates so little above the minimum elevation may rise and sink at another time:
/// there, a hundredth of a degree is many seconds.
const CULMINATES_DEG: f64 = 5.0;
/// What culminates so little above it may not be seen at all: it is up for less than the 20 s
/// after which the referee looks again.
const GRAZES_DEG: f64 = 0.05;
/// Above that elevation an azimuth turns too fast to mean much: the angle between the two
/// directions is what counts.
const OVERHEAD_DEG: f64 = 80.0;

struct Satellite {
    name: &'static str,
    one: &'static str,
    two: &'static str,
    orbit: Orbit,
}

#[derive(Deserialize)]
struct WholePass {
    aos: f64,
    los: f64,
    elevation: f64,
}

fn satellites() -> Vec<Satellite> {
    let lines: Vec<&str> = SATELLITES.lines().collect();
    let satellites = lines.chunks_exact(3).map(|lines| Satellite {
        name: lines[0],
        one: lines[1],
        two: lines[2],
        orbit: Orbit::from_tle(&lines.join("\n")).expect("elements"),
    });
    satellites.collect()
}

fn station([latitude, longitude, altitude, elevation_min]: [f64; 4]) -> Station {
    Station::new(latitude, longitude, altitude, elevation_min).expect("a station")
}

fn question(ask: &str, satellite: &Satellite, place: [f64; 4], more: Value) -> Value {
    let [latitude, longitude, altitude, _] = place;
    let mut question = json!({
        "ask": ask, "one": satellite.one, "two": satellite.two,
        "latitude": latitude, "longitude": longitude, "altitude_km": altitude,
    });
    let more = more.as_object().expect("an object").clone();
    question.as_object_mut().expect("an object").extend(more);
    question
}

fn answers<T: for<'de> Deserialize<'de>>(questions: &[Value]) -> Vec<T> {
    let answers = referee::ask_all(ORBIT, questions).into_iter();
    let answers = answers.map(|answer| serde_json::from_value(answer.expect("an answer")));
    answers
        .map(|answer| answer.expect("an answer of that form"))
        .collect()
}

/// Each satellite over each place.
fn pairs(satellites: &[Satellite]) -> impl Iterator<Item = (&Satellite, [f64; 4])> {
    satellites
        .iter()
        .flat_map(|satellite| PLACES.map(|place| (satellite, place)))
}

/// The passes that are whole within the week.
fn whole_passes(satellite: &Satellite, place: [f64; 4]) -> Vec<Pass> {
    let station = station(place);
    let passes = Passes::new(&satellite.orbit, &station, EPOCH, EPOCH + WEEK);
    let passes = passes
        .expect("an interval")
        .map(|pass| pass.expect("a pass"));
    passes
        .filter(|pass| !pass.began_before && !pass.goes_on)
        .collect()
}

#[test]
fn passes_of_fifty_satellites_are_those_of_skyfield_and_none_is_missing() {
    let satellites = satellites();
    assert_eq!(satellites.len(), COUNT);
    let questions: Vec<Value> = pairs(&satellites)
        .map(|(satellite, place)| {
            let more = json!({
                "elevation_min": place[3], "start": EPOCH.as_secs_f64(),
                "end": (EPOCH + WEEK).as_secs_f64(),
            });
            question("all_passes", satellite, place, more)
        })
        .collect();
    // Both take their time; they do so at once.
    let (theirs, ours) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| answers::<Vec<WholePass>>(&questions));
        let ours: Vec<Vec<Pass>> = pairs(&satellites)
            .map(|(satellite, place)| whole_passes(satellite, place))
            .collect();
        (theirs.join().expect("the referee's answers"), ours)
    });
    let mut compared = 0;
    for (((satellite, place), ours), theirs) in pairs(&satellites).zip(ours).zip(theirs) {
        let context = format!("{} over {}°", satellite.name, place[0]);
        let counts = place[3] + GRAZES_DEG;
        let ours = ours.iter().filter(|pass| pass.elevation_max_deg > counts);
        let theirs = theirs.iter().filter(|pass| pass.elevation > counts);
        let (ours, theirs): (Vec<_>, Vec<_>) = (ours.collect(), theirs.collect());
        assert_eq!(ours.len(), theirs.len(), "{context}");
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            let apart = |ours: Duration, theirs: f64| (ours.as_secs_f64() - theirs).abs();
            let (aos, los) = (apart(ours.aos, theirs.aos), apart(ours.los, theirs.los));
            let high = (ours.elevation_max_deg - theirs.elevation).abs();
            assert!(high < 0.2, "{high}° apart: {context}, {ours:?}");
            let within = match theirs.elevation >= place[3] + CULMINATES_DEG {
                true => 2.0,
                // The same pass, at least.
                false => 30.0,
            };
            assert!(aos < within, "AOS {aos} s apart: {context}, {ours:?}");
            assert!(los < within, "LOS {los} s apart: {context}, {ours:?}");
            compared += 1;
        }
    }
    assert!(compared > 3000, "{compared} passes");
}

#[test]
fn azimuth_and_elevation_are_those_of_skyfield() {
    let satellites = satellites();
    // Through the week, with no regard to revolutions: beneath the horizon, too.
    let times: Vec<Duration> = (0..60)
        .map(|index| EPOCH + Duration::from_millis(index * 10_079_003))
        .collect();
    let seconds: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
    let questions: Vec<Value> = pairs(&satellites)
        .map(|(satellite, place)| question("looks", satellite, place, json!({ "times": seconds })))
        .collect();
    let theirs: Vec<Vec<[f64; 3]>> = answers(&questions);
    for ((satellite, place), theirs) in pairs(&satellites).zip(theirs) {
        let station = station(place);
        assert_eq!(theirs.len(), times.len());
        for (at, theirs) in times.iter().zip(theirs) {
            let position = to_ecef(&satellite.orbit.inertial(*at).expect("a position"), *at);
            let ours = station.look(position.r_ecef_km);
            assert_is_near(&ours, theirs, &format!("{} at {at:?}", satellite.name));
        }
    }
}

fn assert_is_near(ours: &Look, [azimuth, elevation, range_km]: [f64; 3], context: &str) {
    let high = (ours.elevation_deg - elevation).abs();
    assert!(high < 0.2, "elevation {high}° apart: {context}");
    let turned = ((ours.azimuth_deg - azimuth + 180.0).rem_euclid(360.0) - 180.0).abs();
    let turned = match elevation.abs() < OVERHEAD_DEG {
        true => turned,
        false => turned * elevation.to_radians().cos(),
    };
    assert!(turned < 0.2, "azimuth {turned}° apart: {context}");
    let far = (ours.range_km - range_km).abs() / range_km;
    assert!(far < 1e-3, "range {far} of it apart: {context}");
}

/// A pass says the same of its three moments as one who looks then.
#[test]
fn a_pass_says_where_it_rises_culminates_and_sinks() {
    let satellites = satellites();
    let satellite = &satellites[9];
    let station = station(PLACES[0]);
    let passes = whole_passes(satellite, PLACES[0]);
    assert!(passes.len() > 20);
    for pass in passes {
        for (at, azimuth) in [
            (pass.aos, pass.azimuth_aos_deg),
            (pass.highest, pass.azimuth_highest_deg),
            (pass.los, pass.azimuth_los_deg),
        ] {
            let position = to_ecef(&satellite.orbit.inertial(at).expect("a position"), at);
            let look = station.look(position.r_ecef_km);
            assert!((look.azimuth_deg - azimuth).abs() < 1e-9);
        }
    }
}
