//! The queue before `write`, under whatever apps and radio do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use comms_service::link::{
    ClassLimits, DownlinkPort, LinkConfig, QueueClass, QueueLimits, WhenFull,
};
use comms_service::message::End;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use crate::rig::{Rig, octets, satellite_config};

const FIRST_PORT: u16 = 14_000;
const MESSAGES_MAX: usize = 5;
const BYTES_MAX: usize = 6_000;

/// Two ports of each class.
/// A third of the default reassembly time-out.
const PAUSE_MAX: Duration = Duration::from_secs(10);

fn map() -> Vec<DownlinkPort> {
    let classes = QueueClass::ALL.into_iter().flat_map(|class| [class, class]);
    let endpoints = classes.zip(FIRST_PORT..).map(|(class, port)| DownlinkPort {
        port,
        write: 0,
        class,
        ttl: (port % 2 == 1).then_some(Duration::from_secs(3)),
    });
    endpoints.collect()
}

fn class_of(port: u16) -> QueueClass {
    map()[usize::from(port - FIRST_PORT)].class
}

fn rig(when_full: WhenFull) -> Rig {
    let limits = ClassLimits {
        messages_max: Some(MESSAGES_MAX),
        bytes_max: Some(BYTES_MAX),
        when_full,
    };
    Rig::with_satellite(LinkConfig {
        downlink_ports: Vec::new(),
        downlink_map: map(),
        queue: QueueLimits {
            response: limits,
            telemetry: limits,
            bulk: limits,
        },
        ..satellite_config()
    })
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize, usize),
    /// One packet, and whether the radio takes it.
    Poll(bool),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..6_usize, prop_oneof![0..100_usize, 0..3000_usize])
            .prop_map(|(endpoint, bytes)| Step::Push(endpoint, bytes)),
        6 => prop::bool::weighted(0.95).prop_map(Step::Poll),
        1 => (0..2000_u64).prop_map(Step::Pass),
    ]
}

/// Looks at packets as the ground sees them.
#[derive(Default)]
struct Observer {
    /// The port whose message is under way on each APID.
    under_way: BTreeMap<u8, u16>,
    /// When each APID was served last.
    served_at: BTreeMap<u8, Instant>,
}

impl Observer {
    /// The port of a packet, and whether it begins a message.
    fn see(&mut self, packet: &[u8]) -> (u16, bool) {
        let begins = packet[2] & 0x40 != 0;
        if begins {
            let port = u16::from_be_bytes([packet[14], packet[15]]);
            self.under_way.insert(packet[1], port);
        }
        (self.under_way[&packet[1]], begins)
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(1977),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The rig itself checks the accounts after each call, the classes' too.
    #[test]
    fn priority_is_kept_bounds_hold_and_everything_has_a_fate(
        when_full in select(vec![WhenFull::Newest, WhenFull::Oldest, WhenFull::Refuse]),
        steps in prop::collection::vec(steps(), 1..200),
    ) {
        let mut rig = rig(when_full);
        let mut observer = Observer::default();
        for step in steps {
            match step {
                Step::Push(endpoint, bytes) => rig.app_sends(endpoint, &octets(bytes)),
                Step::Pass(ms) => rig.pass(Duration::from_millis(ms)),
                Step::Poll(taken) => {
                    // Nothing is left that is overdue.
                    rig.pass(Duration::ZERO);
                    let before = rig.satellite().classes_out;
                    let Some(packet) = rig.begin_write(End::Satellite, 0) else { continue };
                    let (port, begins) = observer.see(&packet);
                    let served_at = observer.served_at.insert(packet[1], rig.now);
                    let starved = served_at.is_some_and(|at| rig.now - at >= PAUSE_MAX);
                    let class = class_of(port);
                    for (other, account) in before.iter() {
                        let held = account.messages.queued + account.messages.in_flight;
                        if other < class && held > 0 {
                            // Only a message that is under way, and holds up the more
                            // urgent one on its own APID, or would be given up.
                            prop_assert!(!begins, "{class:?} before {other:?}");
                            let for_its_life = starved && other != QueueClass::Response;
                            prop_assert!(packet[1] == 1 || for_its_life);
                        }
                    }
                    let result = if taken { Ok(()) } else { Err("no".to_string()) };
                    rig.end_write(End::Satellite, 0, result);
                }
            }
            for (_, account) in rig.satellite().classes_out.iter() {
                let held = account.messages.queued + account.messages.in_flight;
                prop_assert!(held <= MESSAGES_MAX as u64);
                prop_assert!(account.bytes_held <= BYTES_MAX as u64);
            }
        }
        rig.transmit_all(End::Satellite);
        rig.assert_idle();
        let all = rig.satellite().messages_out;
        prop_assert_eq!(all.offered, all.delivered + all.dropped.total());
    }

    /// While all flows have something to send, none is ahead of another by more
    /// than a message and a packet.
    #[test]
    fn no_flow_of_a_class_is_ahead_by_more_than_a_message(
        sizes in prop::collection::vec(prop::collection::vec(0..2500_usize, 20..40), 2..6),
    ) {
        let ports = FIRST_PORT..FIRST_PORT + sizes.len() as u16;
        let endpoints = ports.clone().map(|port| DownlinkPort {
            port,
            write: 0,
            class: QueueClass::Telemetry,
            ttl: None,
        });
        let mut rig = Rig::with_satellite(LinkConfig {
            downlink_ports: Vec::new(),
            downlink_map: endpoints.collect(),
            ..satellite_config()
        });
        let mut left = BTreeMap::new();
        for (endpoint, messages) in sizes.iter().enumerate() {
            for bytes in messages {
                rig.app_sends(endpoint, &octets(*bytes));
            }
            left.insert(FIRST_PORT + endpoint as u16, messages.len());
        }
        let packets_max = 2510_usize.div_ceil(248);
        let bound = 2510 + packets_max * 8 + 256;
        let mut sent: BTreeMap<u16, usize> = ports.map(|port| (port, 0)).collect();
        let mut observer = Observer::default();
        let mut seen = BTreeSet::new();
        while let Some(packet) = rig.transmit(End::Satellite) {
            let (port, begins) = observer.see(&packet);
            seen.insert(port);
            *sent.get_mut(&port).unwrap() += packet.len();
            let most = sent.values().max().unwrap();
            let least = sent.values().min().unwrap();
            prop_assert!(most - least <= bound, "{sent:?}");
            if begins {
                let left = left.get_mut(&port).unwrap();
                *left -= 1;
                if *left == 0 {
                    break;
                }
            }
        }
        prop_assert_eq!(seen.len(), sizes.len());
    }
}
