//! `ground replay`.

use std::fs;
use std::process::Stdio;

use comms_service::message::{End, PayloadType};
use radio_hal::pcap::LinkType;
use serde_json::{Value, json};

use crate::assert_fails_with_one_line;
use crate::rig::Rig;
use crate::rig::air::{head, kiss_ui, packets, write_capture};

/// A pass with a frame of every fate, each so many ms after the first.
fn pass() -> Vec<(u64, Vec<u8>)> {
    let up = |packet: &[u8]| kiss_ui("GROUND", "HELIO-1", packet);
    let down = |packet: &[u8]| kiss_ui("HELIO-1", "GROUND", packet);
    let query = head(PayloadType::GraphQl, 0x12AB, 8020);
    let question = packets(End::Ground, &query, b"{ battery }", 0);
    let answer = packets(End::Satellite, &query, &[b'x'; 300], 0);
    let telemetry = head(PayloadType::Udp, 0, 13_011);
    let told = packets(End::Satellite, &telemetry, b"hello", 0);
    let long = packets(End::Satellite, &telemetry, &[b'y'; 600], 1);
    let message = head(PayloadType::Udp, 0x77, 8021);
    let unanswered = head(PayloadType::GraphQl, 0x99, 8020);
    let mut damaged = told[0].clone();
    damaged[18] ^= 1;
    let mut version = told[0].clone();
    version[0] |= 0xE0;
    let mut no_ui = down(b"");
    no_ui[15] = 0x3F;
    vec![
        (0, up(&question[0])),
        (5, down(&answer[0])),
        (7, down(&answer[1])),
        (10, up(&packets(End::Ground, &message, b"heater on", 0)[0])),
        (20, down(&told[0])),
        (21, down(&told[0])),
        (30, down(&damaged)),
        (31, down(&version)),
        (40, kiss_ui("HELIO-1", "OTHER-1", &told[0])),
        (41, kiss_ui("GROUND", "CQ", b"beacon")),
        (42, kiss_ui("OTHER-1", "OTHER-2", b"hi")),
        (43, no_ui),
        (50, [&[0x06], &down(b"")[1..]].concat()),
        (60, down(&packets(End::Satellite, &unanswered, b"{}", 2)[0])),
        (70, down(&long[0])),
        (31_000, down(&long[1])),
        (
            31_001,
            down(&packets(End::Satellite, &telemetry, &[b'z'; 300], 9)[0]),
        ),
    ]
}

const TABLE: &str = "    \
    1     0.000000 ↑    46  GROUND > HELIO-1       delivered: query for port 8020, command 0x12ab, 11 octets
    2     0.005000 ↓   273  HELIO-1 > GROUND       delivered: segment 1 of 2, answer of port 8020 to command 0x12ab, 300 octets
    3     0.007000 ↓    87  HELIO-1 > GROUND       delivered: segment 2 of 2, answer of port 8020 to command 0x12ab, 300 octets
    4     0.010000 ↑    44  GROUND > HELIO-1       delivered: message for port 8021, 9 octets
    5     0.020000 ↓    40  HELIO-1 > GROUND       delivered: message of port 13011, 5 octets
    6     0.021000 ↓    40  HELIO-1 > GROUND       dropped: duplicate (message of port 13011)
    7     0.030000 ↓    40  HELIO-1 > GROUND       dropped: error-control (packet error control is 0xe285, computed 0xd5b5)
    8     0.031000 ↓    40  HELIO-1 > GROUND       dropped: version (packet version number 7 is not 0)
    9     0.040000 ·    40  HELIO-1 > OTHER-1      dropped: not-addressed-to-us (to OTHER-1)
   10     0.041000 ·    23  GROUND > CQ            dropped: own-echo (ours, to CQ)
   11     0.042000 ·    19  OTHER-1 > OTHER-2      dropped: not-addressed-to-us (to OTHER-2)
   12     0.043000 ↓    17  HELIO-1 > GROUND       dropped: not-ui
   13     0.050000 ↓    17  HELIO-1 > GROUND       dropped: kiss-command
   14     0.060000 ↓    37  HELIO-1 > GROUND       dropped: not-asked (answer of port 8020 to command 0x99, 2 octets)
   15     0.070000 ↓   273  HELIO-1 > GROUND       dropped: reassembly-timeout (segment 1, message of port 13011)
   16    31.000000 ↓   273  HELIO-1 > GROUND       dropped: no-first-segment (on APID 1)
   17    31.001000 ↓   273  HELIO-1 > GROUND       held: segment 1, message of port 13011, open at the end
17 frames = 5 delivered + 11 dropped + 1 open at the end
      1 duplicate
      1 error-control
      1 kiss-command
      1 no-first-segment
      2 not-addressed-to-us
      1 not-asked
      1 not-ui
      1 own-echo
      1 reassembly-timeout
      1 version
engine of the ground end:
  10 packets = 4 delivered + 1 held + 5 dropped (version 1, error-control 1, duplicate 1, no-first-segment 1, reassembly-timeout 1)
  3 messages = 2 delivered + 0 held + 1 dropped (not-asked 1)
  sequence gaps 1
engine of the satellite end:
  2 packets = 2 delivered + 0 held + 0 dropped
  2 messages = 2 delivered + 0 held + 0 dropped";

#[test]
fn a_capture_is_printed_with_the_fate_of_every_frame_and_sums_that_add_up() {
    let rig = Rig::alone();
    let capture = rig.file("pass.pcap");
    write_capture(&capture, LinkType::Ax25Kiss, &pass());
    let (code, stdout, stderr) = rig.run(&["replay", capture.to_str().unwrap()]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(stdout, TABLE);
}

#[test]
fn a_capture_without_kiss_octets_has_the_same_fates() {
    let rig = Rig::alone();
    let capture = rig.file("pass.pcap");
    let bare = |(ms, frame): &(u64, Vec<u8>)| (*ms, frame[1..].to_vec());
    let frames: Vec<_> = pass()[..12].iter().map(bare).collect();
    write_capture(&capture, LinkType::Ax25, &frames);
    let (code, stdout, _) = rig.run(&["replay", capture.to_str().unwrap()]);
    assert_eq!(code, 0);
    let fates = |table: &str| -> Vec<_> {
        let rows = table.lines().take(12);
        rows.filter_map(|row| row.rsplit("  ").next().map(str::to_owned))
            .collect()
    };
    assert_eq!(fates(&stdout), fates(TABLE));
}

#[test]
fn a_capture_as_json_is_an_object_for_each_frame_and_one_that_sums_up() {
    let rig = Rig::alone();
    let capture = rig.file("pass.pcap");
    write_capture(&capture, LinkType::Ax25Kiss, &pass());
    let (code, stdout, _) = rig.run(&["replay", "--json", capture.to_str().unwrap()]);
    assert_eq!(code, 0);
    let objects: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (summary, frames) = objects.split_last().unwrap();
    assert_eq!(
        frames[8],
        json!({
            "frame": 9, "time": 1_700_000_000.04, "direction": null, "bytes": 40,
            "from": "HELIO-1", "to": "OTHER-1",
            "fate": "dropped", "reason": "not-addressed-to-us", "detail": "to OTHER-1",
        })
    );
    let summary = &summary["summary"];
    for fate in ["delivered", "dropped", "held"] {
        let counted = frames.iter().filter(|frame| frame["fate"] == fate).count();
        let told = match &summary[fate] {
            Value::Object(reasons) => reasons.values().map(|count| count.as_u64().unwrap()).sum(),
            count => count.as_u64().unwrap(),
        };
        assert_eq!(told, counted as u64, "{fate}");
    }
    assert_eq!(summary["frames"], 17);
    assert_eq!(summary["ground"]["messages"]["dropped"]["not-asked"], 1);
}

#[test]
fn a_capture_that_is_cut_off_is_told_after_what_could_be_read() {
    let rig = Rig::alone();
    let capture = rig.file("pass.pcap");
    write_capture(&capture, LinkType::Ax25Kiss, &pass()[..2]);
    let mut octets = fs::read(&capture).unwrap();
    octets.pop();
    fs::write(&capture, octets).unwrap();
    let (code, stdout, stderr) = rig.run(&["replay", capture.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(stdout.contains("1 frame = 1 delivered"), "{stdout}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("it ends within frame 2"), "{stderr}");
}

#[test]
fn a_message_that_stays_open_too_long_is_told_after_what_could_be_read() {
    let rig = Rig::alone();
    let capture = rig.file("long.pcap");
    let telemetry = head(PayloadType::Udp, 0, 13_011);
    let long = packets(End::Satellite, &telemetry, &[b'y'; 600], 0);
    let mut frames = vec![(0, kiss_ui("HELIO-1", "GROUND", &long[0]))];
    frames.extend((0..65_536).map(|_| (0, vec![0])));
    write_capture(&capture, LinkType::Ax25Kiss, &frames);
    let (code, stdout, stderr) = rig.run(&["replay", capture.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(stdout.contains("\n65536 frames = 0 delivered"), "{stderr}");
    assert!(stderr.contains("`editcap -r`"), "{stderr}");
}

#[test]
fn what_cannot_be_replayed_is_told_in_one_line() {
    let rig = Rig::alone();
    let path = rig.file("capture");
    let run = || rig.run(&["replay", path.to_str().unwrap()]);
    assert_fails_with_one_line(run(), &["cannot read", "capture"]);
    fs::write(&path, [0x0A, 0x0D, 0x0D, 0x0A]).unwrap();
    assert_fails_with_one_line(run(), &["pcapng", "editcap -F pcap"]);
    fs::write(&path, "no capture").unwrap();
    assert_fails_with_one_line(run(), &["no pcap capture"]);
    write_capture(&path, LinkType::Ipv4, &[]);
    assert_fails_with_one_line(run(), &["IPv4", "\"space-packet\""]);
}

#[test]
fn whoever_has_read_enough_of_a_replay_ends_it_well() {
    let rig = Rig::alone();
    let capture = rig.file("long.pcap");
    let frames: Vec<_> = (0..20_000).map(|ms| (ms, vec![0])).collect();
    write_capture(&capture, LinkType::Ax25Kiss, &frames);
    let mut command = rig.command(&["replay", capture.to_str().unwrap()]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
