//! What a channel does to frames, one property at a time.

use std::time::Duration;

use radio_hal::channel::{
    CHANNEL_BYTES_MAX, Channel, ChannelConfig, Contact, Direction, DirectionConfig, Fate,
    PeriodConfig,
};
use radio_hal::{Duplex, FrameDrop, hdlc};

use crate::air::{Air, ms};
use Direction::{Receive, Transmit};

fn at_9600() -> DirectionConfig {
    DirectionConfig {
        bit_rate_bps: Some(9600),
        ..DirectionConfig::default()
    }
}

fn half_duplex(carrier_sense: bool) -> ChannelConfig {
    ChannelConfig {
        duplex: Duplex::Half,
        carrier_sense,
        turnaround: ms(20),
        transmit: at_9600(),
        receive: at_9600(),
        ..ChannelConfig::default()
    }
}

/// How long the frame's bits and its last flag take.
fn air_time(frame: &[u8], bit_rate_bps: u64) -> Duration {
    let bits = hdlc::frame_bits(frame) as u64 + 8;
    Duration::from_nanos(bits * 1_000_000_000 / bit_rate_bps)
}

#[test]
fn a_channel_without_settings_delivers_at_once_and_unaltered() {
    let mut air = Air::new(&ChannelConfig::default());
    air.offer(Transmit, b"down");
    air.offer(Receive, b"up");
    assert_eq!(air.heard(Transmit), [(Duration::ZERO, b"down".to_vec())]);
    assert_eq!(air.heard(Receive), [(Duration::ZERO, b"up".to_vec())]);
}

#[test]
fn every_reason_has_its_count_before_the_first_drop() {
    let air = Air::new(&ChannelConfig::default());
    let account = air.channel.statistics().transmit;
    let reasons: Vec<_> = account.drops().collect();
    let expected = [
        FrameDrop::Fcs,
        FrameDrop::ChannelLoss,
        FrameDrop::NoContact,
        FrameDrop::HalfDuplex,
    ];
    assert_eq!(reasons, expected.map(|reason| (reason, 0)));
}

#[test]
fn a_frame_is_heard_after_keying_up_air_time_and_propagation() {
    let transmit = DirectionConfig {
        tx_delay: ms(300),
        delay: ms(7),
        ..at_9600()
    };
    let mut air = Air::new(&ChannelConfig {
        transmit,
        ..ChannelConfig::default()
    });
    let frame = [0x55; 100];
    air.offer(Transmit, &frame);
    air.run();
    let flag = Duration::from_nanos(8 * 1_000_000_000 / 9600);
    let expected = ms(307) + flag + air_time(&frame, 9600);
    let (at, _) = air.heard(Transmit)[0];
    assert!(at.abs_diff(expected) < Duration::from_micros(1), "{at:?}");
}

#[test]
fn the_content_decides_how_many_bits_are_stuffed() {
    let airtime_of = |frame: &[u8]| {
        let mut air = Air::new(&ChannelConfig {
            transmit: at_9600(),
            ..ChannelConfig::default()
        });
        air.offer(Transmit, frame);
        air.run();
        air.now
    };
    let (zeros, ones) = (airtime_of(&[0; 256]), airtime_of(&[0xFF; 256]));
    let more = ones.as_secs_f64() / zeros.as_secs_f64();
    assert!((1.19..1.21).contains(&more), "{more}");
}

#[test]
fn the_two_ways_may_be_of_different_rates() {
    let config: ChannelConfig =
        toml::from_str("bit-rate-bps = 9600\ndelay-ms = 1\nreceive = { bit-rate-bps = 1200 }")
            .unwrap();
    assert_eq!(config.transmit.bit_rate_bps, Some(9600));
    assert_eq!(config.receive.bit_rate_bps, Some(1200));
    assert_eq!(config.receive.delay, ms(1));
}

#[test]
fn jitter_delays_but_lets_no_frame_overtake_another() {
    let transmit = DirectionConfig {
        delay: ms(5),
        jitter: ms(100),
        ..DirectionConfig::default()
    };
    let mut air = Air::new(&ChannelConfig {
        transmit,
        ..ChannelConfig::default()
    });
    for number in 0..100u8 {
        air.offer(Transmit, &[number]);
        air.run_until(air.now + ms(1));
    }
    air.run();
    let heard = air.heard(Transmit);
    let numbers: Vec<u8> = heard.iter().map(|(_, frame)| frame[0]).collect();
    assert!(numbers.is_sorted());
    let late = heard
        .iter()
        .filter(|(at, frame)| *at > ms(6 + u64::from(frame[0])))
        .count();
    assert!(late > 50, "{late}");
}

#[test]
fn loss_duplication_and_reordering_come_at_their_rates() {
    let transmit = DirectionConfig {
        frame_loss: 0.1,
        duplication: 0.2,
        reordering: 0.1,
        reordering_delay: ms(10),
        ..DirectionConfig::default()
    };
    let mut air = Air::new(&ChannelConfig {
        seed: 1,
        transmit,
        ..ChannelConfig::default()
    });
    let frames = 5000u32;
    for number in 0..frames {
        air.offer(Transmit, &number.to_be_bytes());
        air.run_until(air.now + ms(1));
    }
    air.run();
    let account = air.channel.statistics().transmit;
    let near = |count: u64, expected: f64| (count as f64 - expected).abs() < 120.0;
    assert!(near(account.dropped_for(FrameDrop::ChannelLoss), 500.0));
    assert!(near(account.duplicated, 0.9 * 1000.0), "{account:?}");
    let numbers: Vec<_> = air
        .heard(Transmit)
        .into_iter()
        .map(|(_, frame)| frame)
        .collect();
    let overtaken = numbers.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!((200..700).contains(&overtaken), "{overtaken}");
}

#[test]
fn a_frame_with_bit_errors_is_dropped_for_its_fcs() {
    let transmit = DirectionConfig {
        bit_error_rate: 0.01,
        ..DirectionConfig::default()
    };
    let mut air = Air::new(&ChannelConfig {
        transmit,
        ..ChannelConfig::default()
    });
    for _ in 0..50 {
        air.offer(Transmit, &[0x55; 256]);
    }
    assert_eq!(air.heard(Transmit), []);
    assert_eq!(air.dropped(), [(Transmit, FrameDrop::Fcs); 50]);
}

#[test]
fn outside_a_contact_nothing_is_heard() {
    let contacts = [(10.0, 20.0), (30.0, 40.0)].map(|(aos_s, los_s)| Contact { aos_s, los_s });
    let mut air = Air::new(&ChannelConfig {
        contacts: contacts.to_vec(),
        ..ChannelConfig::default()
    });
    for second in (5u8..45).step_by(10) {
        air.run_until(Duration::from_secs(second.into()));
        air.offer(Receive, &[second]);
    }
    let heard: Vec<_> = air
        .heard(Receive)
        .into_iter()
        .map(|(_, frame)| frame[0])
        .collect();
    assert_eq!(heard, [15, 35]);
    assert_eq!(air.dropped(), [(Receive, FrameDrop::NoContact); 2]);
}

#[test]
fn a_frame_that_reaches_over_the_end_of_a_contact_is_lost() {
    let period = PeriodConfig {
        first_aos_s: 0.0,
        duration_s: 1.0,
        period_s: 10.0,
    };
    let mut air = Air::new(&ChannelConfig {
        period: Some(period),
        transmit: at_9600(),
        ..ChannelConfig::default()
    });
    // 220 ms each: the fifth ends after LOS.
    for _ in 0..5 {
        air.transmit(&[0; 256]);
    }
    air.run();
    assert_eq!(air.heard(Transmit).len(), 4);
    assert_eq!(air.dropped(), [(Transmit, FrameDrop::NoContact)]);
}

#[test]
fn stations_that_listen_before_they_send_take_turns() {
    let mut air = Air::new(&half_duplex(true));
    let frame = [0; 256];
    air.offer(Transmit, &frame);
    air.offer(Receive, &frame);
    air.run();
    assert_eq!(air.dropped(), []);
    let first = air.heard(Transmit)[0].0;
    let second = air.heard(Receive)[0].0;
    // Both flags, and the turnaround between.
    assert!(
        second >= first + ms(20) + air_time(&frame, 9600),
        "{first:?}, {second:?}"
    );
}

#[test]
fn a_station_does_not_cut_into_the_other_one_s_row_of_frames() {
    // No tail, delay or turnaround: at the end of each frame the air seems free.
    let mut air = Air::new(&ChannelConfig {
        duplex: Duplex::Half,
        transmit: at_9600(),
        receive: at_9600(),
        ..ChannelConfig::default()
    });
    for _ in 0..3 {
        air.offer(Receive, &[0; 64]);
    }
    air.run_until(ms(10));
    air.offer(Transmit, &[0; 64]);
    air.run();
    assert_eq!(air.dropped(), []);
    assert!(air.heard(Transmit)[0].0 > air.heard(Receive)[2].0);
}

#[test]
fn stations_that_do_not_listen_hear_nothing_while_they_send() {
    let mut air = Air::new(&half_duplex(false));
    air.offer(Transmit, &[0; 256]);
    air.run_until(ms(50));
    air.offer(Receive, &[0; 16]);
    air.run();
    assert_eq!(
        air.dropped(),
        [
            (Receive, FrameDrop::HalfDuplex),
            (Transmit, FrameDrop::HalfDuplex)
        ]
    );
}

#[test]
fn a_receiver_needs_its_turnaround_after_sending() {
    let mut air = Air::new(&half_duplex(false));
    air.offer(Transmit, &[0; 16]);
    air.run();
    air.run_until(air.now + ms(5));
    air.offer(Receive, b"too early");
    air.run();
    air.run_until(air.now + ms(25));
    air.offer(Receive, b"heard");
    air.run();
    assert_eq!(air.dropped(), [(Receive, FrameDrop::HalfDuplex)]);
    assert_eq!(air.heard(Receive).len(), 1);
}

#[test]
fn a_radio_takes_as_many_frames_as_it_has_credits_for() {
    let mut air = Air::new(&ChannelConfig {
        frames_in_flight_max: Some(2),
        transmit: at_9600(),
        ..ChannelConfig::default()
    });
    let frame = [0; 256];
    air.offer(Transmit, &frame);
    assert_eq!(air.channel.credits(air.now), 1);
    air.offer(Transmit, &frame);
    assert_eq!(air.channel.credits(air.now), 0);
    let refused = air.channel.handle_frame(air.now, Transmit, &frame);
    assert!(refused.is_err());
    // A credit comes back when a frame has left the antenna, not when it is heard.
    air.run_until(ms(250));
    assert_eq!(air.channel.credits(air.now), 1);
    assert_eq!(air.channel.statistics().transmit.offered, 2);
}

#[test]
fn credits_grow_with_the_bit_rate() {
    for (bit_rate_bps, frames) in [(9600, 1), (100_000, 1), (1_000_000, 20), (10_000_000, 200)] {
        let transmit = DirectionConfig {
            bit_rate_bps: Some(bit_rate_bps),
            ..DirectionConfig::default()
        };
        let config = ChannelConfig {
            transmit,
            ..ChannelConfig::default()
        };
        assert_eq!(config.frames_in_flight_max(), frames);
    }
}

fn a_day_s_way() -> ChannelConfig {
    let far = DirectionConfig {
        delay: Duration::from_secs(24 * 3600),
        ..DirectionConfig::default()
    };
    ChannelConfig {
        transmit: far.clone(),
        receive: far,
        ..ChannelConfig::default()
    }
}

#[test]
fn what_is_on_the_way_is_bounded_however_short_the_frames() {
    for (octets, frames) in [(65_535, 256), (0, CHANNEL_BYTES_MAX / 100)] {
        let mut channel = Channel::new(&a_day_s_way()).unwrap();
        let frame = vec![0; octets];
        let mut offer = |now| channel.handle_frame(now, Receive, &frame).is_ok();
        let taken = (0..=frames).take_while(|_| offer(Duration::ZERO)).count();
        assert!(taken * octets <= CHANNEL_BYTES_MAX && taken <= frames);
        assert!(!offer(Duration::from_secs(1)));
        // Room comes back when frames arrive.
        let later = Duration::from_secs(25 * 3600);
        while let Some(fate) = channel.poll_fate(later, Receive) {
            assert!(matches!(fate, Fate::Delivered(_)));
        }
        assert!(channel.handle_frame(later, Receive, &frame).is_ok());
    }
}

#[test]
fn a_credit_is_room_for_a_frame_also_when_much_is_on_the_way() {
    for octets in [1, 10_000, 65_535] {
        let mut channel = Channel::new(&a_day_s_way()).unwrap();
        let frame = vec![0; octets];
        let mut taken = 0;
        loop {
            let credits = channel.credits(Duration::ZERO);
            for _ in 0..credits {
                channel
                    .handle_frame(Duration::ZERO, Transmit, &frame)
                    .unwrap();
            }
            taken += credits;
            if credits == 0 {
                break;
            }
        }
        assert!(taken >= 256, "{taken}");
    }
}

#[test]
fn the_slowest_rate_the_longest_frame_and_the_farthest_times_end_well() {
    let text = "
        bit-rate-bps = 1
        tx-delay-ms = 86400000
        tx-tail-ms = 86400000
        delay-ms = 86400000
        jitter-ms = 86400000
        turnaround-ms = 86400000
        duplex = 'half'
        bit-error-rate = 1e-300
        burst = { bit-error-rate = 0.5, mean-good-ms = 1000, mean-bad-ms = 1000 }
        duplication = 1
        reordering = 1
        reordering-ms = 86400000
        period = { first-aos-s = 1e9, duration-s = 1e9, period-s = 1e9 }
    ";
    let mut air = Air::new(&toml::from_str(text).unwrap());
    for octets in [0, 65_535] {
        air.offer(Receive, &vec![0xFF; octets]);
        air.offer(Transmit, &vec![0xFF; octets]);
        while air.channel.credits(air.now) == 0 {
            air.run_until(air.now + Duration::from_secs(86_400));
        }
    }
    air.run();
    assert_eq!(air.events.len(), 4);
}

#[test]
fn settings_that_cannot_be_are_refused_by_their_key() {
    for (text, key) in [
        ("bit-error-rate = 0.6", "bit-error-rate"),
        ("frame-loss = 1.5", "frame-loss"),
        ("receive = { duplication = -1 }", "duplication"),
        ("bit-rate-bps = 0", "bit-rate-bps"),
        ("delay-ms = -1", "delay-ms"),
        ("frames-in-flight-max = 0", "frames-in-flight-max"),
        ("period = { duration-s = 2, period-s = 1 }", "period-s"),
        ("contacts = [{ aos-s = 2, los-s = 1 }]", "aos-s"),
        (
            "burst = { bit-error-rate = 1, mean-good-ms = 1, mean-bad-ms = 1 }",
            "burst",
        ),
        (
            "bit-rate-bps = 1\nburst = { bit-error-rate = 0.1, mean-good-ms = 1, mean-bad-ms = 1 }",
            "mean-good-ms",
        ),
        (
            "period = { duration-s = 1e-9, period-s = 1e-9 }",
            "duration-s",
        ),
        ("period = { duration-s = nan, period-s = 1 }", "duration-s"),
        ("contacts = [{ aos-s = 1, los-s = inf }]", "inf"),
        ("delay-ms = nan", "delay-ms"),
        ("jitter-ms = 1e300", "jitter-ms"),
        ("frames-in-flight-max = 257", "frames-in-flight-max"),
        ("bitrate = 1", "bitrate"),
        ("transmit = { dealy-ms = 1 }", "dealy-ms"),
    ] {
        let error = toml::from_str::<ChannelConfig>(text)
            .unwrap_err()
            .to_string();
        assert!(error.contains(key), "{text}: {error}");
    }
}
