//! Programs under guard.

use std::io::Write;
use std::process::Command;

use heliograph_tests::binaries::{self, ChildGuard, Stream};
use heliograph_tests::wait::eventually;

use crate::PATIENCE;

fn shell(script: &str) -> ChildGuard {
    ChildGuard::spawn(Command::new("sh").arg("-c").arg(script))
}

#[test]
fn lines_of_both_streams_are_kept() {
    let mut child = shell("echo ready; echo trouble >&2; exit 3");
    assert_eq!(child.wait_for_line("read", PATIENCE), "ready");
    assert_eq!(child.wait_for_line("trouble", PATIENCE), "trouble");
    assert_eq!(child.wait_for_exit(PATIENCE).code(), Some(3));
    let mut streams: Vec<Stream> = child.lines().iter().map(|line| line.stream).collect();
    streams.sort_by_key(|stream| *stream == Stream::Stderr);
    assert_eq!(streams, [Stream::Stdout, Stream::Stderr]);
}

#[test]
#[should_panic(expected = "Stdout: something else")]
fn a_line_that_cannot_come_any_more_is_not_waited_for() {
    shell("echo something else").wait_for_line("ready", PATIENCE * 1000);
}

#[test]
fn a_child_reads_what_it_is_told() {
    let mut child = shell("read line; echo got $line");
    let mut stdin = child.take_stdin().expect("a pipe");
    stdin.write_all(b"octets\n").expect("the child reads");
    assert_eq!(child.wait_for_line("got", PATIENCE), "got octets");
}

#[test]
fn a_signal_reaches_the_child() {
    let mut child =
        shell("trap 'echo stopping; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
    child.wait_for_line("ready", PATIENCE);
    child.signal("TERM");
    assert!(child.wait_for_exit(PATIENCE).success());
    assert_eq!(child.wait_for_line("stop", PATIENCE), "stopping");
}

#[test]
fn a_dropped_child_is_gone() {
    let child = shell("echo ready; exec sleep 1000");
    child.wait_for_line("ready", PATIENCE);
    let id = child.id().to_string();
    drop(child);
    let alive = || {
        let status = Command::new("sh")
            .args(["-c", "kill -0 $0 2>/dev/null", &id])
            .status();
        status.expect("a shell").success()
    };
    eventually(PATIENCE, || (!alive()).then_some(()));
}

#[test]
#[should_panic(expected = "is not built: run `cargo build")]
fn a_missing_binary_says_what_to_build() {
    let _ = binaries::binary("no-such-service");
}

#[test]
#[should_panic(expected = "--workspace --examples`")]
fn a_missing_example_says_what_to_build() {
    let _ = binaries::example("no-such-example");
}
