//! Which link a command takes, and what goes over the air.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::ops::Range;

use crate::rig::{PATIENCE, Rig};

#[test]
fn the_named_link_leads_to_its_own_satellite_and_the_first_is_the_default() {
    let (rig, other) = (Rig::with_satellite(), Rig::with_satellite());
    rig.add_link("s-band", &other);
    let first = rig.start_listener(&["--count", "1"]);
    let second = rig.start_listener(&["--count", "1", "--link", "s-band"]);
    rig.downlink(b"from the first");
    other.downlink(b"from the second");
    let (code, stdout, _) = first.finish();
    let heard = format!("port {}: from the first", rig.downlink_port);
    assert_eq!((code, stdout), (0, heard));
    let (code, stdout, _) = second.finish();
    let heard = format!("port {}: from the second", other.downlink_port);
    assert_eq!((code, stdout), (0, heard));

    let app = UdpSocket::bind("127.0.0.1:0").unwrap();
    app.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = app.local_addr().unwrap().port().to_string();
    let send = ["send", "--port", &port, "--text", "hello", "--link"];
    for name in ["uhf", "s-band"] {
        let (code, _, stderr) = rig.run(&[&send[..], &[name]].concat());
        assert_eq!(code, 0, "{stderr}");
        assert!(stderr.ends_with(&format!("on link `{name}`")), "{stderr}");
        assert_eq!(app.recv(&mut [0; 64]).unwrap(), 5);
    }
}

/// Where the command id stands in a frame: after the KISS head, an AX.25 UI
/// header without digipeaters and the primary header of a Space Packet.
const COMMAND_ID: Range<usize> = 24..32;
/// And the port, behind it.
const PORT: Range<usize> = 32..34;

/// Undoes the escapes of KISS, which an id of random octets may need.
fn without_escapes(frame: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = frame.iter();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            0xDB if rest.next() == Some(&0xDC) => 0xC0,
            0xDB => 0xDB,
            octet => *octet,
        });
    }
    octets
}

fn command_id(satellite: &UdpSocket) -> u64 {
    let mut frame = [0; 2048];
    let octets = satellite.recv(&mut frame).unwrap();
    let octets = without_escapes(&frame[..octets]);
    assert_eq!(octets[PORT], 9_u16.to_be_bytes(), "{octets:x?}");
    u64::from_be_bytes(octets[COMMAND_ID].try_into().unwrap())
}

#[test]
fn command_ids_differ_between_processes_and_do_not_count_up() {
    let satellite = UdpSocket::bind("127.0.0.1:0").unwrap();
    satellite.set_read_timeout(Some(PATIENCE)).unwrap();
    let rig = Rig::with_socket(&satellite);
    let send = || {
        let (code, _, stderr) = rig.run(&["send", "--port", "9", "--text", "hello"]);
        assert_eq!(code, 0, "{stderr}");
        command_id(&satellite)
    };
    // Four holders of the link in turn, then four commands through one holder.
    let mut ids: Vec<u64> = (0..4).map(|_| send()).collect();
    let _holder = rig.start_listener(&[]);
    ids.extend((0..4).map(|_| send()));

    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 8, "{ids:x?}");
    for (one, next) in ids.iter().zip(&ids[1..]) {
        assert!(one.abs_diff(*next) > 1 << 16, "{ids:x?}");
    }
    assert!(ids.iter().any(|id| *id > 1 << 32), "{ids:x?}");
}
