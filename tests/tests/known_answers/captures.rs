//! Captures that Wireshark's own tools write, and those that radios write.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use heliograph_tests::pcap::LinkType;
use heliograph_tests::tshark;
use radio_hal::capture::capture;
use radio_hal::pcap::{PcapError, PcapReader};
use radio_hal::watch::watch;
use radio_hal::{Ax25Config, FramingConfig, LoopbackRadio, RadioConnection};
use tempfile::TempDir;

/// Two frames, 1.5 s apart.
const FRAMES: [(&str, &[u8]); 2] = [
    ("1700000000.250000", &[0x00, 0xC0, 0xDB, 0x7E]),
    ("1700000001.750000", &[0xFF; 300]),
];

/// What `text2pcap` makes of [`FRAMES`].
fn text2pcap(folder: &TempDir, arguments: &[&str]) -> PathBuf {
    let (dump, capture) = (folder.path().join("dump"), folder.path().join("capture"));
    let packets = FRAMES.map(|(time, octets)| {
        let octets: Vec<_> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{time}\n000000 {}\n", octets.join(" "))
    });
    fs::write(&dump, packets.concat()).unwrap();
    let output = Command::new("text2pcap")
        .args(["-q", "-t", "%s.%f"])
        .args(arguments)
        .args([&dump, &capture])
        .output()
        .expect("text2pcap comes with tshark: run `cargo xtask setup`");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    capture
}

#[test]
fn captures_of_wireshark_in_microseconds_and_nanoseconds_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for (link_type, number) in [
        (LinkType::Ax25Kiss, "202"),
        (LinkType::Ax25, "3"),
        (LinkType::User0, "147"),
        (LinkType::Ipv4, "228"),
    ] {
        for format in ["pcap", "nsecpcap"] {
            let capture = text2pcap(&folder, &["-F", format, "-l", number]);
            let mut reader = PcapReader::new(File::open(capture).unwrap()).unwrap();
            assert_eq!(reader.link_type(), link_type);
            let mut times = Vec::new();
            for (_, octets) in FRAMES {
                let frame = reader.next_frame().unwrap().unwrap();
                assert_eq!(frame.octets, octets);
                assert_eq!(frame.original_bytes as usize, octets.len());
                times.push(frame.since_epoch);
            }
            let [first, second] = times[..] else {
                panic!("two times")
            };
            assert_eq!(second - first, Duration::from_millis(1_500));
            assert_eq!(first.subsec_millis(), 250);
            assert!(reader.next_frame().unwrap().is_none());
        }
    }
}

#[test]
fn a_capture_in_the_newer_format_is_told_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let capture = text2pcap(&folder, &["-F", "pcapng", "-l", "202"]);
    let error = PcapReader::new(File::open(capture).unwrap()).unwrap_err();
    assert!(matches!(error, PcapError::Pcapng));
}

/// What a radio that works captures, by its framing.
#[test]
fn wireshark_reads_what_a_radio_captures_in_each_framing() {
    let folder = tempfile::tempdir().unwrap();
    let ax25 = Ax25Config::new("HELIO-1".parse().unwrap(), "GROUND".parse().unwrap());
    for (framing, encapsulation, bytes) in [
        (
            FramingConfig::kiss_ax25(ax25.clone()),
            "AX.25 with KISS header",
            1 + 16 + 5,
        ),
        (
            FramingConfig::ax25(ax25.clone()),
            "Amateur Radio AX.25",
            16 + 5,
        ),
        (
            FramingConfig::hdlc(Default::default(), Some(ax25)),
            "Amateur Radio AX.25",
            16 + 5,
        ),
        (FramingConfig::kiss(), "USER 0", 5),
        (FramingConfig::raw(), "USER 0", 5),
    ] {
        let path = folder.path().join("radio.pcap");
        let (radio, _other) = LoopbackRadio::pair();
        let radio = watch(radio, &framing, capture(&path, &framing).unwrap()).unwrap();
        let radio = RadioConnection::new(radio, framing, Duration::from_millis(10)).unwrap();
        for _ in 0..3 {
            radio.write(b"hello").unwrap();
        }
        let said = tshark::details(&path, &[]);
        let wanted = format!("Encapsulation type: {encapsulation}");
        assert_eq!(said.matches(&wanted).count(), 3, "{said}");
        assert!(!said.contains("Malformed"), "{said}");
        let lengths = tshark::fields(&path, &[], &["frame.len"]);
        assert_eq!(lengths, vec![vec![bytes.to_string()]; 3]);
    }
}
