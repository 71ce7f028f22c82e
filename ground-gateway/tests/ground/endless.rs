//! Captures and octets that do not come to an end.

use std::io::{PipeWriter, Write as _};
use std::time::Duration;

use radio_hal::pcap::{LinkType, PcapWriter};
use rustix::process::Signal;

use crate::rig::{Child, Rig};

/// More than a pipe holds: what is written, the command has begun to read.
const BYTES: usize = 300_000;

/// The command with `octets` at its standard input, which stays open.
fn start_reading(rig: &Rig, arguments: &[&str], octets: &[u8]) -> (Child, PipeWriter) {
    let (input, mut ours) = std::io::pipe().unwrap();
    let child = Child::start_reading_from(&mut rig.command(arguments), input.into());
    ours.write_all(octets).unwrap();
    (child, ours)
}

fn capture() -> Vec<u8> {
    let mut capture = PcapWriter::new(Vec::new(), LinkType::Ax25Kiss).unwrap();
    for _ in 0..BYTES / 1000 {
        capture.write_frame(Duration::ZERO, &[0; 1000]).unwrap();
    }
    capture.finish().unwrap()
}

#[test]
fn one_signal_ends_what_reads_a_capture_that_is_still_coming() {
    let rig = Rig::alone();
    let (capture, octets) = (capture(), vec![0; BYTES]);
    for (arguments, octets) in [
        (&["replay", "-"][..], &capture),
        (&["doctor", "--pcap", "-"], &capture),
        (&["doctor", "--octets", "-"], &octets),
    ] {
        let (child, _kept) = start_reading(&rig, arguments, octets);
        child.signal(Signal::INT);
        let (code, _, stderr) = child.finish();
        assert_eq!((code, stderr.as_str()), (1, "interrupted"), "{arguments:?}");
    }
}

#[test]
fn a_capture_from_standard_input_is_read_to_its_end() {
    let rig = Rig::alone();
    let (child, ours) = start_reading(&rig, &["replay", "-"], &capture());
    drop(ours);
    let (code, stdout, stderr) = child.finish();
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("300 frames = 0 delivered"), "{stdout}");
}
