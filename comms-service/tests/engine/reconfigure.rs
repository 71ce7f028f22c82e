//! Another configuration for a link that runs.

use comms_service::accounting::DropReason;
use comms_service::link::{Admission, LinkConfig, RateLimit};
use comms_service::message::{End, PayloadType};
use comms_service::{LinkOptions, PacketFormat};
use proptest::prelude::*;

use crate::rig::{Rig, dropped, format, octets, satellite_config};

const SERVICE: u16 = 8020;

fn options(packet_format: PacketFormat) -> LinkOptions {
    LinkOptions {
        format: packet_format,
        ..LinkOptions::default()
    }
}

/// Both ends take these limits and this format.
fn reconfigure(rig: &mut Rig, ends: &[End], config: &LinkConfig, to: Option<PacketFormat>) {
    for end in ends.iter().copied() {
        let other = to.map(|to| format(&options(to), end));
        let config = LinkConfig {
            end,
            ..config.clone()
        };
        rig.on(end, |link, now| link.reconfigure(now, config, other));
    }
}

#[test]
fn other_limits_hold_at_once_and_counters_queues_and_handlers_stay() {
    let mut rig = Rig::space_packet();
    rig.query(1, SERVICE, b"{a}");
    rig.carry_up();
    rig.app_sends(0, b"beacon");
    let config = LinkConfig {
        message_bytes_max: 10,
        transmit_queue_messages_max: 1,
        ..satellite_config()
    };
    reconfigure(&mut rig, &[End::Satellite], &config, None);
    rig.app_sends(0, b"one more than there may be");
    rig.service_answers(b"{\"a\":1}");
    let out = rig.satellite().messages_out;
    assert_eq!((out.offered, out.queued), (3, 2));
    assert_eq!(dropped(&out), [(DropReason::TooLarge, 1)]);
    rig.carry_down();
    assert_eq!((rig.outcomes.len(), rig.heard.len()), (1, 1));
    assert_eq!(rig.satellite().messages_in.delivered, 1);
}

#[test]
fn what_waits_leaves_in_the_new_format_and_what_is_begun_is_dropped() {
    let mut rig = Rig::space_packet();
    // Begun, and its second packet is with the radio.
    rig.app_sends(0, &octets(1000));
    rig.transmit(End::Satellite).unwrap();
    rig.begin_write(End::Satellite, 0).unwrap();
    rig.app_sends(0, b"waits");
    // On its way up, in part.
    rig.ask(PayloadType::Udp, 1, SERVICE, &octets(1000));
    let first = rig.transmit(End::Ground).unwrap();
    rig.hear(End::Satellite, first);
    assert_eq!(rig.satellite().packets_in.queued, 1);

    let ends = [End::Satellite, End::Ground];
    let kubos = Some(PacketFormat::Kubos);
    reconfigure(&mut rig, &ends, &satellite_config(), kubos);
    let reconfigured = [(DropReason::Reconfigured, 1)];
    assert_eq!(dropped(&rig.satellite().packets_in), reconfigured);
    // Until the radio is done with its packet, the message is under way.
    assert_eq!(rig.satellite().messages_out.in_flight, 1);
    rig.end_write(End::Satellite, 0, Ok(()));
    assert_eq!(dropped(&rig.satellite().messages_out), reconfigured);
    assert_eq!(rig.carry_down(), 1);
    assert_eq!(rig.heard[0].1, b"waits");
}

#[test]
fn a_message_whose_last_packet_is_with_the_radio_is_delivered_all_the_same() {
    let mut rig = Rig::space_packet();
    rig.app_sends(0, b"short");
    rig.begin_write(End::Satellite, 0).unwrap();
    reconfigure(
        &mut rig,
        &[End::Satellite],
        &satellite_config(),
        Some(PacketFormat::Kubos),
    );
    rig.end_write(End::Satellite, 0, Ok(()));
    assert_eq!(rig.satellite().messages_out.delivered, 1);
}

#[test]
fn what_the_new_format_cannot_carry_is_dropped_and_counted() {
    let mut rig = Rig::space_packet();
    rig.app_sends(0, &octets(65_507));
    rig.app_sends(0, b"short");
    reconfigure(
        &mut rig,
        &[End::Satellite],
        &satellite_config(),
        Some(PacketFormat::Udp),
    );
    let out = rig.satellite().messages_out;
    assert_eq!(dropped(&out), [(DropReason::Reconfigured, 1)]);
    assert_eq!(out.queued, 1);
}

#[test]
fn an_allow_list_holds_from_the_next_message_on() {
    let mut rig = Rig::space_packet();
    let closed = LinkConfig {
        admission: Admission {
            allowed_ports: [(PayloadType::Udp, [].into())].into(),
            rates: Vec::new(),
        },
        ..satellite_config()
    };
    for (config, delivered) in [(&closed, 0), (&satellite_config(), 1)] {
        reconfigure(&mut rig, &[End::Satellite], config, None);
        rig.ask(PayloadType::Udp, 1, SERVICE, b"go");
        rig.carry_up();
        assert_eq!(rig.datagrams.len(), delivered);
    }
}

#[test]
fn a_change_of_something_else_gives_nobody_a_new_burst() {
    let rate = |burst| LinkConfig {
        admission: Admission {
            rates: vec![RateLimit {
                port: Some(SERVICE),
                per_second: 1,
                burst,
            }],
            ..Admission::default()
        },
        ..satellite_config()
    };
    let mut rig = Rig::with_satellite(rate(1));
    let sends = |rig: &mut Rig, id| {
        rig.ask(PayloadType::Udp, id, SERVICE, b"go");
        rig.carry_up();
        rig.datagrams.len()
    };
    assert_eq!(sends(&mut rig, 1), 1);
    let other = LinkConfig {
        message_bytes_max: 1000,
        ..rate(1)
    };
    reconfigure(&mut rig, &[End::Satellite], &other, None);
    assert_eq!(sends(&mut rig, 2), 1);
    reconfigure(&mut rig, &[End::Satellite], &rate(2), None);
    assert_eq!(sends(&mut rig, 3), 2);
}

#[test]
fn a_budget_that_shrinks_below_what_is_held_takes_nothing_away() {
    let mut rig = Rig::space_packet();
    rig.app_sends(0, &octets(10_000));
    let small = LinkConfig {
        memory_bytes_max: 20_000,
        ..satellite_config()
    };
    reconfigure(&mut rig, &[End::Satellite], &small, None);
    assert_eq!(rig.satellite().memory_bytes_max, 20_000);
    rig.app_sends(0, &octets(10_000));
    let spent = [(DropReason::MemorySpent, 1)];
    assert_eq!(dropped(&rig.satellite().messages_out), spent);
    rig.carry_down();
    assert_eq!(rig.heard.len(), 1);
}

/// Whether a message of the ground, which speaks `ground`, proves to a satellite
/// that goes over from `from` to `to` that the ground goes along.
fn proves(from: &LinkOptions, to: &LinkOptions, ground: &LinkOptions) -> bool {
    let mut rig = Rig::new(
        satellite_config(),
        format(from, End::Satellite),
        LinkConfig::new(End::Ground),
        format(ground, End::Ground),
    );
    let other = format(to, End::Satellite);
    rig.on(End::Satellite, |link, now| {
        link.reconfigure(now, satellite_config(), Some(other));
        assert!(!link.is_proven());
    });
    rig.ask(PayloadType::Udp, 1, SERVICE, b"here");
    rig.carry_up();
    rig.on(End::Satellite, |link, _| link.is_proven())
}

#[test]
fn only_a_packet_that_the_old_format_would_not_read_so_proves_a_new_one() {
    let space_packet = options(PacketFormat::SpacePacket);
    let kubos = options(PacketFormat::Kubos);
    let unchecked = LinkOptions {
        error_control: Some(false),
        ..LinkOptions::default()
    };
    for (from, to) in [
        (&space_packet, &kubos),
        (&kubos, &space_packet),
        (&space_packet, &unchecked),
        (&unchecked, &space_packet),
    ] {
        assert!(proves(from, to, to), "{from:?} to {to:?}");
        assert!(!proves(from, to, from), "{from:?} to {to:?}");
    }
    let smaller = LinkOptions {
        packet_bytes_max: Some(100),
        ..LinkOptions::default()
    };
    assert!(!proves(&space_packet, &smaller, &smaller));
}

#[test]
fn a_message_that_is_refused_proves_nothing() {
    let mut rig = Rig::space_packet();
    let closed = LinkConfig {
        admission: Admission {
            allowed_ports: [(PayloadType::Udp, [SERVICE + 1].into())].into(),
            rates: Vec::new(),
        },
        ..satellite_config()
    };
    reconfigure(&mut rig, &[End::Satellite], &closed, None);
    for (port, proves) in [(SERVICE, false), (SERVICE + 1, true)] {
        rig.ask(PayloadType::Udp, u64::from(port), port, b"here");
        rig.carry_up();
        let is_proven = rig.on(End::Satellite, |link, _| link.is_proven());
        assert_eq!(is_proven, proves);
    }
}

#[test]
fn any_message_that_is_let_in_proves_a_change_of_something_else() {
    let mut rig = Rig::space_packet();
    reconfigure(&mut rig, &[End::Satellite], &satellite_config(), None);
    let is_proven = |rig: &mut Rig| rig.on(End::Satellite, |link, _| link.is_proven());
    rig.hear(End::Satellite, b"not a packet".to_vec());
    assert!(!is_proven(&mut rig));
    rig.ask(PayloadType::Udp, 1, SERVICE, b"here");
    rig.carry_up();
    assert!(is_proven(&mut rig));
}

#[derive(Clone, Debug)]
enum Step {
    AppSends(usize),
    Command(usize),
    BeginWrite(bool),
    EndWrite(bool),
    Speak(bool, bool),
    Answer,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1_usize..3000).prop_map(Step::AppSends),
        (1_usize..3000).prop_map(Step::Command),
        any::<bool>().prop_map(Step::BeginWrite),
        any::<bool>().prop_map(Step::EndWrite),
        any::<(bool, bool)>().prop_map(|(satellite, kubos)| Step::Speak(satellite, kubos)),
        Just(Step::Answer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The rig checks the accounts after each call.
    #[test]
    fn whatever_is_under_way_a_change_of_format_keeps_the_accounts(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut rig = Rig::space_packet();
        let mut in_write: [Option<Vec<u8>>; 2] = [None, None];
        let end = |satellite| if satellite { End::Satellite } else { End::Ground };
        for (id, step) in steps.into_iter().enumerate() {
            match step {
                Step::AppSends(bytes) => rig.app_sends(0, &octets(bytes)),
                Step::Command(bytes) => rig.query(id as u64 + 1, SERVICE, &octets(bytes)),
                Step::BeginWrite(satellite) => {
                    let slot = &mut in_write[usize::from(satellite)];
                    if slot.is_none() {
                        *slot = rig.begin_write(end(satellite), 0);
                    }
                }
                Step::EndWrite(satellite) => {
                    if let Some(packet) = in_write[usize::from(satellite)].take() {
                        rig.end_write(end(satellite), 0, Ok(()));
                        rig.hear(end(!satellite), packet);
                    }
                }
                Step::Speak(satellite, kubos) => {
                    let to = match kubos {
                        true => PacketFormat::Kubos,
                        false => PacketFormat::SpacePacket,
                    };
                    reconfigure(&mut rig, &[end(satellite)], &satellite_config(), Some(to));
                }
                Step::Answer => if !rig.posts.is_empty() {
                    rig.service_answers(b"{\"data\":{}}");
                },
            }
        }
        for satellite in [true, false] {
            if in_write[usize::from(satellite)].take().is_some() {
                rig.end_write(end(satellite), 0, Ok(()));
            }
            rig.transmit_all(end(satellite));
        }
        let out = rig.satellite().messages_out;
        prop_assert_eq!((out.queued, out.in_flight), (0, 0));
    }
}
