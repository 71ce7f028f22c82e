//! Class 1: a length off the wire was trusted, a short packet underflowed.
//!
//! cFS#952 (CVE-2026-5474), cFS#953 (CVE-2026-5475), cFS#985, cFE#2697,
//! cFE#2698, cFE#2699, cFE#2810, libcsp#963, libcsp#966, libcsp#970,
//! CryptoLib#268.

use comms_service::message::{End, PayloadType};
use comms_service::packet::LinkPacket;
use radio_hal::ax25::UiFrame;
use radio_hal::hdlc::{self, HdlcConfig};
use radio_hal::kiss::{self, Command, Port};
use radio_hal::{Deframer, FramingConfig, slip, typed};

use crate::packets::{formats, packet, payload_of, ui_frame};

const N1: usize = 256;
const PAYLOAD: &[u8] = b"a payload of 24 octets..";

fn pairs() -> impl Iterator<Item = (Box<dyn LinkPacket>, Box<dyn LinkPacket>)> {
    formats(End::Satellite)
        .into_iter()
        .zip(formats(End::Ground))
}

/// Class 1, for the packet formats: nothing shorter than a packet is one.
#[test]
fn no_prefix_of_a_packet_is_taken_for_a_packet() {
    for (satellite, ground) in pairs() {
        let packet = packet(&*ground, PayloadType::Udp, PAYLOAD, 1);
        assert!(satellite.parse(&packet).is_ok());
        for length in 0..packet.len() {
            let parsed = satellite.parse(&packet[..length]);
            assert!(parsed.is_err(), "{} octets of {}", length, satellite.name());
        }
    }
}

/// Class 1, for the packet formats: a packet that says it is longer than it is,
/// or shorter.
#[test]
fn a_declared_length_never_reaches_beyond_the_octets_that_came() {
    for (satellite, ground) in pairs() {
        let good = packet(&*ground, PayloadType::Udp, PAYLOAD, 1);
        let whole = good.len();
        for declared in 0..=u16::MAX {
            let mut packet = good.clone();
            packet[4..6].copy_from_slice(&declared.to_be_bytes());
            if satellite.name() == "udp" {
                correct_udp_checksum(&mut packet);
            }
            let Ok(parsed) = satellite.parse(&packet) else {
                continue;
            };
            let end = payload_of(&parsed).end;
            assert!(end <= whole, "{declared} in {}", satellite.name());
            // What is declared to be short is cut, and the rest counted.
            assert!(end + parsed.surplus_bytes <= whole, "{declared}");
            let as_declared = parsed.surplus_bytes == 0;
            assert_eq!(
                as_declared,
                packet == good,
                "{declared} in {}",
                satellite.name()
            );
        }
    }
}

/// Over both addresses, protocol and length, too (RFC 768).
fn correct_udp_checksum(packet: &mut [u8]) {
    packet[6..8].fill(0);
    let declared = usize::from(u16::from_be_bytes([packet[4], packet[5]]));
    let covered = declared.clamp(8, packet.len());
    let pseudo_header = [127, 0, 0, 1, 127, 0, 0, 1, 0, 17];
    let length = (covered as u16).to_be_bytes();
    let mut all = [&pseudo_header[..], &length, &packet[..covered]].concat();
    all.resize(all.len().next_multiple_of(2), 0);
    let pairs = all
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let mut sum: u32 = pairs.sum();
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    let checksum = match !(sum as u16) {
        0 => 0xFFFF,
        checksum => checksum,
    };
    packet[6..8].copy_from_slice(&checksum.to_be_bytes());
}

/// Class 1, for AX.25: a frame that ends within its header is none.
#[test]
fn no_prefix_of_an_ax25_frame_without_its_pid_is_taken() {
    let frame = ui_frame(PAYLOAD);
    for length in 0..frame.len() {
        let prefix = &frame[..length];
        assert_eq!(
            UiFrame::new_checked(prefix, N1).is_ok(),
            length >= 16,
            "{length}"
        );
        let _ = typed::parse(prefix, N1);
    }
}

/// Class 1, for the framings: the beginning of a frame is nothing yet, and what
/// comes next is not part of it.
#[test]
fn no_prefix_of_a_stream_yields_a_frame_or_costs_the_next_one() {
    let frame = ui_frame(PAYLOAD);
    let (mut kiss, mut slip, mut hdlc) = (Vec::new(), Vec::new(), Vec::new());
    kiss::encode(Port::ZERO, Command::Data, &frame, &mut kiss);
    slip::encode(&frame, &mut slip);
    hdlc::Encoder::new(&HdlcConfig::default()).encode(&frame, &mut hdlc);
    for (config, stream) in [
        (FramingConfig::kiss(), kiss),
        (FramingConfig::slip(), slip),
        (FramingConfig::hdlc(HdlcConfig::default(), None), hdlc),
    ] {
        // In HDLC, the last octet may be but the fill after the flag.
        for length in 0..stream.len() - 1 {
            let mut deframer = Deframer::new(&config).expect("a good configuration");
            deframer.push(&stream[..length]);
            assert!(deframer.next_packet().is_none(), "{length} of {config:?}");
            deframer.push(&stream);
            let mut last = None;
            while let Some(outcome) = deframer.next_packet() {
                last = outcome.ok().map(<[u8]>::to_vec);
            }
            assert_eq!(last.as_ref(), Some(&frame), "{length} of {config:?}");
        }
    }
}
