//! Class 13: AX.25 addresses were not checked.
//!
//! CVE-2022-1199, CVE-2022-1204, CVE-2022-1205 (Linux AX.25), bpqether frames of
//! less than five octets.

use radio_hal::ax25::{ADDRESS_BYTES, Digipeater, UiFrame, UiRepr};
use radio_hal::{Deframer, FrameDrop, FramingConfig};

use crate::packets::{call, satellite, ui_frame};

/// Octet of the first character of the source.
const SOURCE: usize = ADDRESS_BYTES;
const SOURCE_SSID: usize = 2 * ADDRESS_BYTES - 1;
const PID: usize = 2 * ADDRESS_BYTES + 1;

/// What comes of a frame; the next good one must arrive in any case.
#[track_caller]
fn received(frame: &[u8]) -> Result<Vec<u8>, FrameDrop> {
    let mut deframer = Deframer::new(&FramingConfig::ax25(satellite())).expect("it fits");
    deframer.push(frame);
    let outcome = deframer.next_packet().expect("an outcome");
    let outcome = outcome.map(<[u8]>::to_vec);
    deframer.push(&ui_frame(b"next"));
    assert_eq!(deframer.next_packet(), Some(Ok(&b"next"[..])));
    outcome
}

fn spoiled(spoil: impl FnOnce(&mut Vec<u8>)) -> Result<Vec<u8>, FrameDrop> {
    let mut frame = ui_frame(b"payload");
    spoil(&mut frame);
    received(&frame)
}

/// Class 13: shorter than an address, as bpqether's were.
#[test]
fn a_frame_shorter_than_its_addresses_is_dropped() {
    for bytes in 0..2 * ADDRESS_BYTES {
        let dropped = received(&ui_frame(b"")[..bytes]);
        let expected = if bytes == 0 {
            FrameDrop::Empty
        } else {
            FrameDrop::Truncated
        };
        assert_eq!(dropped, Err(expected), "{bytes} octets");
    }
}

/// Class 13: no octet of the frame ends the address field.
#[test]
fn an_address_field_without_extension_bit_is_dropped() {
    let dropped = |bytes: usize| {
        let mut frame: Vec<u8> = ui_frame(b"").iter().cycle().take(bytes).copied().collect();
        frame.iter_mut().for_each(|octet| *octet &= !1);
        received(&frame)
    };
    for bytes in [14, 21, 69] {
        assert_eq!(dropped(bytes), Err(FrameDrop::Truncated), "{bytes}");
    }
    for bytes in [70, 71, 77, 256, 60_000] {
        assert_eq!(dropped(bytes), Err(FrameDrop::Address), "{bytes}");
    }
}

/// Class 13: the extension bit within an address, or after one only.
#[test]
fn an_address_field_of_odd_length_is_dropped() {
    for octet in (0..SOURCE_SSID).filter(|octet| octet % ADDRESS_BYTES != 6 || *octet < SOURCE) {
        let dropped = spoiled(|frame| frame[octet] |= 1);
        assert_eq!(dropped, Err(FrameDrop::Address), "octet {octet}");
    }
}

/// Class 13: a path longer than the address field may be.
#[test]
fn more_than_eight_digipeaters_are_dropped() {
    let digipeater = Digipeater {
        callsign: call("RPT-3"),
        repeated: true,
    };
    let repr = UiRepr::new(call("SAT1-1"), call("GND-2"), vec![digipeater; 8]);
    let mut frame = Vec::new();
    repr.expect("eight are allowed")
        .emit(b"payload", &mut frame);
    assert_eq!(received(&frame), Ok(b"payload".to_vec()));
    let last = frame[63..70].to_vec();
    frame[69] &= !1;
    for _ in 0..3 {
        frame.splice(70..70, last.clone());
        assert_eq!(received(&frame), Err(FrameDrop::Address));
    }
}

/// Class 13: characters that no callsign has, in every place of it.
#[test]
fn a_callsign_with_lower_case_nul_or_space_within_is_dropped() {
    for place in 0..4 {
        for character in [b'a', b'z', 0, b'\n', b'-', b'/', 0x7F] {
            let dropped = spoiled(|frame| frame[SOURCE + place] = character << 1);
            assert_eq!(
                dropped,
                Err(FrameDrop::Callsign),
                "{character:#X} at {place}"
            );
        }
    }
    assert_eq!(
        spoiled(|frame| frame[SOURCE + 1] = b' ' << 1),
        Err(FrameDrop::Callsign)
    );
    assert_eq!(
        spoiled(|frame| frame[SOURCE..SOURCE + 6].fill(b' ' << 1)),
        Err(FrameDrop::Callsign)
    );
}

/// Class 13: the bits around an SSID are not part of it.
#[test]
fn every_ssid_is_read_whatever_the_bits_around_it_are() {
    for ssid in 0..16 {
        for others in [0x00, 0x20, 0x40, 0x60, 0x80, 0xA0, 0xC0, 0xE0] {
            let mut frame = ui_frame(b"payload");
            frame[SOURCE_SSID] = others | ssid << 1 | 1;
            let read = UiFrame::new_checked(&frame, 256).expect("a good frame");
            assert_eq!(read.source(), call(&format!("GND-{ssid}")));
            assert_eq!(received(&frame), Ok(b"payload".to_vec()));
        }
    }
}

/// Class 13: neither PID nor information; a PID of another protocol.
#[test]
fn a_frame_without_pid_or_of_another_is_dropped() {
    assert_eq!(
        spoiled(|frame| frame.truncate(PID)),
        Err(FrameDrop::Truncated)
    );
    assert_eq!(
        spoiled(|frame| frame.truncate(PID - 1)),
        Err(FrameDrop::Truncated)
    );
    assert_eq!(
        spoiled(|frame| frame.truncate(PID + 1)),
        Err(FrameDrop::Empty)
    );
    for pid in (0..=255).filter(|pid| *pid != 0xF0) {
        assert_eq!(
            spoiled(|frame| frame[PID] = pid),
            Err(FrameDrop::Pid),
            "{pid:#X}"
        );
    }
}

/// Class 13: supervisory and information frames, which a datagram link has none
/// of, start nothing.
#[test]
fn frames_of_other_types_than_ui_are_dropped() {
    for control in (0..=255).filter(|control| ![0x03, 0x13].contains(control)) {
        let dropped = spoiled(|frame| frame[PID - 1] = control);
        assert_eq!(dropped, Err(FrameDrop::NotUi), "{control:#X}");
    }
}
