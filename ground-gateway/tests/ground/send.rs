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
