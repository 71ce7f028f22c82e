//! Checksums of files.

use file_delivery::ChecksumType;
use file_delivery::checksum::{Checksum, ChecksumError, ModularSum};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1958),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn checksum_of(checksum_type: ChecksumType, octets: &[u8]) -> u32 {
    let mut checksum = Checksum::new(checksum_type).unwrap();
    checksum.update(0, octets).unwrap();
    checksum.value()
}

#[test]
fn the_check_values_of_the_catalogue_hold() {
    let octets = b"123456789";
    assert_eq!(checksum_of(ChecksumType::CRC_32C, octets), 0xE306_9283);
    assert_eq!(checksum_of(ChecksumType::CRC_32, octets), 0xCBF4_3926);
    assert_eq!(checksum_of(ChecksumType::NULL, octets), 0);
}

#[test]
fn a_file_without_octets_has_checksum_zero() {
    for checksum_type in [
        ChecksumType::MODULAR,
        ChecksumType::CRC_32C,
        ChecksumType::CRC_32,
        ChecksumType::NULL,
    ] {
        assert_eq!(checksum_of(checksum_type, b""), 0, "{checksum_type}");
    }
}

#[test]
fn the_modular_checksum_fills_up_the_last_word_with_zeros() {
    // The example of CCSDS 727.0-B-5 annex F.
    let octets: Vec<u8> = (0..=0x0E).collect();
    assert_eq!(checksum_of(ChecksumType::MODULAR, &octets), 0x181C_2015);
}

#[test]
fn types_that_are_not_computed_are_named() {
    for code in [1, 4, 14] {
        let checksum_type = ChecksumType::of_code(code).unwrap();
        let refused = Checksum::new(checksum_type);
        assert_eq!(refused, Err(ChecksumError::Unsupported(checksum_type)));
    }
    assert_eq!(ChecksumType::of_code(16), None);
}

#[test]
fn a_crc_takes_octets_in_order_only() {
    let mut checksum = Checksum::new(ChecksumType::CRC_32).unwrap();
    checksum.update(0, b"1234").unwrap();
    let before = checksum;
    let refused = checksum.update(5, b"6789");
    let (expected, found) = (4, 5);
    assert_eq!(refused, Err(ChecksumError::OutOfOrder { expected, found }));
    assert_eq!(checksum, before);
    checksum.update(4, b"56789").unwrap();
    assert_eq!(checksum.value(), 0xCBF4_3926);
    assert_eq!(checksum.octets(), 9);
}

/// Word by word, as the standard has it.
fn naive(file: &[u8]) -> u32 {
    file.chunks(4).fold(0_u32, |sum, chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        sum.wrapping_add(u32::from_be_bytes(word))
    })
}

/// A file, and where it is cut.
fn cut_files() -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
    prop::collection::vec(any::<u8>(), 0..200).prop_flat_map(|file| {
        let cuts = prop::collection::vec(0..=file.len(), 0..12);
        (Just(file), cuts)
    })
}

/// The parts between the cuts, with their offsets.
fn parts<'a>(file: &'a [u8], cuts: &[usize]) -> Vec<(u64, &'a [u8])> {
    let mut cuts = cuts.to_vec();
    cuts.extend([0, file.len()]);
    cuts.sort_unstable();
    cuts.windows(2)
        .map(|pair| (pair[0] as u64, &file[pair[0]..pair[1]]))
        .collect()
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn a_modular_checksum_takes_parts_in_any_order(
        (file, cuts) in cut_files(),
        order in any::<prop::sample::Index>(),
    ) {
        let mut parts = parts(&file, &cuts);
        let first = order.index(parts.len());
        parts.rotate_left(first);
        parts[1..].reverse();
        let mut sum = ModularSum::default();
        for (offset, part) in parts {
            sum.add(offset, part);
        }
        prop_assert_eq!(sum.value(), naive(&file));
    }

    #[test]
    fn a_checksum_goes_on_after_a_restart_anywhere((file, cuts) in cut_files()) {
        for checksum_type in [ChecksumType::MODULAR, ChecksumType::CRC_32C, ChecksumType::CRC_32] {
            let mut checksum = Checksum::new(checksum_type).unwrap();
            for (offset, part) in parts(&file, &cuts) {
                checksum.update(offset, part).unwrap();
                let (value, octets) = (checksum.value(), checksum.octets());
                checksum = Checksum::resume(checksum_type, value, octets).unwrap();
            }
            prop_assert_eq!(checksum.value(), checksum_of(checksum_type, &file));
        }
    }

    #[test]
    fn a_modular_checksum_of_octets_near_the_end_of_the_largest_file_does_not_panic(
        back: u8,
        octets in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        ModularSum::default().add(u64::MAX - u64::from(back), &octets);
    }
}
