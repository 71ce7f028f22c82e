//! Our bits at 9600 bit/s are those of another's G3RUH modem, both ways.

use heliograph_tests::audio::{self, SAMPLE_RATE_HZ};
use heliograph_tests::direwolf::{Modem, decode, generate};
use radio_hal::HdlcConfig;
use radio_hal::ax25::UiRepr;
use radio_hal::hdlc::{Bits, Decoder, Encoder};

const MODEM: Modem = Modem::G3ruh9600;
const FRAMES: usize = 200;
const FRAME_BYTES_MAX: usize = 400;
/// A receiver's clock locks on these.
const FLAGS_BEFORE: usize = 32;

fn samples_per_bit() -> usize {
    (SAMPLE_RATE_HZ / MODEM.bit_rate_bps()) as usize
}

fn config() -> HdlcConfig {
    HdlcConfig {
        nrzi: true,
        g3ruh: true,
        flags_before: FLAGS_BEFORE,
        ..HdlcConfig::default()
    }
}

fn address() -> UiRepr {
    let [to, from] = ["GND-2", "SAT1-1"].map(|call| call.parse().expect("a callsign"));
    UiRepr::new(to, from, Vec::new()).expect("no digipeater is too many")
}

/// Octets of every value, runs of 1s and 0s among them.
fn info(number: usize, bytes: usize) -> Vec<u8> {
    let octet = |at: usize| match (number + at / 8) % 4 {
        0 => 0xFF,
        1 => 0x00,
        _ => (number * 37 + at * 101) as u8,
    };
    (0..bytes).map(octet).collect()
}

fn frame(number: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    address().emit(&info(number, 1 + number), &mut frame);
    frame
}

fn bits_of(octets: &[u8]) -> impl Iterator<Item = bool> {
    let bits = |octet: &u8| {
        (0..8).map({
            let octet = *octet;
            move |place| octet >> place & 1 != 0
        })
    };
    octets.iter().flat_map(bits)
}

#[test]
fn dire_wolf_decodes_every_frame_that_we_encode() {
    let frames: Vec<_> = (0..FRAMES).map(frame).collect();
    let mut encoder = Encoder::new(&config());
    let mut octets = Vec::new();
    for frame in &frames {
        encoder.encode(frame, &mut octets);
    }
    let mut samples = audio::levels(bits_of(&octets), samples_per_bit());
    samples.extend(audio::silence(1));
    let decoded = decode(MODEM, &samples);
    println!("{} of {FRAMES} frames decoded by atest", decoded.len());
    assert_eq!(decoded, frames);
}

#[test]
fn we_decode_every_frame_that_dire_wolf_encodes() {
    let repr = address();
    let mut decoder = Decoder::new(FRAME_BYTES_MAX, &config());
    let mut decoded = Vec::new();
    let infos: Vec<_> = (0..FRAMES)
        .map(|number| info(number, 1 + number % 60))
        .collect();
    for info in &infos {
        let samples = generate(MODEM, repr.source(), repr.destination(), info);
        let mut bits = Bits::new();
        let sliced = audio::slice(&samples, samples_per_bit());
        sliced.into_iter().for_each(|bit| bits.push(bit));
        decoder.push(bits.octets());
        while let Some(outcome) = decoder.next_frame() {
            if let Ok(frame) = outcome {
                decoded.push(frame[repr.header_bytes()..].to_vec());
            }
        }
    }
    println!(
        "{} of {FRAMES} frames of gen_packets decoded",
        decoded.len()
    );
    assert_eq!(decoded, infos);
}
