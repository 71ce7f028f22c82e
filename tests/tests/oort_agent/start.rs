//! The command line.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use heliograph_tests::binaries::binary;

use crate::site::{PATIENCE, Site};

/// One line says what is wrong, and the exit code is 1.
#[track_caller]
fn is_refused(arguments: &[&str], words: &str) {
    let output = Command::new(binary("oort-agent"))
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(words), "{said}");
}

#[test]
fn a_work_directory_that_is_none_is_refused() {
    let site = Site::new();
    let work = site.path("work");
    let work = work.to_str().unwrap();
    is_refused(&["-w", "relative"], "is to be an absolute path");
    is_refused(
        &["-w", &format!("{work}/missing")],
        "No such file or directory",
    );
    let file = site.file("file", b"");
    is_refused(&["-w", file.to_str().unwrap()], "is no directory");
    fs::set_permissions(work, Permissions::from_mode(0o500)).unwrap();
    is_refused(&["-w", work], "rwx");
    fs::set_permissions(work, Permissions::from_mode(0o700)).unwrap();
    is_refused(&["-w", "/proc/1/fd/.."], "the work directory");
}

#[test]
fn flags_that_are_none_are_refused() {
    let site = Site::new();
    let work = site.path("work");
    let work = work.to_str().unwrap();
    is_refused(&[], "-w");
    is_refused(
        &["-w", work, "-f", "config"],
        "a configuration file is not taken",
    );
    is_refused(&["-w", work, "-m", "20"], "no amount to be left free");
    is_refused(&["-w", work, "-m", "101%"], "no amount to be left free");
    is_refused(&["-w", work, "-l", "loud"], "loud");
    is_refused(&["-w", work, "-i", "0"], "0");
    is_refused(&["-w", work, "--listen", "0.0.0.0"], "needs --token-file");
    is_refused(&["-w", work, "--topics", "a.b"], "Topic a.b is not allowed");
    let token = site.file("token", b"0123456789abcdef");
    fs::set_permissions(&token, Permissions::from_mode(0o644)).unwrap();
    let token = token.to_str().unwrap();
    is_refused(
        &["-w", work, "--token-file", token],
        "can be read by others",
    );
    is_refused(
        &["-w", work, "--receipt-key", token],
        "is no key of receipts",
    );
}

#[test]
fn the_flags_of_a_can_bus_are_taken_and_logged_as_not_used() {
    let site = Site::new();
    let agent = site.start(&["-c", "can0", "-n", "51", "-N", "50"]);
    assert_eq!(agent.get("/collector/v1/ping").1["response"], "PONG");
}

#[test]
fn it_stops_in_good_order_however_it_is_told() {
    let site = Site::new();
    for signal in ["INT", "QUIT", "TERM"] {
        let mut agent = site.start(&[]);
        agent.process.signal(signal);
        assert!(agent.process.wait_for_exit(PATIENCE).success(), "{signal}");
    }
}

#[test]
fn its_directories_are_for_its_owner_and_it_listens_on_loopback_alone() {
    let site = Site::new();
    let agent = site.start(&[]);
    for name in ["transfers", "uploads", "upgrades", "dead"] {
        let found = fs::metadata(site.path("work").join(name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o700, "{name}");
    }
    let listening = fs::read_to_string("/proc/net/tcp").unwrap();
    let port = format!(":{:04X} 00000000:0000 0A", agent.port);
    let line = listening.lines().find(|line| line.contains(&port)).unwrap();
    assert!(line.contains("0100007F:"), "{line}");
}

#[test]
fn a_token_is_shown_or_nothing_is_answered() {
    let site = Site::new();
    let token = site.file("token", b"0123456789abcdef\n");
    fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
    let agent = site.start(&["--token-file", token.to_str().unwrap()]);
    for path in [
        "/collector/v1/ping",
        "/sdk/v2/files",
        "/metrics",
        "/nothing",
    ] {
        assert_eq!(agent.get(path).0, 401, "{path}");
    }
    let shown = ureq::get(agent.url("/collector/v1/ping"));
    let shown = shown.header("Authorization", "Bearer 0123456789abcdef");
    assert_eq!(shown.call().unwrap().status(), 200);
}
