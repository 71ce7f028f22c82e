//! Stopping by signal. Each case runs in a process of its own: this test
//! binary again, with the case in its environment.

use std::env;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use service_host::signals::{
    Signal, stop_or_reload_requested, stop_requested, stop_requested_or_hang_up,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::low_level::raise;

use crate::rig::PATIENCE;

const CASE_VARIABLE: &str = "SERVICE_HOST_TEST_SIGNAL";

/// How long to look whether a signal that should do nothing does something.
const MOMENT: Duration = Duration::from_millis(200);

/// Runs `test` again in a process of its own, by way of `shell`, which ends in
/// `exec "$@"`.
fn run_again(test: &str, case: &str, shell: &str) -> Output {
    // These tests may themselves run under `nohup`. What is ignored stays so in
    // a new program, what is handled does not.
    signal_hook::flag::register(SIGHUP, Arc::default()).unwrap();
    Command::new("sh")
        .args(["-c", shell, "sh"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CASE_VARIABLE, case)
        .output()
        .unwrap()
}

fn case() -> Option<String> {
    env::var(CASE_VARIABLE).ok()
}

/// In the child: sends itself `number` twice.
fn be_asked_twice(number: i32, expected: Signal) {
    let requests = stop_requested_or_hang_up().unwrap();
    raise(number).unwrap();
    assert_eq!(requests.recv_timeout(PATIENCE), Ok(expected));
    println!("asked to stop by {expected}");
    raise(number).unwrap();
    // The second signal ends the process during this wait, or never.
    let wait = if number == SIGHUP { MOMENT } else { PATIENCE };
    let _ = requests.recv_timeout(wait);
    println!("still there");
}

#[test]
fn the_first_signal_asks_to_stop_and_the_second_one_exits() {
    match case().as_deref() {
        Some("INT") => be_asked_twice(SIGINT, Signal::Interrupt),
        Some("TERM") => be_asked_twice(SIGTERM, Signal::Terminate),
        Some("QUIT") => be_asked_twice(SIGQUIT, Signal::Quit),
        _ => {
            let test = "signals::the_first_signal_asks_to_stop_and_the_second_one_exits";
            for (signal, code) in [("INT", 130), ("TERM", 143), ("QUIT", 131)] {
                let output = run_again(test, signal, r#"exec "$@""#);
                let text = String::from_utf8_lossy(&output.stdout);
                let asked = format!("asked to stop by SIG{signal}");
                assert!(text.contains(&asked), "{text}");
                assert!(!text.contains("still there"), "{text}");
                assert_eq!(output.status.code(), Some(code));
            }
        }
    }
}

#[test]
fn a_closed_terminal_asks_to_stop_however_often_it_says_so() {
    if case().is_some() {
        return be_asked_twice(SIGHUP, Signal::HangUp);
    }
    let test = "signals::a_closed_terminal_asks_to_stop_however_often_it_says_so";
    let output = run_again(test, "HUP", r#"exec "$@""#);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("asked to stop by SIGHUP"), "{text}");
    assert!(text.contains("still there"), "{text}");
    assert!(output.status.success());
}

#[test]
fn a_program_started_to_ignore_hang_ups_goes_on_when_its_terminal_is_closed() {
    if case().is_some() {
        let requests = stop_requested_or_hang_up().unwrap();
        raise(SIGHUP).unwrap();
        assert!(requests.recv_timeout(MOMENT).is_err());
        raise(SIGTERM).unwrap();
        assert_eq!(requests.recv_timeout(PATIENCE), Ok(Signal::Terminate));
        println!("asked to stop by the other");
        return;
    }
    let test = "signals::a_program_started_to_ignore_hang_ups_goes_on_when_its_terminal_is_closed";
    let output = run_again(test, "ignored", r#"trap "" HUP; exec "$@""#);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("asked to stop by the other"), "{text}");
    assert!(output.status.success());
}

#[test]
fn a_hang_up_asks_a_service_to_reload_and_never_to_stop() {
    if case().is_some() {
        let (stops, reloads) = stop_or_reload_requested().unwrap();
        for _ in 0..3 {
            raise(SIGHUP).unwrap();
            assert_eq!(reloads.recv_timeout(PATIENCE), Ok(()));
        }
        assert!(stops.try_recv().is_err());
        raise(SIGTERM).unwrap();
        assert_eq!(stops.recv_timeout(PATIENCE), Ok(Signal::Terminate));
        println!("asked to reload, then to stop");
        return;
    }
    let test = "signals::a_hang_up_asks_a_service_to_reload_and_never_to_stop";
    let output = run_again(test, "reload", r#"exec "$@""#);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("asked to reload, then to stop"), "{text}");
    assert!(output.status.success());
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_reloads_nothing_leaves_hang_ups_as_they_were() {
    if case().is_some() {
        let _requests = stop_requested().unwrap();
        raise(SIGHUP).unwrap();
        return;
    }
    use std::os::unix::process::ExitStatusExt as _;
    let test = "signals::a_program_that_reloads_nothing_leaves_hang_ups_as_they_were";
    let output = run_again(test, "service", r#"exec "$@""#);
    assert_eq!(output.status.signal(), Some(SIGHUP));
}
