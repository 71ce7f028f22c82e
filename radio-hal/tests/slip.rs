//! SLIP, and KISS that is made of it: cut, interrupted, given up.

use proptest::collection::vec;
use proptest::prelude::*;
use radio_hal::slip::{ABORT, Decoder, END, ESC, ESC_END, ESC_ESC, SlipError, encode};
use radio_hal::{Deframer, FrameDrop, Framer, FramingConfig, HdlcConfig};

const MAX: usize = 64;

type Outcome = Result<Vec<u8>, SlipError>;

fn take_all(decoder: &mut Decoder) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Some(outcome) = decoder.next_frame() {
        outcomes.push(outcome.map(<[u8]>::to_vec));
    }
    outcomes
}

fn encoded(frame: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    encode(frame, &mut octets);
    octets
}

/// With far more frame ends and escapes than chance would bring.
fn octet() -> impl Strategy<Value = u8> {
    let special = prop_oneof![Just(END), Just(ESC), Just(ESC_END), Just(ESC_ESC)];
    prop_oneof![any::<u8>(), special]
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    vec(octet(), 1..=MAX)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_frames_come_back_cut_anywhere(frames in vec(frame(), 1..5), piece_bytes in 1usize..50) {
        let stream = frames.iter().flat_map(|frame| encoded(frame)).collect::<Vec<_>>();
        let mut decoder = Decoder::new(MAX);
        let mut outcomes = Vec::new();
        for piece in stream.chunks(piece_bytes) {
            decoder.push(piece);
            outcomes.extend(take_all(&mut decoder));
        }
        prop_assert_eq!(outcomes, frames.into_iter().map(Ok).collect::<Vec<_>>());
    }

    /// Whatever came before, and with or without pushed octets that were not
    /// taken yet.
    #[test]
    fn after_a_reset_a_decoder_is_as_new(
        before in vec(octet(), 0..200),
        taken: bool,
        after in vec(octet(), 0..200),
    ) {
        let mut decoder = Decoder::new(MAX);
        decoder.push(&before);
        if taken {
            take_all(&mut decoder);
        }
        decoder.reset();
        prop_assert_eq!(decoder.buffered_bytes(), 0);
        let mut new = Decoder::new(MAX);
        for decoder in [&mut decoder, &mut new] {
            decoder.push(&after);
        }
        prop_assert_eq!(take_all(&mut decoder), take_all(&mut new));
    }

    #[test]
    fn a_frame_cut_off_anywhere_and_given_up_costs_itself_only(first in frame(), next in frame()) {
        let whole = encoded(&first);
        for sent in 1..whole.len() {
            let mut decoder = Decoder::new(MAX);
            let stream = [&whole[..sent], &ABORT, &encoded(&next)].concat();
            decoder.push(&stream);
            let outcomes = take_all(&mut decoder);
            let [Err(SlipError::Escape { .. }), frame] = &outcomes[..] else {
                panic!("{sent} octets: {outcomes:?}");
            };
            prop_assert_eq!(frame, &Ok(next.clone()));
        }
    }
}

#[test]
fn a_reset_tells_whether_a_frame_was_cut_off_at_every_place() {
    let stream = encoded(b"ab\xC0\xDBc");
    for length in 0..=stream.len() {
        let mut decoder = Decoder::new(MAX);
        decoder.push(&stream[..length]);
        take_all(&mut decoder);
        // Not by a frame end alone, nor after the one that ended it.
        let cut_off = (2..stream.len()).contains(&length);
        assert_eq!(decoder.reset(), cut_off, "{length} octets");
    }
}

#[test]
fn a_frame_that_was_given_up_as_too_long_is_not_cut_off_as_well() {
    let mut decoder = Decoder::new(4);
    decoder.push(b"\xC0too long");
    assert_eq!(
        take_all(&mut decoder),
        [Err(SlipError::Oversize { frame_bytes_max: 4 })]
    );
    assert!(!decoder.reset());
}

/// The driver took a part of a frame and then no more.
#[test]
fn a_framer_gives_a_frame_up_in_every_framing_with_borders() {
    let one_flag = HdlcConfig {
        flags_before: 1,
        ..HdlcConfig::default()
    };
    for config in [
        FramingConfig::kiss(),
        FramingConfig::slip(),
        FramingConfig::hdlc(one_flag, None),
    ] {
        let mut framer = Framer::new(&config, None).unwrap();
        let mut whole = Vec::new();
        framer
            .frame(b"first \xC0\xDB\x7E\xFF packet", &mut whole)
            .unwrap();
        for sent in 4..whole.len() - 1 {
            let mut stream = whole[..sent].to_vec();
            framer.abort(&mut stream);
            framer.frame(b"next", &mut stream).unwrap();
            let mut deframer = Deframer::new(&config).unwrap();
            deframer.push(&stream);
            let dropped = deframer.next_packet();
            let given_up = matches!(dropped, Some(Err(FrameDrop::Escape | FrameDrop::Abort)));
            assert!(given_up, "{config:?} {sent}: {dropped:?}");
            assert_eq!(deframer.next_packet(), Some(Ok(&b"next"[..])));
            assert_eq!(deframer.next_packet(), None);
        }
    }
}
