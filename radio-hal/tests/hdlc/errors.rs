use std::ops::Range;

use radio_hal::HdlcConfig;
use radio_hal::hdlc::{BitOrder, Encoder, fcs};

use crate::row::{configs, decode, good, random_octets};

const MAX: usize = 64;

/// A wrong bit on the air is taken in again 17 bits later by the descrambler,
/// and NRZI looks one bit back.
fn reach_bits(config: &HdlcConfig) -> usize {
    usize::from(config.nrzi) + if config.g3ruh { 17 } else { 0 }
}

/// Frames of `bytes`, encoded, with the bits of each from its flags to the end
/// of its last octet.
fn three_frames(
    seed: u64,
    bytes: usize,
    config: &HdlcConfig,
) -> (Vec<Vec<u8>>, Vec<u8>, Vec<Range<usize>>) {
    let mut encoder = Encoder::new(config);
    let mut octets = Vec::new();
    let (mut frames, mut places) = (Vec::new(), Vec::new());
    for number in 0..3 {
        let frame = random_octets(seed * 3 + number, bytes);
        let start = octets.len();
        encoder.encode(&frame, &mut octets);
        places.push(start * 8..octets.len() * 8);
        frames.push(frame);
    }
    (frames, octets, places)
}

/// Bug class 12, libcsp#596. A bit that makes or breaks a flag or a stuffed bit
/// gives the FCS another frame to judge; 1 of 65 536 such would pass, none of
/// these does.
#[test]
fn every_single_wrong_bit_costs_the_frames_it_reaches_and_yields_no_other() {
    let mut flips = 0;
    for config in line_codes() {
        for (seed, bytes) in (0..).zip([1, 2, 17, 40, 64]) {
            let (frames, octets, places) = three_frames(seed, bytes, &config);
            for bit in 0..octets.len() * 8 {
                flips += 1;
                let decoded = good(decode(&with_wrong(&octets, bit), MAX, &config));
                let all_sent = decoded.iter().all(|frame| frames.contains(frame));
                assert!(all_sent && decoded.len() <= 3, "bit {bit} of {config:?}");
                let reached = bit..bit + reach_bits(&config) + 1;
                for (frame, place) in frames.iter().zip(&places) {
                    let lost = !decoded.contains(frame);
                    assert!(!lost || overlap(place, &reached), "bit {bit} of {config:?}");
                }
            }
        }
    }
    println!("{flips} wrong bits");
}

/// Which bit of an octet comes first makes no difference here.
fn line_codes() -> impl Iterator<Item = HdlcConfig> {
    let lsb_first = |config: &HdlcConfig| config.bit_order == BitOrder::LsbFirst;
    configs().into_iter().filter(lsb_first)
}

fn with_wrong(octets: &[u8], bit: usize) -> Vec<u8> {
    let mut wrong = octets.to_vec();
    wrong[bit / 8] ^= 1 << (bit % 8);
    wrong
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

#[test]
fn a_single_wrong_bit_within_a_frame_is_always_found() {
    for config in line_codes() {
        for bytes in [1, 20, 64] {
            let (frames, octets, places) = three_frames(99, bytes, &config);
            // Neither its flags, nor the flag and fill after it.
            let within = places[1].start + 8 * config.flags_before..places[1].end - 16;
            for bit in within {
                let decoded = good(decode(&with_wrong(&octets, bit), MAX, &config));
                assert!(!decoded.contains(&frames[1]), "bit {bit} of {config:?}");
            }
        }
    }
}

#[test]
fn the_fcs_is_that_of_the_standard() {
    // The check value of CRC-16/X-25.
    assert_eq!(fcs(b"123456789"), 0x906E);
    // The residue over a frame and its FCS (AX.25 v2.2 §3.8), turned over.
    let mut frame = b"any frame".to_vec();
    frame.extend(fcs(&frame).to_le_bytes());
    assert_eq!(fcs(&frame), !0xF0B8);
}

#[test]
fn every_single_wrong_bit_of_a_frame_changes_its_fcs() {
    for bytes in 1..=64 {
        let frame = random_octets(bytes as u64, bytes);
        for bit in 0..bytes * 8 {
            assert_ne!(fcs(&with_wrong(&frame, bit)), fcs(&frame), "bit {bit}");
        }
    }
}
