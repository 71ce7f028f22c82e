//! Stopping by signal. Each case runs in a process of its own: this test
//! binary again, with the name of the signal in its environment.

use std::env;
use std::process::{Command, Output};

use service_host::signals::{Signal, stop_requested};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::raise;

use crate::rig::PATIENCE;

const SIGNAL_VARIABLE: &str = "SERVICE_HOST_TEST_SIGNAL";

/// What the child process does: signals itself twice.
#[test]
#[ignore = "the child process of the other tests here"]
fn child() {
    let (number, expected) = match env::var(SIGNAL_VARIABLE).as_deref() {
        Ok("INT") => (SIGINT, Signal::Interrupt),
        Ok("TERM") => (SIGTERM, Signal::Terminate),
        _ => return,
    };
    let requests = stop_requested().unwrap();
    raise(number).unwrap();
    assert_eq!(requests.recv_timeout(PATIENCE), Ok(expected));
    println!("asked to stop by {expected}");
    raise(number).unwrap();
    // The second signal ends the process during this wait, or never.
    let _ = requests.recv_timeout(PATIENCE);
    println!("still there");
}

fn run_child(signal: &str) -> Output {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "signals::child", "--ignored", "--nocapture"])
        .env(SIGNAL_VARIABLE, signal)
        .output()
        .unwrap()
}

#[test]
fn the_first_signal_asks_to_stop_and_the_second_one_exits() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let output = run_child(signal);
        let text = String::from_utf8_lossy(&output.stdout);
        let asked = format!("asked to stop by SIG{signal}");
        assert!(text.contains(&asked), "{text}");
        assert!(!text.contains("still there"), "{text}");
        assert_eq!(output.status.code(), Some(code));
    }
}
