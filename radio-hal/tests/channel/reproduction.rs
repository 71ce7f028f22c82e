//! One seed gives one run, and the accounts of any run add up.

use proptest::prelude::*;
use radio_hal::channel::{BurstConfig, Channel, ChannelConfig, Direction, DirectionConfig, Fate};
use radio_hal::{Duplex, FrameDrop};

use std::time::Duration;

use crate::air::{Air, Event, ms};

fn stormy(seed: u64) -> ChannelConfig {
    let both = DirectionConfig {
        bit_rate_bps: Some(9600),
        tx_delay: ms(50),
        tx_tail: ms(10),
        delay: ms(7),
        jitter: ms(3),
        bit_error_rate: 1e-5,
        burst: Some(BurstConfig {
            bit_error_rate: 1e-2,
            mean_good_ms: 1000.0,
            mean_bad_ms: 100.0,
        }),
        frame_loss: 0.05,
        duplication: 0.05,
        reordering: 0.05,
        reordering_delay: ms(500),
    };
    ChannelConfig {
        seed,
        duplex: Duplex::Half,
        turnaround: ms(5),
        transmit: both.clone(),
        receive: both,
        ..ChannelConfig::default()
    }
}

fn traffic(config: &ChannelConfig) -> Vec<Event> {
    let mut air = Air::new(config);
    let mut rng = fastrand::Rng::with_seed(7);
    for number in 0..400u32 {
        let frame = vec![number as u8; rng.usize(1..300)];
        if number % 3 == 0 {
            air.offer(Direction::Receive, &frame);
        } else {
            air.transmit(&frame);
        }
        air.run_until(air.now + ms(rng.u64(0..400)));
    }
    air.run();
    air.events
}

#[test]
fn the_same_seed_gives_the_same_fates_at_the_same_times_and_another_does_not() {
    let first = traffic(&stormy(42));
    assert_eq!(first, traffic(&stormy(42)));
    assert_ne!(first, traffic(&stormy(43)));
    assert!(
        first
            .iter()
            .any(|event| matches!(event.fate, radio_hal::channel::Fate::Dropped { .. }))
    );
}

#[test]
fn one_setting_does_not_change_what_another_decides() {
    let lost = |duplication| {
        let mut config = stormy(9);
        config.transmit.duplication = duplication;
        let mut air = Air::new(&config);
        for number in 0..300u32 {
            air.transmit(&number.to_be_bytes());
        }
        air.run();
        air.channel
            .statistics()
            .transmit
            .dropped_for(FrameDrop::ChannelLoss)
    };
    assert_eq!(lost(0.0), lost(1.0));
}

/// What is offered: after which pause, in which direction, how many octets.
type Offers = Vec<(Duration, Direction, usize)>;

fn offers() -> impl Strategy<Value = Offers> {
    let direction = prop_oneof![Just(Direction::Transmit), Just(Direction::Receive)];
    let pause = (0u64..400).prop_map(ms);
    proptest::collection::vec((pause, direction, 1usize..200), 1..60)
}

/// The fates of one direction, in order.
fn fates(events: &[Event], direction: Direction) -> Vec<Fate> {
    let ours = events.iter().filter(|event| event.direction == direction);
    ours.map(|event| event.fate.clone()).collect()
}

/// As `Air` does it, and at moments of somebody's own choice as well.
fn asked_often(config: &ChannelConfig, offers: &Offers, between: Duration) -> Vec<Event> {
    let mut air = Air::new(config);
    for (pause, direction, octets) in offers {
        let next = air.now + *pause;
        while air.now + between < next {
            air.run_until(air.now + between);
        }
        air.run_until(next);
        air.offer(*direction, &vec![0x7E; *octets]);
    }
    air.run();
    air.events
}

/// Nobody asks before all is over.
fn asked_at_the_end(config: &ChannelConfig, offers: &Offers, direction: Direction) -> Vec<Fate> {
    let mut channel = Channel::new(config).unwrap();
    let mut now = Duration::ZERO;
    for (pause, direction, octets) in offers {
        now += *pause;
        channel
            .handle_frame(now, *direction, &vec![0x7E; *octets])
            .unwrap();
    }
    let end = Duration::from_secs(1_000_000);
    std::iter::from_fn(|| channel.poll_fate(end, direction)).collect()
}

#[test]
fn a_frame_that_nobody_asks_for_is_still_lost_to_a_station_that_sent_meanwhile() {
    let at_9600 = DirectionConfig {
        bit_rate_bps: Some(9600),
        ..DirectionConfig::default()
    };
    let mut channel = Channel::new(&ChannelConfig {
        duplex: Duplex::Half,
        carrier_sense: false,
        transmit: at_9600.clone(),
        receive: at_9600,
        ..ChannelConfig::default()
    })
    .unwrap();
    let frame = [0; 64];
    let mut now = ms(0);
    channel
        .handle_frame(now, Direction::Transmit, &frame)
        .unwrap();
    channel
        .handle_frame(now, Direction::Receive, &frame)
        .unwrap();
    for _ in 0..5000 {
        now += ms(100);
        channel
            .handle_frame(now, Direction::Transmit, &frame)
            .unwrap();
    }
    let fate = channel.poll_fate(now, Direction::Receive);
    assert_eq!(
        fate,
        Some(Fate::Dropped {
            bytes: frame.len(),
            reason: FrameDrop::HalfDuplex
        })
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn fates_and_times_do_not_depend_on_how_often_or_late_somebody_asks(
        seed: u64,
        half in any::<bool>(),
        carrier_sense in any::<bool>(),
        offers in offers(),
        between_ms in 1u64..50,
    ) {
        let config = ChannelConfig {
            duplex: if half { Duplex::Half } else { Duplex::Full },
            carrier_sense,
            frames_in_flight_max: Some(100),
            ..stormy(seed)
        };
        let asked = asked_often(&config, &offers, Duration::MAX / 2);
        prop_assert_eq!(&asked, &asked_often(&config, &offers, ms(between_ms)));
        for direction in Direction::ALL {
            let late = asked_at_the_end(&config, &offers, direction);
            prop_assert_eq!(fates(&asked, direction), late);
        }
    }

    #[test]
    fn the_accounts_add_up_at_every_moment(
        seed: u64,
        half in any::<bool>(),
        carrier_sense in any::<bool>(),
        steps in proptest::collection::vec((any::<bool>(), 1usize..200, 0u64..300), 1..60),
    ) {
        let config = ChannelConfig {
            duplex: if half { Duplex::Half } else { Duplex::Full },
            carrier_sense,
            frames_in_flight_max: Some(8),
            ..stormy(seed)
        };
        let mut air = Air::new(&config);
        for (transmits, octets, pause) in steps {
            let direction = if transmits { Direction::Transmit } else { Direction::Receive };
            let _ = air.channel.handle_frame(air.now, direction, &vec![0x7E; octets]);
            air.run_until(air.now + ms(pause));
            let all = air.channel.statistics();
            for account in [all.transmit, all.receive] {
                let known = account.delivered + account.dropped() + account.in_flight;
                prop_assert_eq!(account.offered + account.duplicated, known);
            }
        }
        air.run();
        let all = air.channel.statistics();
        prop_assert_eq!(all.transmit.in_flight + all.receive.in_flight, 0);
    }
}
