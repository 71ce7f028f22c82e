//! Which octets of a file are there.

use std::ops::Range;

use file_delivery::Extents;
use file_delivery::extents::{ExtentsError, Inserted};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const FILE_OCTETS: u64 = 64;

fn ranges(extents: &Extents) -> Vec<Range<u64>> {
    extents.ranges().collect()
}

fn holes(extents: &Extents, within: Range<u64>) -> Vec<Range<u64>> {
    extents.holes(within).collect()
}

#[test]
fn touching_ranges_become_one() {
    let mut extents = Extents::default();
    for range in [0..10, 20..30, 10..20] {
        let whole = extents.insert(range).unwrap();
        assert_eq!(whole.new_octets, 10);
    }
    assert_eq!(ranges(&extents), vec![0..30; 1]);
}

#[test]
fn octets_that_come_twice_are_told_apart_from_new_ones() {
    let mut extents = Extents::default();
    extents.insert(10..20).unwrap();
    extents.insert(30..40).unwrap();
    let inserted = extents.insert(15..50).unwrap();
    assert_eq!(
        inserted,
        Inserted {
            new_octets: 20,
            duplicate_octets: 15
        }
    );
    assert_eq!(extents.octets(), 40);
    assert_eq!(extents.insert(10..50).unwrap().new_octets, 0);
}

#[test]
fn holes_go_up_to_an_end_whether_or_not_anything_is_beyond_it() {
    let mut extents = Extents::default();
    extents.insert(10..20).unwrap();
    extents.insert(30..40).unwrap();
    assert_eq!(holes(&extents, 0..50), [0..10, 20..30, 40..50]);
    assert_eq!(holes(&extents, 0..35), [0..10, 20..30]);
    assert_eq!(holes(&extents, 15..25), vec![20..25; 1]);
    assert_eq!(holes(&extents, 12..18), []);
    assert_eq!(holes(&extents, 7..7), []);
    assert_eq!(extents.contiguous_prefix(), 0);
    extents.insert(0..10).unwrap();
    assert_eq!(extents.contiguous_prefix(), 20);
}

#[test]
fn one_range_too_many_is_refused_and_changes_nothing() {
    let mut extents = Extents::new(2);
    extents.insert(10..20).unwrap();
    extents.insert(30..40).unwrap();
    let before = extents.clone();
    let refused = ExtentsError::TooManyRanges {
        start: 50,
        end: 60,
        ranges_max: 2,
    };
    assert_eq!(extents.insert(50..60), Err(refused));
    assert_eq!(
        refused.to_string(),
        "octets 50 to 60 would be range 3 of 2 at most"
    );
    assert_eq!(extents, before);

    // What makes a range longer, or two of them one, is always taken.
    extents.insert(40..60).unwrap();
    extents.insert(15..35).unwrap();
    assert_eq!(ranges(&extents), vec![10..60; 1]);
    extents.insert(70..80).unwrap();
}

#[test]
fn the_largest_offsets_are_taken() {
    let mut extents = Extents::default();
    let inserted = extents.insert(0..u64::MAX).unwrap();
    assert_eq!(inserted.new_octets, u64::MAX);
    assert_eq!(extents.end(), u64::MAX);
    assert_eq!(extents.insert(5..u64::MAX).unwrap().new_octets, 0);
}

/// A flag for each octet.
struct Bitmap([bool; FILE_OCTETS as usize]);

impl Bitmap {
    fn insert(&mut self, range: Range<u64>) -> Inserted {
        let mut inserted = Inserted::default();
        for at in range {
            let there = &mut self.0[at as usize];
            match *there {
                true => inserted.duplicate_octets += 1,
                false => inserted.new_octets += 1,
            }
            *there = true;
        }
        inserted
    }

    /// Runs of octets that are there, or are not.
    fn runs(&self, there: bool, within: Range<u64>) -> Vec<Range<u64>> {
        let mut runs: Vec<Range<u64>> = Vec::new();
        for at in within {
            if self.0[at as usize] != there {
                continue;
            }
            match runs.last_mut() {
                Some(run) if run.end == at => run.end += 1,
                _ => runs.push(at..at + 1),
            }
        }
        runs
    }
}

fn range_in_file() -> impl Strategy<Value = Range<u64>> {
    (0..=FILE_OCTETS, 0..=FILE_OCTETS).prop_map(|(a, b)| a.min(b)..a.max(b))
}

fn short_ranges() -> impl Strategy<Value = Range<u64>> {
    (0..FILE_OCTETS, 0..6_u64).prop_map(|(start, bytes)| start..(start + bytes).min(FILE_OCTETS))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        rng_seed: RngSeed::Fixed(1958),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn ranges_say_the_same_as_a_flag_for_each_octet(
        inserted in prop::collection::vec(prop_oneof![3 => short_ranges(), 1 => range_in_file()], 0..40),
        asked in range_in_file(),
        ranges_max in 1..20_usize,
    ) {
        let (mut extents, mut bitmap) = (Extents::new(ranges_max), Bitmap([false; FILE_OCTETS as usize]));
        for range in inserted {
            match extents.insert(range.clone()) {
                Ok(inserted) => prop_assert_eq!(inserted, bitmap.insert(range)),
                Err(_) => {
                    // Refused only where the set is full and the range would stand alone.
                    let there = bitmap.runs(true, 0..FILE_OCTETS);
                    prop_assert_eq!(there.len(), ranges_max);
                    prop_assert!(!there.iter().any(|it| it.start <= range.end && range.start <= it.end));
                }
            }
            let there = bitmap.runs(true, 0..FILE_OCTETS);
            prop_assert_eq!(ranges(&extents), &there[..]);
            prop_assert!(there.len() <= ranges_max);
            prop_assert_eq!(extents.octets(), there.iter().map(|it| it.end - it.start).sum::<u64>());
            prop_assert_eq!(extents.end(), there.last().map_or(0, |it| it.end));
        }
        let missing = bitmap.runs(false, asked.clone());
        prop_assert_eq!(extents.contains(asked.clone()), missing.is_empty());
        prop_assert_eq!(holes(&extents, asked), missing);
        let first_missing = bitmap.runs(false, 0..FILE_OCTETS).first().map_or(FILE_OCTETS, |it| it.start);
        prop_assert_eq!(extents.contiguous_prefix(), first_missing);
    }
}
