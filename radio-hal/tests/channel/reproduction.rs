//! One seed gives one run, and the accounts of any run add up.

use proptest::prelude::*;
use radio_hal::channel::{BurstConfig, ChannelConfig, Direction, DirectionConfig};
use radio_hal::{Duplex, FrameDrop};

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
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
