//! Class 3: framing or escapes overflowed a buffer.
//!
//! CVE-2025-34457 (direwolf#617, direwolf#651: a KISS frame of more than 2048
//! octets), libcsp#953, libcsp#971, 6pack `decode_data` of Linux.

use radio_hal::framing::N1_BYTES_MAX;
use radio_hal::hdlc::{self, HdlcConfig};
use radio_hal::kiss::{self, Command, FEND, FESC, Port, TFEND};
use radio_hal::{Ax25Config, Deframer, FrameDrop, FramingConfig, slip};

use crate::packets::{satellite, ui_frame};

const FRAME_BYTES_MAX: usize = 100;
const FLOOD_BYTES: usize = 10_000_000;
const PIECE_BYTES: usize = 1000;

/// Takes a flood of the same octets in pieces; gives the most octets held, and how
/// many frames or errors came of it.
fn flood_kiss(octets: &[u8]) -> (usize, usize) {
    let piece = octets.repeat(PIECE_BYTES / octets.len());
    let mut decoder = kiss::Decoder::new(FRAME_BYTES_MAX);
    decoder.push(&[FEND, 0]);
    let (mut held_max, mut outcomes) = (0, 0);
    for _ in 0..FLOOD_BYTES / PIECE_BYTES {
        decoder.push(&piece);
        held_max = held_max.max(decoder.buffered_bytes());
        while decoder.next_frame().is_some() {
            outcomes += 1;
        }
        held_max = held_max.max(decoder.buffered_bytes());
    }
    (held_max, outcomes)
}

/// Class 3: KISS without a frame end.
#[test]
fn a_kiss_frame_without_end_is_reported_once_and_held_no_longer() {
    let (held_max, outcomes) = flood_kiss(&[0x55]);
    assert!(held_max <= PIECE_BYTES + FRAME_BYTES_MAX + 1, "{held_max}");
    assert_eq!(outcomes, 1);
}

/// Class 3: nothing but escapes, right ones and wrong ones, or frame ends.
#[test]
fn floods_of_escapes_and_of_frame_ends_take_no_memory() {
    for octets in [&[FESC, TFEND][..], &[FESC], &[FEND]] {
        let (held_max, outcomes) = flood_kiss(octets);
        assert!(held_max <= PIECE_BYTES + FRAME_BYTES_MAX + 1, "{held_max}");
        // Too long, a wrong escape, or the type octet alone.
        assert_eq!(outcomes, 1, "{octets:02X?}");
    }
}

/// Class 3: escapes count as the one octet they stand for.
#[test]
fn a_frame_of_escapes_only_at_the_limit_is_taken_and_one_above_is_not() {
    for octets in [FRAME_BYTES_MAX - 1, FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1] {
        let mut decoder = slip::Decoder::new(FRAME_BYTES_MAX);
        let stream = [&[FEND][..], &[FESC, TFEND].repeat(octets), &[FEND]].concat();
        decoder.push(&stream);
        let taken = decoder.next_frame().expect("an outcome").map(<[u8]>::len);
        assert_eq!(taken.ok(), (octets <= FRAME_BYTES_MAX).then_some(octets));
    }
}

/// Class 3, with the size that overflowed direwolf's: the limit is N1, one octet
/// above is dropped for a reason, and the next frame arrives.
#[test]
fn information_around_the_largest_n1_is_taken_up_to_it() {
    let config = Ax25Config {
        n1: N1_BYTES_MAX,
        ..satellite()
    };
    for (octets, expected) in [
        (N1_BYTES_MAX - 1, Ok(())),
        (N1_BYTES_MAX, Ok(())),
        (N1_BYTES_MAX + 1, Err(FrameDrop::InfoTooLong)),
        (2 * N1_BYTES_MAX, Err(FrameDrop::Oversize)),
        (100_000, Err(FrameDrop::Oversize)),
    ] {
        for octet in [0, FEND, FESC] {
            let mut stream = Vec::new();
            for info in [&vec![octet; octets][..], b"next"] {
                kiss::encode(Port::ZERO, Command::Data, &ui_frame(info), &mut stream);
            }
            let mut deframer =
                Deframer::new(&FramingConfig::kiss_ax25(config.clone())).expect("it fits");
            deframer.push(&stream);
            let outcome = deframer.next_packet().expect("an outcome");
            assert_eq!(outcome.map(drop), expected, "{octets}");
            assert_eq!(deframer.next_packet(), Some(Ok(&b"next"[..])), "{octets}");
        }
    }
}

/// Class 3, for HDLC: bits without flag or abort.
#[test]
fn an_hdlc_frame_without_end_is_reported_once_and_held_no_longer() {
    let mut decoder = hdlc::Decoder::new(FRAME_BYTES_MAX, &HdlcConfig::default());
    decoder.push(&[hdlc::FLAG]);
    let mut outcomes = 0;
    for _ in 0..FLOOD_BYTES / 10 / PIECE_BYTES {
        decoder.push(&[0x55; PIECE_BYTES]);
        while decoder.next_frame().is_some() {
            outcomes += 1;
        }
        assert!(decoder.buffered_bytes() <= FRAME_BYTES_MAX + 3);
    }
    assert_eq!(outcomes, 1);
}
