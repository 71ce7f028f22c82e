//! `ground send`.

use std::fs;
use std::net::UdpSocket;

use crate::assert_fails_with_one_line;
use crate::rig::{PATIENCE, Rig};

#[test]
fn a_sent_text_or_file_arrives_as_one_datagram() {
    let rig = Rig::with_satellite();
    let app = UdpSocket::bind("127.0.0.1:0").unwrap();
    app.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = app.local_addr().unwrap().port().to_string();
    let mut datagram = vec![0; 65_536];

    let (code, stdout, stderr) = rig.run(&["send", "--port", &port, "--text", "wake up"]);
    assert_eq!((code, &*stdout), (0, ""));
    assert_eq!(
        stderr,
        format!("sent 7 octets to port {port} on link `uhf`")
    );
    let octets = app.recv(&mut datagram).unwrap();
    assert_eq!(&datagram[..octets], b"wake up");

    let content: Vec<u8> = (0..5_000_u32).map(|number| (number % 251) as u8).collect();
    let path = rig.config.with_file_name("message.bin");
    fs::write(&path, &content).unwrap();
    let (code, ..) = rig.run(&["send", "--port", &port, "--file", path.to_str().unwrap()]);
    assert_eq!(code, 0);
    let octets = app.recv(&mut datagram).unwrap();
    assert_eq!(datagram[..octets], content);
}

#[test]
fn a_file_that_cannot_be_sent_is_named_or_measured() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    let path = rig.config.with_file_name("message.bin");
    let send = || rig.run(&["send", "--port", "9", "--file", path.to_str().unwrap()]);
    assert_fails_with_one_line(send(), &["cannot read", "message.bin"]);
    fs::write(&path, vec![0; 70_000]).unwrap();
    assert_fails_with_one_line(send(), &["70000 octets", "65507"]);
}

/// A UDP service as KubOS shells are: it answers each message with `lines` to
/// where the message came from, from a socket of its own.
fn session_service(lines: &'static [&'static str]) -> (u16, std::thread::JoinHandle<()>) {
    let service = UdpSocket::bind("127.0.0.1:0").unwrap();
    service.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = service.local_addr().unwrap().port();
    let serve = move || {
        let mut datagram = vec![0; 65_536];
        let (octets, from) = service.recv_from(&mut datagram).unwrap();
        assert_eq!(&datagram[..octets], b"ls");
        let session = UdpSocket::bind("127.0.0.1:0").unwrap();
        for line in lines {
            session.send_to(line.as_bytes(), from).unwrap();
        }
    };
    (port, std::thread::spawn(serve))
}

fn with_window(port: u16) -> Rig {
    Rig::with_options(&format!(
        "reply-windows = [{{ port = {port}, window-ms = 60000, messages-max = 8 }}]"
    ))
}

#[test]
fn replies_of_a_service_with_a_window_are_printed_a_line_each() {
    let (port, service) = session_service(&["bin\n", "etc", "a\u{1b}b"]);
    let rig = with_window(port);
    let port = port.to_string();
    let (code, stdout, stderr) = rig.run(&["send", "--port", &port, "--text", "ls", "--replies=3"]);
    assert_eq!((code, &*stdout), (0, "bin\netc\na\\u{1b}b"), "{stderr}");
    service.join().unwrap();
}

#[test]
fn fewer_replies_than_asked_for_are_a_failure_and_raw_ones_are_printed_as_they_are() {
    let (port, service) = session_service(&["one", "two"]);
    let rig = with_window(port);
    let port = port.to_string();
    let (code, stdout, stderr) = rig.run(&[
        "send",
        "--port",
        &port,
        "--text",
        "ls",
        "--replies=3",
        "--raw",
        "--timeout",
        "2s",
    ]);
    assert_eq!((code, &*stdout), (1, "onetwo"));
    assert!(stderr.contains("2 of 3 replies"), "{stderr}");
    service.join().unwrap();
}

#[test]
fn a_service_without_a_window_sends_no_reply_and_the_command_says_so() {
    let (port, service) = session_service(&["lost"]);
    let rig = Rig::with_satellite();
    let port = port.to_string();
    let sent = rig.run(&[
        "send",
        "--port",
        &port,
        "--text",
        "ls",
        "--replies",
        "--timeout",
        "500ms",
    ]);
    assert_fails_with_one_line(sent, &["0 of 1 replies", "reply-windows"]);
    service.join().unwrap();
}
