//! `ground doctor`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use comms_service::message::{End, PayloadType};
use radio_hal::pcap::LinkType;
use radio_hal::{Framer, FramingConfig, HdlcConfig, slip};
use rustix::process::Signal;

use crate::assert_fails_with_one_line;
use crate::rig::air::{head, kiss_ui, packets, ui, write_capture};
use crate::rig::{Child, Rig};

/// Longer than three datagrams take on a busy machine.
const LISTENING: &str = "3s";

/// Three packets of telemetry.
fn telemetry() -> Vec<Vec<u8>> {
    let head = head(PayloadType::Udp, 0, 13_011);
    let packet = |count| packets(End::Satellite, &head, b"battery 7.4 V", count).remove(0);
    (0..3).map(packet).collect()
}

fn start_doctor(rig: &Rig, arguments: &[&str]) -> Child {
    let doctor = rig.start(&[&["-l", "info", "doctor"], arguments].concat());
    doctor.wait_for_stderr("listening");
    doctor
}

/// Its exit code and output on a satellite that sends three datagrams.
fn hears_three(rig: &Rig) -> (i32, String) {
    let doctor = start_doctor(rig, &["--for", LISTENING]);
    for _ in 0..3 {
        rig.downlink(b"battery 7.4 V");
    }
    let (code, stdout, _) = doctor.finish();
    (code, stdout)
}

#[test]
fn the_doctor_finds_nothing_wrong_with_a_live_link_that_works() {
    let rig = Rig::with_satellite();
    let (code, stdout) = hears_three(&rig);
    assert_eq!(code, 0, "{stdout}");
    assert!(
        stdout.starts_with("link `uhf` (on UDP 127.0.0.1:"),
        "{stdout}"
    );
    assert!(
        stdout.ends_with("\nall is well: 3 of 3 packets are delivered"),
        "{stdout}"
    );
}

#[test]
fn the_doctor_names_the_callsign_that_a_live_link_is_called_by() {
    let rig = Rig::with_satellite();
    let text = fs::read_to_string(&rig.config).unwrap();
    let text = text.replace("callsign = 'GROUND'", "callsign = 'GND-7'");
    fs::write(&rig.config, text).unwrap();
    let (code, stdout) = hears_three(&rig);
    assert_eq!(code, 1);
    for part in [
        "3 of 3 frames are AX.25 from HELIO-1, but addressed to GROUND; your callsign is GND-7",
        "→ [link.radio] ax25.callsign = \"GROUND\"",
        "as configured, 0 of 3 frames are delivered",
    ] {
        assert!(stdout.contains(part), "{stdout}");
    }
}

#[test]
fn the_doctor_names_the_format_of_a_live_link() {
    let rig = Rig::with_options("format = 'kubos'\n");
    let text = fs::read_to_string(&rig.config).unwrap();
    fs::write(&rig.config, text.replace("format = 'kubos'\n", "")).unwrap();
    let (code, stdout) = hears_three(&rig);
    assert_eq!(code, 1);
    let key = "→ [link.comms] format = \"kubos\"";
    assert!(stdout.contains(key), "{stdout}");
}

#[test]
fn silence_is_told_and_a_signal_ends_the_listening() {
    let rig = Rig::alone();
    let (code, stdout, stderr) = rig.run(&["doctor", "--for", "200ms"]);
    assert_eq!((code, stderr.as_str()), (1, ""));
    assert!(
        stdout.contains("nothing was heard in 1 s on UDP"),
        "{stdout}"
    );

    let doctor = start_doctor(&rig, &["--for", "10m"]);
    doctor.signal(Signal::INT);
    let (code, stdout, _) = doctor.finish();
    assert_eq!(code, 1);
    assert!(stdout.contains("nothing was heard"), "{stdout}");
}

#[test]
fn the_doctor_does_not_take_the_radio_from_another_command() {
    let rig = Rig::with_satellite();
    let listener = rig.start_listener(&[]);
    let outcome = rig.run(&["doctor", "--for", "1s"]);
    assert_fails_with_one_line(outcome, &["`uhf` is held by another `ground` ("]);
    // Nor disturbs it.
    rig.downlink(b"hello");
    listener.wait_for_stdout(1);
}

#[test]
fn the_doctor_sends_nothing_to_a_tnc_not_even_its_parameters() {
    let rig = Rig::alone();
    let tnc = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!(
        "[[link]]\nname = 'uhf'\nsatellite = 'test'\n[link.radio]\nkind = 'kiss-tcp'\n\
         peer = '{}'\npersistence = 63\ntx-delay-ms = 300\n\
         ax25 = {{ callsign = 'GROUND', peer = 'HELIO-1' }}\n",
        tnc.local_addr().unwrap()
    );
    fs::write(&rig.config, text).unwrap();
    let doctor = start_doctor(&rig, &["--for", LISTENING]);
    let (mut stream, _) = tnc.accept().unwrap();
    // The listening begins within a frame.
    let mut octets = b"the rest of a frame".to_vec();
    for packet in telemetry() {
        slip::encode(&kiss_ui("HELIO-1", "GROUND", &packet), &mut octets);
    }
    stream.write_all(&octets).unwrap();
    let mut sent = Vec::new();
    stream.read_to_end(&mut sent).unwrap();
    assert_eq!(sent, b"");
    let (code, stdout, _) = doctor.finish();
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.contains("all is well: 3 of 3"), "{stdout}");
}

#[test]
fn the_doctor_reads_captures() {
    let rig = Rig::alone();
    let capture = rig.file("pass.pcap");
    let run = || rig.run(&["doctor", "--pcap", capture.to_str().unwrap()]);

    let good = |packet: Vec<u8>| (0, kiss_ui("HELIO-1", "GROUND", &packet));
    let frames: Vec<_> = telemetry().into_iter().map(good).collect();
    write_capture(&capture, LinkType::Ax25Kiss, &frames);
    let (code, stdout, _) = run();
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.contains("all is well: 3 of 3"), "{stdout}");

    let foreign = |packet: Vec<u8>| (0, ui("HELIO-1", "OTHER", &packet));
    let frames: Vec<_> = telemetry().into_iter().map(foreign).collect();
    write_capture(&capture, LinkType::Ax25, &frames);
    let (code, stdout, _) = run();
    assert_eq!(code, 1);
    assert!(stdout.contains("addressed to OTHER"), "{stdout}");

    fs::write(&capture, "no capture").unwrap();
    assert_fails_with_one_line(run(), &["no pcap capture"]);
}

#[test]
fn the_doctor_looks_at_what_there_is_of_a_capture_that_is_cut_off() {
    let rig = Rig::alone();
    let capture = rig.file("pass.pcap");
    let foreign = |packet: Vec<u8>| (0, kiss_ui("HELIO-1", "OTHER", &packet));
    let frames: Vec<_> = telemetry().into_iter().map(foreign).collect();
    write_capture(&capture, LinkType::Ax25Kiss, &frames);
    let mut octets = fs::read(&capture).unwrap();
    octets.pop();
    fs::write(&capture, octets).unwrap();
    let (code, stdout, stderr) = rig.run(&["doctor", "--pcap", capture.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(stdout.contains("addressed to OTHER"), "{stdout}");
    assert!(stderr.contains("it ends within frame 3"), "{stderr}");
}

#[test]
fn the_doctor_reads_octets_as_they_came_out_of_a_radio() {
    let rig = Rig::alone();
    let file = rig.file("octets");
    let run = || rig.run(&["doctor", "--octets", file.to_str().unwrap()]);

    let mut octets = Vec::new();
    for packet in telemetry() {
        slip::encode(&kiss_ui("HELIO-1", "GROUND", &packet), &mut octets);
    }
    fs::write(&file, &octets).unwrap();
    let (code, stdout, _) = run();
    assert_eq!(code, 0, "{stdout}");

    let hdlc = HdlcConfig {
        nrzi: true,
        g3ruh: true,
        ..HdlcConfig::default()
    };
    let mut framer = Framer::new(&FramingConfig::hdlc(hdlc, None), None).unwrap();
    octets.clear();
    for packet in telemetry() {
        let frame = ui("HELIO-1", "GROUND", &packet);
        framer.frame(&frame, &mut octets).unwrap();
    }
    fs::write(&file, &octets).unwrap();
    let (code, stdout, _) = run();
    assert_eq!(code, 1);
    let part =
        "with framing \"hdlc\", nrzi, g3ruh: 3 AX.25 frames → [link.radio] framing = \"hdlc\"";
    assert!(stdout.contains(part), "{stdout}");
}
