//! The example that a newcomer runs first.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use heliograph_tests::binaries::{ChildGuard, Stream, example};
use heliograph_tests::wait::eventually;

const PATIENCE: Duration = Duration::from_secs(240);

/// One at a time: each takes the usual ports. The one that comes first is dropped
/// first.
fn flatsat(arguments: &[&str]) -> (MutexGuard<'static, ()>, ChildGuard) {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let child = ChildGuard::spawn(Command::new(example("flatsat")).args(arguments));
    (alone, child)
}

/// The process ids in the lines of the first step.
fn parties(flatsat: &ChildGuard) -> Vec<u32> {
    flatsat.wait_for_line("a process for each command", PATIENCE);
    let lines = flatsat.lines().into_iter();
    let words = lines.map(|line| line.text.split_whitespace().map(str::to_owned).collect());
    let id = |words: Vec<String>| match words.get(1).map(String::as_str) {
        Some("process") => words[2].parse().ok(),
        _ => None,
    };
    words.filter_map(id).collect()
}

fn is_running(id: &u32) -> bool {
    // A zombie has ended, though nobody has reaped it.
    let status = std::fs::read_to_string(format!("/proc/{id}/stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}

fn lines(flatsat: &ChildGuard, stream: Stream) -> Vec<String> {
    let of_stream = flatsat
        .lines()
        .into_iter()
        .filter(|line| line.stream == stream);
    of_stream.map(|line| line.text).collect()
}

#[test]
fn every_step_is_shown_and_the_end_is_good() {
    let (_alone, mut flatsat) = flatsat(&[]);
    assert!(
        flatsat.wait_for_exit(PATIENCE).success(),
        "{:?}",
        flatsat.lines()
    );
    let shown = lines(&flatsat, Stream::Stdout).join("\n");
    for expected in [
        "[15/15]",
        "hosted payload: Image with exposure=5, over",
        "payloads/camera/payload.raw: 60000 octets, whole; it is removed on board",
        r#"{"app":"camera","sequence":"Image","state":"done"}"#,
        "camera/picture.raw: 350000 octets, whole; both ends were told",
        "payload app: OK, 350000 octets",
        "picture.raw came whole, from camera@helio-1; it is acknowledged",
        "image.raw: 250000 octets, whole",
        "plans/plan.txt is on the satellite's disk, whole",
        "silence",
        "times and ran once",
        "picture 1 is ready",
        "queued, sent, heard",
        r#"{"data":{"ping":"pong""#,
        "octets came whole",
        r#"{"data":{"lastCommand":"heater on"}}"#,
        "beacon",
        "packets up",
        "tasked.raw: 60000 octets, whole",
        "window EXECUTED",
        "Everything arrived.",
    ] {
        assert!(shown.contains(expected), "no {expected:?} in:\n{shown}");
    }
    assert_eq!(shown.matches(": all well").count(), 3, "{shown}");
    assert_eq!(shown.matches("proven: ").count(), 15, "{shown}");
    assert!(
        !shown.contains('\x1b'),
        "colours in what is no terminal:\n{shown}"
    );
}

#[test]
fn a_radio_that_is_cut_ends_it_with_a_failure_that_names_the_step() {
    for (step, why) in [("3", "no answer"), ("5", "heard 0 of 3")] {
        let (_alone, mut flatsat) = flatsat(&["--cut-radio-before", step]);
        let status = flatsat.wait_for_exit(PATIENCE);
        assert_eq!(status.code(), Some(1));
        let said = lines(&flatsat, Stream::Stderr).join("\n");
        assert!(said.contains(&format!("step {step} failed")), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn it_stays_until_it_is_told_to_end_and_says_what_to_try() {
    let (_alone, mut flatsat) = flatsat(&["--stay"]);
    flatsat.wait_for_line("In another terminal, try:", PATIENCE);
    flatsat.wait_for_line("GraphiQL of the telemetry service", PATIENCE);
    flatsat.signal("TERM");
    assert!(flatsat.wait_for_exit(PATIENCE).success());
}

#[test]
fn its_parties_end_with_it_even_when_it_is_killed() {
    for signal in ["KILL", "INT"] {
        let (_alone, mut flatsat) = flatsat(&["--stay"]);
        let parties = parties(&flatsat);
        assert_eq!(parties.len(), 4);
        flatsat.signal(signal);
        flatsat.wait_for_exit(PATIENCE);
        eventually(PATIENCE, || (!parties.iter().any(is_running)).then_some(()));
    }
}

#[test]
fn arguments_that_it_does_not_know_are_refused() {
    for arguments in [&["--stya"][..], &["hello"], &["--cut-radio-before", "16"]] {
        let (_alone, mut flatsat) = flatsat(arguments);
        assert_eq!(
            flatsat.wait_for_exit(PATIENCE).code(),
            Some(2),
            "{arguments:?}"
        );
    }
}
