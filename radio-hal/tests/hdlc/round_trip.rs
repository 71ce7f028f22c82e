use proptest::collection::vec;
use proptest::prelude::*;
use radio_hal::hdlc::encoded_bytes_max;

use crate::row::{configs, decode_pieces, encode, good, pack, unpack};

const FRAME_BYTES_MAX: usize = 80;

/// With far more 1s in a row, and flags, than chance would bring.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![
        3 => any::<u8>(),
        2 => Just(0xFF),
        1 => Just(0x7E),
        1 => Just(0xF8),
        1 => Just(0x1F),
        1 => Just(0),
    ];
    vec(octet, 1..=FRAME_BYTES_MAX)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_frames_come_back_under_every_configuration_cut_anywhere(
        frames in vec(frame(), 1..5),
        piece_bytes in 1usize..50,
    ) {
        for config in configs() {
            let octets = encode(&frames, &config);
            let bytes_max: usize = frames
                .iter()
                .map(|frame| encoded_bytes_max(frame.len(), config.flags_before))
                .sum();
            prop_assert!(octets.len() <= bytes_max);
            let outcomes = decode_pieces(octets.chunks(piece_bytes), FRAME_BYTES_MAX, &config);
            let sent: Vec<_> = frames.iter().cloned().map(Ok).collect();
            prop_assert_eq!(outcomes, sent, "{:?}", config);
        }
    }

    #[test]
    fn octets_may_begin_at_any_bit_of_the_row(
        frames in vec(frame(), 1..4),
        before in vec(any::<bool>(), 0..8),
    ) {
        for config in configs() {
            let mut bits = before.clone();
            bits.extend(unpack(&encode(&frames, &config), config.bit_order));
            let octets = pack(&bits, config.bit_order);
            let outcomes = decode_pieces(octets.chunks(7), FRAME_BYTES_MAX, &config);
            prop_assert_eq!(&good(outcomes), &frames, "{:?}", config);
        }
    }

    #[test]
    fn noise_before_the_flags_of_a_frame_does_not_cost_it(
        noise in vec(any::<u8>(), 0..200),
        frame in frame(),
    ) {
        for config in configs() {
            let mut octets = noise.clone();
            octets.extend(encode(std::slice::from_ref(&frame), &config));
            let outcomes = decode_pieces(octets.chunks(11), FRAME_BYTES_MAX, &config);
            prop_assert_eq!(outcomes.last(), Some(&Ok(frame.clone())), "{:?}", config);
        }
    }
}
