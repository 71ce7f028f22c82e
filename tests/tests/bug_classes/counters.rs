//! Class 9: counters of the two ends fell apart, or what was heard once was heard
//! again.
//!
//! libcsp#2, proves#426, UniSat's window in RAM, HDTN's vectors from the clock.
//!
//! What somebody sends again later is for the security layer and the memory for
//! commands; here is what holds without either. That the engine asks no clock, so that
//! one that is set back is nothing to it, is tested in `simulation/tests/clock.rs`.

use std::time::Duration;

use comms_service::accounting::DropReason;

use crate::ends::Satellite;

/// Class 9: a receiver without its memory is no receiver that is locked out.
#[test]
fn a_satellite_that_rebooted_serves_whatever_the_count_of_the_ground_is() {
    for count in [0, 1, 77, 8191, 8192, 16_382, 16_383] {
        let mut satellite = Satellite::new();
        satellite.hears(satellite.query(b"before", count));
        satellite.reboots();
        let next = (count + 1) % 16_384;
        assert_eq!(satellite.hears(satellite.query(b"after", next)), 1);
        assert_eq!(satellite.ran.len(), 1, "count {count}");
    }
}

/// Class 9: nor is a sender.
#[test]
fn a_ground_that_rebooted_is_served_whatever_it_sent_before() {
    for count in [0, 1, 77, 8191, 8192, 16_382, 16_383] {
        let mut satellite = Satellite::new();
        satellite.hears(satellite.query(b"before", count));
        assert_eq!(satellite.hears(satellite.query(b"after", 0)), 1);
        assert_eq!(satellite.ran.len(), 2, "count {count}");
    }
}

/// Class 9: the count goes round twice, and each message is heard once.
#[test]
fn the_count_goes_round_and_no_message_is_lost_or_heard_twice() {
    let mut satellite = Satellite::new();
    let messages = 2 * 16_384 + 100;
    for number in 0..messages {
        let count = (number % 16_384) as u16;
        let query = satellite.query(&(number as u64).to_be_bytes(), count);
        assert_eq!(satellite.hears(query), 1);
    }
    let numbers = satellite.ran.iter().map(|(_, body)| body.clone());
    let expected = (0..messages as u64).map(|number| number.to_be_bytes().to_vec());
    assert!(numbers.eq(expected));
    assert_eq!(satellite.counted().sequence_gaps, 0);
}

/// Class 9: a repeater on the way makes nothing run again, whatever comes between.
#[test]
fn what_is_repeated_on_the_way_is_run_once() {
    let mut satellite = Satellite::new();
    for count in 0..100 {
        let query = satellite.query(&[count as u8], count);
        satellite.hears(query.clone());
        satellite.passes(Duration::from_millis(10));
        assert_eq!(satellite.hears(query), 0, "a repetition gets no answer");
    }
    assert_eq!(satellite.ran.len(), 100);
    assert_eq!(satellite.dropped(DropReason::Duplicate), 100);
}
