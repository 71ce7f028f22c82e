//! What a link promises while it always has something to send.

use std::time::Duration;

use comms_service::security::Mode;
use heliograph_simulation::saturation::{Bulk, Saturation};

const RATES_BPS: [u64; 3] = [9_600, 1_000_000, 10_000_000];
/// The smallest N1, the usual one and the largest.
const N1: [usize; 3] = [64, 256, 2048];

#[test]
fn a_downlink_that_has_enough_to_send_leaves_no_more_than_a_hundredth_of_the_air_idle() {
    for bit_rate_bps in RATES_BPS {
        for n1 in N1 {
            for bulk in [Bulk::Datagrams, Bulk::Segments] {
                let link = Saturation {
                    bulk,
                    ..Saturation::new(bit_rate_bps, n1)
                };
                let found = link.goodput(100).unwrap();
                let shares = [found.share(), found.share_of_formula()];
                assert!(shares.iter().all(|share| *share >= 0.99), "{link:?}");
                assert!(found.share() <= 1.0, "{link:?}");
            }
        }
    }
}

#[test]
fn security_costs_its_octets_and_no_time() {
    for bulk in [Bulk::Datagrams, Bulk::Segments] {
        let link = Saturation {
            bulk,
            security: Some(Mode::Encrypt),
            ..Saturation::new(9_600, 256)
        };
        assert!(link.goodput(300).unwrap().share() >= 0.99, "{bulk:?}");
    }
}

/// One that keys down between frames would pay for it each time.
#[test]
fn a_radio_with_more_than_one_frame_of_room_never_keys_down_in_the_midst() {
    for (radio_frames, credits) in [(2, 1), (2, 2), (8, 2)] {
        let link = Saturation {
            tx_delay: Duration::from_millis(300),
            radio_frames,
            credits: Some(credits),
            ..Saturation::new(9_600, 256)
        };
        let found = link.goodput(500).unwrap();
        assert!(found.share() >= 0.99, "{radio_frames} {}", found.share());
    }
}

#[test]
fn an_answer_waits_for_the_frames_with_the_radio_and_one_frame_time_of_its_own() {
    for n1 in [64, 256] {
        for credits in [1, 2, 8] {
            for packets in [1, 4, 8] {
                let link = Saturation::new(9_600, n1).with_credits(credits);
                let waits = link.waits(30, packets).unwrap();
                let bound = (credits + packets) as f64;
                assert!(waits.max() <= bound, "{link:?} {}", waits.max());
            }
        }
    }
    let [fast, faster] = [1_000_000, 10_000_000].map(|rate| Saturation::new(rate, 256));
    for link in [fast, faster] {
        let waits = link.with_credits(2).waits(50, 1).unwrap();
        assert!(waits.max() <= 3.0, "{link:?} {}", waits.max());
    }
}

/// Its buffer filled up by the stuffed bits that pacing did not count: after an hour
/// an answer waited for minutes.
#[test]
fn the_buffer_of_a_radio_that_takes_everything_does_not_fill_up() {
    for credits in [1, 2] {
        let link = Saturation {
            radio_frames: 256,
            // Enough for more than thirty frames of stuffed bits.
            frames_before: 2_000,
            ..Saturation::new(9_600, 256).with_credits(credits)
        };
        let waits = link.waits(50, 1).unwrap();
        // The next frame is there a little before it is needed.
        let bound = (credits + 1) as f64 + 0.1;
        assert!(waits.max() <= bound, "{link:?} {}", waits.max());
    }
}
