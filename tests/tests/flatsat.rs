//! The example that a newcomer runs first.

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use heliograph_tests::binaries::{ChildGuard, Stream, example};

const PATIENCE: Duration = Duration::from_secs(60);

/// One at a time: each takes the usual ports.
fn flatsat(arguments: &[&str]) -> (ChildGuard, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let child = ChildGuard::spawn(Command::new(example("flatsat")).args(arguments));
    (child, alone)
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
    let (mut flatsat, _alone) = flatsat(&[]);
    assert!(
        flatsat.wait_for_exit(PATIENCE).success(),
        "{:?}",
        flatsat.lines()
    );
    let shown = lines(&flatsat, Stream::Stdout).join("\n");
    for expected in [
        "[6/6]",
        r#"{"data":{"ping":"pong""#,
        "octets came whole",
        r#"{"data":{"lastCommand":"heater on"}}"#,
        "beacon",
        "uplinkPackets",
        "Everything arrived.",
    ] {
        assert!(shown.contains(expected), "no {expected:?} in:\n{shown}");
    }
    assert_eq!(shown.matches(": all well").count(), 3, "{shown}");
    assert!(
        !shown.contains('\x1b'),
        "colours in what is no terminal:\n{shown}"
    );
}

#[test]
fn a_radio_that_is_cut_ends_it_with_a_failure_that_names_the_step() {
    for (step, why) in [("2", "no answer"), ("5", "heard 0 of 3")] {
        let (mut flatsat, _alone) = flatsat(&["--cut-radio-before", step]);
        let status = flatsat.wait_for_exit(PATIENCE);
        assert_eq!(status.code(), Some(1));
        let said = lines(&flatsat, Stream::Stderr).join("\n");
        assert!(said.contains(&format!("step {step} failed")), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn it_stays_until_it_is_told_to_end_and_says_what_to_try() {
    let (mut flatsat, _alone) = flatsat(&["--stay"]);
    flatsat.wait_for_line("In another terminal, try:", PATIENCE);
    flatsat.wait_for_line("GraphiQL of the telemetry service", PATIENCE);
    flatsat.signal("TERM");
    assert!(flatsat.wait_for_exit(PATIENCE).success());
}
