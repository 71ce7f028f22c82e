//! The channel against what can be computed of a link: efficiency for each N1,
//! survival for each bit error rate, the cost of keying up.
//!
//! For N octets of information in an AX.25 UI frame:
//! `bits = 8 (16 + N + 2) (1 + 1/62) + 8`, as one bit in 62 of random data is
//! stuffed and one flag stands between two frames; `survival = (1 - rate)^bits`.

use std::time::Duration;

use radio_hal::Duplex;
use radio_hal::channel::{ChannelConfig, Direction, DirectionConfig};

use crate::air::{Air, ms};

/// Addresses, control and PID of a UI frame.
const HEADER_BYTES: usize = 16;

fn random_frames(n1: usize, seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut rng = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(move || (0..HEADER_BYTES + n1).map(|_| rng.u8(..)).collect())
}

fn channel(transmit: DirectionConfig, seed: u64) -> Air {
    Air::new(&ChannelConfig {
        seed,
        transmit,
        ..ChannelConfig::default()
    })
}

#[test]
fn the_share_of_information_in_the_bit_rate_is_that_of_the_formula_for_each_n1() {
    for (n1, percent) in [
        (64, 75.9),
        (128, 85.7),
        (235, 91.1),
        (256, 91.6),
        (512, 94.9),
        (1024, 96.6),
        (2048, 97.5),
    ] {
        for bit_rate in [9600, 1_000_000, 10_000_000] {
            let mut air = channel(
                DirectionConfig {
                    bit_rate_bps: Some(bit_rate),
                    ..DirectionConfig::default()
                },
                1,
            );
            let frames = 40_000 / n1 + 100;
            for frame in random_frames(n1, 2).take(frames) {
                air.transmit(&frame);
            }
            air.run();
            let information = (8 * n1 * frames) as f64;
            let share = 100.0 * information / (bit_rate as f64 * air.now.as_secs_f64());
            assert!(
                (share - percent).abs() < 0.2,
                "N1 {n1} at {bit_rate} bit/s: {share:.2} % instead of {percent} %"
            );
        }
    }
}

#[test]
fn as_many_frames_survive_as_the_bit_error_rate_lets() {
    for (n1, rate, percent) in [
        (256, 1e-5, 97.8),
        (256, 1e-4, 80.0),
        (256, 1e-3, 10.7),
        (2048, 1e-5, 84.5),
        (2048, 1e-4, 18.6),
        (2048, 1e-3, 0.0),
    ] {
        let mut air = channel(
            DirectionConfig {
                bit_error_rate: rate,
                ..DirectionConfig::default()
            },
            3,
        );
        let frames = if n1 == 256 { 3000 } else { 600 };
        for frame in random_frames(n1, 4).take(frames) {
            air.offer(Direction::Transmit, &frame);
        }
        let account = air.channel.statistics().transmit;
        let survived = (account.delivered - account.altered) as f64 / frames as f64;
        let expected = percent / 100.0;
        // Four standard deviations, and what the table was rounded by.
        let deviation = (expected * (1.0 - expected) / frames as f64).sqrt();
        assert!(
            (survived - expected).abs() < 4.0 * deviation + 0.001,
            "N1 {n1}, rate {rate}: {survived} instead of {expected}"
        );
        assert_eq!(account.delivered + account.dropped(), frames as u64);
    }
}

#[test]
fn keying_up_costs_what_it_takes_of_a_burst() {
    for (burst, percent) in [(1, 37.0), (4, 70.0), (7, 80.0), (16, 90.0), (32, 95.0)] {
        let mut air = Air::new(&ChannelConfig {
            frames_in_flight_max: Some(burst),
            transmit: DirectionConfig {
                bit_rate_bps: Some(9600),
                tx_delay: ms(300),
                tx_tail: ms(100),
                ..DirectionConfig::default()
            },
            ..ChannelConfig::default()
        });
        let mut frames = random_frames(256, 5);
        let bursts = 20;
        for _ in 0..bursts {
            for frame in frames.by_ref().take(burst) {
                air.offer(Direction::Transmit, &frame);
            }
            air.run();
            air.run_until(air.now + ms(100));
        }
        let bits = air.channel.statistics().transmit.bits as f64;
        let share = 100.0 * bits / (9600.0 * air.now.as_secs_f64());
        assert!(
            (share - percent).abs() < 1.0,
            "{burst} frames a burst: {share:.1} % instead of {percent} %"
        );
    }
}

#[test]
fn a_gap_between_frames_costs_its_share() {
    for (bit_rate, n1, gap_ms, percent) in [
        (9600, 256, 1, 99.6),
        (9600, 256, 10, 95.9),
        (1_000_000, 256, 1, 69.0),
        (1_000_000, 256, 10, 18.0),
        (1_000_000, 2048, 1, 94.0),
        (1_000_000, 2048, 10, 63.0),
        (10_000_000, 256, 1, 18.0),
        (10_000_000, 256, 10, 2.0),
        (10_000_000, 2048, 1, 63.0),
        (10_000_000, 2048, 10, 14.0),
    ] {
        let mut air = channel(
            DirectionConfig {
                bit_rate_bps: Some(bit_rate),
                ..DirectionConfig::default()
            },
            8,
        );
        for frame in random_frames(n1, 9).take(100) {
            air.offer(Direction::Transmit, &frame);
            air.run();
            air.run_until(air.now + ms(gap_ms));
        }
        let bits = air.channel.statistics().transmit.bits as f64;
        let share = 100.0 * bits / (bit_rate as f64 * air.now.as_secs_f64());
        assert!(
            (share - percent).abs() < 0.7,
            "{gap_ms} ms between frames of {n1} at {bit_rate} bit/s: {share:.1} %"
        );
    }
}

/// Windows of `frames` frames with 256 octets of information, each answered by a
/// small frame; gives the share of information in the bit rate, in percent.
fn share_of_acknowledged_windows(frames: usize, way: &DirectionConfig) -> f64 {
    let mut air = Air::new(&ChannelConfig {
        duplex: Duplex::Half,
        frames_in_flight_max: Some(frames),
        transmit: way.clone(),
        receive: way.clone(),
        ..ChannelConfig::default()
    });
    let mut data = random_frames(256, 10);
    let windows = 20;
    for window in 1..=windows {
        for frame in data.by_ref().take(frames) {
            air.offer(Direction::Transmit, &frame);
        }
        air.run();
        air.offer(Direction::Receive, &[0x55; HEADER_BYTES]);
        air.run();
        assert_eq!(air.heard(Direction::Receive).len(), window);
    }
    assert_eq!(air.dropped(), []);
    let information = (8 * 256 * frames * windows) as f64;
    let bit_rate = way.bit_rate_bps.unwrap() as f64;
    100.0 * information / (bit_rate * air.now.as_secs_f64())
}

#[test]
fn half_duplex_with_acknowledgements_costs_two_key_ups_and_a_round_trip_a_window() {
    let slow = DirectionConfig {
        bit_rate_bps: Some(9600),
        tx_delay: ms(300),
        tx_tail: ms(100),
        delay: ms(7),
        ..DirectionConfig::default()
    };
    let fast = DirectionConfig {
        bit_rate_bps: Some(1_000_000),
        tx_delay: ms(5),
        tx_tail: Duration::ZERO,
        ..slow.clone()
    };
    for (frames, way, percent) in [
        (1, &slow, 20.0),
        (4, &slow, 48.0),
        (7, &slow, 61.0),
        (32, &slow, 82.0),
        (63, &slow, 87.0),
        (4, &fast, 25.0),
        (32, &fast, 69.0),
        (256, &fast, 88.0),
    ] {
        let share = share_of_acknowledged_windows(frames, way);
        assert!(
            (share - percent).abs() < 1.0,
            "windows of {frames}: {share:.1} % instead of {percent} %"
        );
    }
}

#[test]
fn clustered_errors_hit_fewer_frames_than_spread_ones_of_the_same_mean_rate() {
    let survived = |transmit: DirectionConfig| {
        let mut air = channel(transmit, 6);
        for frame in random_frames(256, 7).take(2000) {
            air.transmit(&frame);
        }
        air.run();
        air.channel.statistics().transmit.delivered
    };
    let spread = DirectionConfig {
        bit_rate_bps: Some(9600),
        bit_error_rate: 1e-4,
        ..DirectionConfig::default()
    };
    let clustered = DirectionConfig {
        bit_error_rate: 0.0,
        burst: Some(radio_hal::channel::BurstConfig {
            bit_error_rate: 1e-2,
            mean_good_ms: 9900.0,
            mean_bad_ms: 100.0,
        }),
        ..spread.clone()
    };
    let (spread, clustered) = (survived(spread), survived(clustered));
    assert!(
        clustered > spread + 100,
        "{clustered} of 2000 survive bursts, {spread} spread errors"
    );
}
