//! PDUs, octet for octet: what is built, what is read and what is refused.

mod any;
mod hostile;
mod octets;
mod refused;
mod reserved_messages;
mod round_trip;
mod sizes;

use file_delivery::pdu::{Header, Pdu};
use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// The same cases in each run.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1958),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn build(header: &Header, pdu: &Pdu<'_>) -> Vec<u8> {
    // What stood in the buffer before must not matter.
    let mut octets = vec![0xEE; 7];
    Pdu::build(header, pdu, &mut octets).unwrap();
    octets
}

/// Octets written as hexadecimal digits; blanks do not count.
fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    let pairs = digits.as_bytes().chunks_exact(2);
    assert!(pairs.remainder().is_empty(), "odd number of digits");
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
