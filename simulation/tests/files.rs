//! What a file that goes down promises.

use std::time::Duration;

use comms_service::security::Mode;
use heliograph_simulation::files::{Delivery, Files};

/// At 9600 bit/s through passes; above, as much as a test has time for.
const SLOW: (u64, usize, u64) = (9_600, 256, 1_000_000);
const FAST: (u64, usize, u64) = (1_000_000, 1024, 3_000_000);
const FASTER: (u64, usize, u64) = (10_000_000, 2048, 8_000_000);

fn file((bit_rate_bps, n1, bytes): (u64, usize, u64), frame_loss: f64) -> Files {
    Files {
        frame_loss,
        ..Files::new(bit_rate_bps, n1, bytes)
    }
}

#[track_caller]
fn delivered(files: &Files) -> Delivery {
    let found = files.deliver().unwrap();
    let goal = match files.frame_loss {
        0.0 => 0.97,
        loss => 0.95 * (1.0 - loss),
    };
    let (share, timeline) = (found.share(), found.timeline.join("\n"));
    println!("{files:?}: {share:.4} of {goal:.4}");
    assert!(share >= goal, "{files:?}: {share} of {goal}\n{timeline}");
    found
}

#[test]
fn a_file_that_nothing_is_lost_of_leaves_no_more_than_three_hundredths_of_the_air_unused() {
    for link in [SLOW, FAST, FASTER] {
        delivered(&file(link, 0.0));
    }
}

#[test]
fn a_file_of_several_passes_loses_little_more_than_the_frames_that_are_lost() {
    for loss in [0.01, 0.05, 0.1] {
        let found = delivered(&file(SLOW, loss));
        assert!(found.passes >= 2);
    }
}

#[test]
fn a_fast_link_is_not_idle_for_seconds_since_a_frame_was_lost() {
    for loss in [0.01, 0.05, 0.1] {
        delivered(&file(FAST, loss));
        delivered(&file(FASTER, loss));
    }
}

#[test]
fn security_costs_a_file_its_octets_and_no_time() {
    for loss in [0.0, 0.05] {
        delivered(&Files {
            security: Some(Mode::Encrypt),
            file_bytes: 300_000,
            ..file(SLOW, loss)
        });
    }
}

#[test]
fn a_file_with_more_holes_than_are_kept_apart_takes_no_longer() {
    for ranges_max in [16, 64] {
        delivered(&Files {
            ranges_max: Some(ranges_max),
            file_bytes: 200_000,
            ..file(SLOW, 0.1)
        });
    }
}

#[test]
fn an_answer_in_the_midst_of_a_file_waits_for_the_frames_with_the_radio_and_its_own() {
    let files = Files {
        delay: Duration::ZERO,
        file_bytes: 300_000,
        ..file(SLOW, 0.0)
    };
    let waits = files.waits(30).unwrap();
    let bound = (waits.credits + 1) as f64;
    assert!(waits.answer <= bound, "{waits:?}");
    assert!(waits.telemetry <= bound, "{waits:?}");
}
