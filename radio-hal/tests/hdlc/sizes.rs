use proptest::collection::vec;
use proptest::prelude::*;
use radio_hal::HdlcConfig;
use radio_hal::hdlc::{Bits, FCS_BYTES, HdlcError, encoded_bytes_max, frame_bits, put_frame};

use crate::row::{Row, configs, decode, encode, random_octets};

#[test]
fn a_frame_at_the_limit_is_taken_and_one_above_is_reported_once() {
    const MAX: usize = 20;
    let oversize = HdlcError::Oversize {
        frame_bytes_max: MAX,
    };
    for config in configs() {
        for octet in [0x00, 0x55, 0x7E, 0xFF] {
            for bytes in [MAX - 1, MAX, MAX + 1, MAX + 2, MAX + 3, 10 * MAX] {
                let frames = [vec![octet; bytes], b"next".to_vec()];
                let outcomes = decode(&encode(&frames, &config), MAX, &config);
                let first = if bytes <= MAX {
                    Ok(frames[0].clone())
                } else {
                    Err(oversize)
                };
                assert_eq!(
                    outcomes,
                    [first, Ok(b"next".to_vec())],
                    "{bytes} of {octet:#X}"
                );
            }
        }
    }
}

#[test]
fn frames_of_an_octet_are_the_shortest() {
    let row = Row::new().flag().frame(b"").flag().frame(b"x").flag();
    let too_short = HdlcError::TooShort {
        bits: 8 * FCS_BYTES,
    };
    assert_eq!(row.decode(64), [Err(too_short), Ok(b"x".to_vec())]);
}

#[test]
fn random_octets_cost_one_stuffed_bit_in_62() {
    // A run of five 1s takes 2⁶ − 2 bits on average to come about, and begins
    // anew after it.
    let frame = random_octets(5, 125_000);
    let plain = 8 * (frame.len() + FCS_BYTES);
    let stuffed = frame_bits(&frame) - plain;
    let expected = plain as f64 / 62.0;
    // Four standard deviations of some 16 000 runs.
    let deviation = 4.0 * expected.sqrt();
    println!("{stuffed} stuffed bits, {expected:.0} expected");
    assert!(
        (stuffed as f64 - expected).abs() < deviation,
        "{stuffed} of {plain}"
    );
}

#[test]
fn nothing_costs_more_than_ones_only() {
    for bytes in [1, 2, 3, 100, 255, 256, 1000] {
        for flags_before in [1, 2, 100] {
            let config = HdlcConfig {
                flags_before,
                ..HdlcConfig::default()
            };
            let octets = encode(&[vec![0xFF; bytes]], &config).len();
            let bytes_max = encoded_bytes_max(bytes, flags_before);
            // The FCS alone is not all 1s.
            assert!(
                (bytes_max - 1..=bytes_max).contains(&octets),
                "{bytes}: {octets}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn frame_bits_are_those_that_are_put(frame in vec(prop_oneof![any::<u8>(), Just(0xFF)], 0..200)) {
        let mut bits = Bits::new();
        put_frame(&frame, &mut bits);
        prop_assert_eq!(frame_bits(&frame), bits.len());
        // Stuffed as it must be: nowhere six 1s in a row, and without the 0
        // after each five it is the frame again.
        let (mut plain, mut ones) = (0, 0);
        for bit in bits.iter() {
            prop_assert!(!(bit && ones == 5));
            plain += usize::from(ones < 5);
            ones = if bit { ones + 1 } else { 0 };
        }
        prop_assert_eq!(plain, 8 * (frame.len() + FCS_BYTES));
        let flags = HdlcConfig::default().flags_before + 1;
        let octets = encode(&[frame], &HdlcConfig::default()).len();
        prop_assert_eq!(octets, (bits.len() + 8 * flags).div_ceil(8));
    }
}
