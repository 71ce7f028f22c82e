//! `ground contacts`.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus_telemetry::Orbit;
use serde_json::Value;

use crate::rig::{Rig, Service};
use crate::{assert_fails_with_one_line, pong};

const ELEMENTS: &str = "HELIO-1\n\
    1 99999U 26001A   26001.00000000  .00000000  00000-0  00000-0 0  9993\n\
    2 99999  97.4000 100.0000 0010000  90.0000 270.0000 15.21900000    05\n";

const STATIONS: &str = "[[station]]\nname = 'Svalbard'\nlatitude-deg = 78.2\nlongitude-deg = 15.4\n\
    [[station]]\nname = 'Berlin'\nlatitude-deg = 52.5\nlongitude-deg = 13.4\n\
    elevation-min-deg = 10\n";

fn with_elements() -> Rig {
    let rig = Rig::alone();
    let file = rig.file("helio.tle");
    fs::write(&file, ELEMENTS).unwrap();
    rig.add_to_link(&format!("tle-file = {file:?}"));
    rig.configure(STATIONS);
    rig
}

fn json_lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// So many seconds from now.
fn from_now(seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let at = now.as_secs().saturating_add_signed(seconds);
    jiff::Timestamp::from_second(at as i64).unwrap().to_string()
}

#[test]
fn passes_of_the_next_hours_are_listed_for_people_and_for_programs() {
    assert_eq!(Orbit::from_tle(ELEMENTS).unwrap().name(), Some("HELIO-1"));
    let rig = with_elements();
    let (code, stdout, stderr) = rig.run(&["contacts", "--hours", "48", "--json"]);
    assert_eq!(code, 0, "{stderr}");
    let passes = json_lines(&stdout);
    let over = |station: &str| {
        let of_it = passes.iter().filter(|pass| pass["station"] == station);
        of_it.count()
    };
    // Nearly each of thirty revolutions, and some of them.
    assert!(over("Svalbard") > 20 && over("Berlin") > 4, "{stdout}");
    for pass in &passes {
        let number = |key: &str| pass[key].as_f64().unwrap();
        assert!(
            (4.9..=90.0).contains(&number("elevation_max_deg")),
            "{pass}"
        );
        assert!((0.0..=360.0).contains(&number("azimuth_aos_deg")), "{pass}");
        let text = |key: &str| pass[key].as_str().unwrap().to_owned();
        assert!(text("aos") < text("highest") && text("highest") < text("los"));
    }
    let (code, stdout, _) = rig.run(&["contacts", "--hours", "48"]);
    assert_eq!(code, 0);
    assert_eq!(stdout.lines().count(), passes.len() + 1, "{stdout}");
    assert!(stdout.starts_with("AOS"), "{stdout}");
}

#[test]
fn a_link_of_which_nothing_is_known_says_what_to_write() {
    let rig = Rig::alone();
    assert_fails_with_one_line(
        rig.run(&["contacts"]),
        &["`uhf`", "`tle-file`", "[[station]]"],
    );
}

#[test]
fn elements_that_are_gone_are_named() {
    let rig = with_elements();
    fs::remove_file(rig.file("helio.tle")).unwrap();
    assert_fails_with_one_line(rig.run(&["contacts"]), &["helio.tle"]);
}

#[test]
fn what_was_heard_in_a_contact_is_counted_and_what_was_not_too() {
    let rig = Rig::with_satellite();
    let during = from_now(-60);
    rig.add_to_link(&format!(
        "contacts = [{{ start = {}, end = {} }}, {{ start = {during}, end = {} }}]",
        from_now(-7200),
        from_now(-6600),
        from_now(6000),
    ));
    let service = Service::start(pong);
    let port = service.port.to_string();
    for _ in 0..3 {
        let (code, ..) = rig.run(&["query", "--service", &port, "{ ping }"]);
        assert_eq!(code, 0);
    }
    let (code, stdout, stderr) = rig.run(&["contacts", "--plan", "--json"]);
    assert_eq!(code, 0, "{stderr}");
    let plan: Value = serde_json::from_str(&stdout).unwrap();
    let frames = |at: usize| plan["past"][at]["heard"]["frames"].clone();
    assert_eq!((frames(0), frames(1)), (0.into(), 3.into()), "{plan}");
    assert_eq!(plan["heard_outside"]["frames"], 0, "{plan}");
    assert_eq!(plan["up"]["passes"], 0, "{plan}");
    // By another schedule, nobody listened.
    let text = fs::read_to_string(&rig.config).unwrap();
    fs::write(&rig.config, text.replace(&during, &from_now(3000))).unwrap();
    let (_, stdout, _) = rig.run(&["contacts", "--plan", "--json"]);
    let plan: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(plan["heard_outside"]["frames"], 3, "{plan}");
    fs::write(&rig.config, text).unwrap();
    let (code, stdout, stderr) = rig.run(&["contacts", "--plan"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("up: nothing waits"), "{stdout}");
    assert!(
        stdout.contains("heard outside of them: 0 frames"),
        "{stdout}"
    );
}

#[test]
fn what_waits_is_told_in_passes() {
    let rig = Rig::alone();
    let contact = |start: i64, length: i64| {
        let (start, end) = (from_now(start), from_now(start + length));
        format!("{{ start = {start}, end = {end}, station = 'Berlin' }}")
    };
    rig.add_to_link(&format!(
        "contacts = [{}, {}, {}]",
        contact(3600, 240),
        contact(9600, 200),
        contact(15_000, 300)
    ));
    rig.configure("[link.comms]\nbit-rate-bps = 9600\n[link.files]\n");
    let file = rig.file("model.bin");
    fs::write(&file, vec![7; 499_000]).unwrap();
    let file = file.to_str().unwrap();
    let (code, _, stderr) = rig.run(&["put", file, "model.bin", "--detach"]);
    assert_eq!(code, 0, "{stderr}");
    let (code, stdout, stderr) = rig.run(&["contacts", "--plan"]);
    assert_eq!(code, 0, "{stderr}");
    // Its first octets have left.
    assert!(stdout.starts_with("up: 1 file, 49"), "{stdout}{stderr}");
    let sentence = " kB: 3 passes at 960 B/s, the last until ";
    assert!(stdout.contains(sentence), "{stdout}{stderr}");
    assert!(stdout.contains("over Berlin"), "{stdout}");
    let (_, stdout, _) = rig.run(&["contacts", "--plan", "--json"]);
    let plan: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(plan["up"]["passes"], 3, "{plan}");
    assert_eq!(plan["ahead"].as_array().unwrap().len(), 3, "{plan}");
}

#[test]
fn a_satellite_that_is_heard_is_known_to_be_there() {
    let rig = Rig::with_satellite();
    let client = rig.client(ground_gateway::Stop::never());
    // Nobody holds the link.
    assert_eq!(client.heard_ago().unwrap(), None);
    let _listener = client.listen().unwrap();
    assert_eq!(client.heard_ago().unwrap(), None);
    let service = Service::start(pong);
    let port = service.port.to_string();
    let (code, ..) = rig.run(&["query", "--service", &port, "{ ping }"]);
    assert_eq!(code, 0);
    let ago = client.heard_ago().unwrap().unwrap();
    assert!(ago < Duration::from_secs(60), "{ago:?}");
}
