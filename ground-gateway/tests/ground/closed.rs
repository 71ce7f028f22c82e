//! Standard output or standard error that nobody reads.

use std::io::{BufRead as _, BufReader, pipe};
use std::net::UdpSocket;
use std::process::Stdio;

use crate::rig::{Child, Rig, wait_until};

#[test]
fn a_failure_with_nobody_at_standard_error_is_still_exit_code_1() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    for arguments in [
        &["query", "--service", "8020", "{ a }", "-c", "nope.toml"][..],
        &["query", "--service", "8020", "{ a }", "--timeout", "100ms"],
    ] {
        let (reader, closed) = pipe().unwrap();
        drop(reader);
        let mut command = rig.command(arguments);
        let status = command.stderr(Stdio::from(closed)).status().unwrap();
        assert_eq!(status.code(), Some(1), "{arguments:?}");
    }
}

#[test]
fn a_message_is_sent_with_nobody_at_standard_error() {
    let rig = Rig::with_satellite();
    let (reader, closed) = pipe().unwrap();
    drop(reader);
    let mut command = rig.command(&["send", "--port", "9", "--text", "hello"]);
    let status = command.stderr(Stdio::from(closed)).status().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_listener_ends_in_good_order_when_nobody_reads_its_output() {
    let rig = Rig::with_satellite();
    let (reader, output) = pipe().unwrap();
    let mut command = rig.command(&["-l", "info", "listen"]);
    let listener = Child::start_printing_to(&mut command, output.into());
    drop(command);
    listener.wait_for_stderr("listening");
    rig.downlink(b"one");
    let mut line = String::new();
    let mut reader = BufReader::new(reader);
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, format!("port {}: one\n", rig.downlink_port));

    drop(reader);
    // A program that another test is just starting may hold the pipe for a moment,
    // and so let a message be printed: then the next one ends the listener.
    wait_until("the listener's end", || {
        rig.downlink(b"two");
        listener
            .stderr()
            .iter()
            .any(|line| line.contains("released"))
    });
    let (code, _, stderr) = listener.finish();
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("released"), "{stderr}");
}
