//! PDUs of file entities: bare, each in one packet, and each accounted for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::link::{
    Action, CommandMemoryConfig, ContactConfig, ContactPlan, ContactReason, ContactWindow,
    HeldClass, Link, LinkConfig, Pace, PduRefused, PduToSend, QueueClass, WhenFull,
};
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::{LinkPacket, PacketError, Parsed, SpacePacketFormat};
use comms_service::{LinkOptions, PacketFormat};

use crate::rig::{Rig, Told, dropped, format, head, octets, satellite_config, segments};

const DIRECTIVE: QueueClass = QueueClass::Response;
const FILE_DATA: QueueClass = QueueClass::Bulk;
/// Octets of the largest PDU in packets of 256 octets with error control.
const PDU_BYTES_MAX: usize = 256 - 6 - 2;
const ENDS: [End; 2] = [End::Satellite, End::Ground];

/// With a file entity at either end, and these limits on the satellite.
fn rig_with(satellite: LinkConfig) -> Rig {
    rig_in(satellite, PacketFormat::SpacePacket)
}

fn rig_in(satellite: LinkConfig, packet_format: PacketFormat) -> Rig {
    let options = LinkOptions {
        format: packet_format,
        ..LinkOptions::default()
    };
    Rig::new(
        LinkConfig {
            takes_pdus: true,
            ..satellite
        },
        format(&options, End::Satellite),
        LinkConfig {
            takes_pdus: true,
            ..LinkConfig::new(End::Ground)
        },
        format(&options, End::Ground),
    )
}

fn rig() -> Rig {
    rig_with(satellite_config())
}

fn send(
    rig: &mut Rig,
    end: End,
    class: QueueClass,
    token: u64,
    pdu: &[u8],
) -> Result<(), PduRefused> {
    rig.on(end, |link, _| {
        let pdu = PduToSend {
            token,
            class,
            octets: pdu,
        };
        link.handle_pdu_to_send(0, pdu)
    })
}

/// What the entity of this end was told beside of contact.
fn told(rig: &mut Rig, end: End) -> Vec<Told> {
    let is_own = |(to, told): &(End, Told)| *to == end && !matches!(told, Told::Contact(_));
    let (own, others): (Vec<_>, _) = std::mem::take(&mut rig.entity)
        .into_iter()
        .partition(is_own);
    rig.entity = others;
    own.into_iter().map(|(_, told)| told).collect()
}

/// What the entity of this end was told of contact.
fn contacts(rig: &Rig, end: End) -> Vec<(bool, ContactReason)> {
    let told = rig.entity.iter().filter(|(to, _)| *to == end);
    let contacts = told.filter_map(|(_, told)| match told {
        Told::Contact(state) => Some((state.in_contact, state.reason)),
        _ => None,
    });
    contacts.collect()
}

fn departed(tokens: impl IntoIterator<Item = u64>, result: Result<(), DropReason>) -> Vec<Told> {
    let tokens = tokens.into_iter();
    tokens.map(|token| Told::Departed(token, result)).collect()
}

/// Contact ends, after which no time-out is due.
fn assert_idle(rig: &mut Rig) {
    rig.pass(Duration::from_secs(60));
    rig.assert_idle();
}

#[test]
fn a_pdu_travels_bare_either_way_and_its_sender_hears_when_it_left() {
    let mut rig = rig();
    for (from, to) in [(End::Satellite, End::Ground), (End::Ground, End::Satellite)] {
        send(&mut rig, from, DIRECTIVE, 7, b"metadata").unwrap();
        assert_eq!(told(&mut rig, from), []);
        let packet = rig.begin_write(from, 0).unwrap();
        assert_eq!(packet[..2], [if from == End::Ground { 0x10 } else { 0 }, 2]);
        assert_eq!(packet[2] & 0xC0, 0xC0, "it is unsegmented");
        assert_eq!(packet[6..packet.len() - 2], *b"metadata");
        assert_eq!(told(&mut rig, from), [], "the radio has it not yet");
        rig.end_write(from, 0, Ok(()));
        assert_eq!(told(&mut rig, from), departed([7], Ok(())));
        rig.hear(to, packet);
        assert_eq!(told(&mut rig, to), [Told::Pdu(b"metadata".to_vec())]);
    }
    for all in [rig.satellite(), rig.ground()] {
        assert_eq!((all.messages_in.offered, all.messages_in.delivered), (1, 1));
        assert_eq!(all.classes_out.response.messages.delivered, 1);
        assert_eq!(all.messages_out.delivered, 1);
    }
    assert_idle(&mut rig);
}

#[test]
fn the_same_pdu_again_is_no_command_that_runs_but_once() {
    let mut rig = rig_with(LinkConfig {
        command_memory: Some(CommandMemoryConfig::default()),
        ..satellite_config()
    });
    for token in 0..3 {
        send(&mut rig, End::Ground, DIRECTIVE, token, b"eof").unwrap();
    }
    rig.carry_up();
    let eofs = vec![Told::Pdu(b"eof".to_vec()); 3];
    assert_eq!(told(&mut rig, End::Satellite), eofs);
    assert_eq!(rig.satellite().commands_remembered, 0);
}

#[test]
fn a_packet_that_comes_twice_is_one_pdu() {
    let mut rig = rig();
    send(&mut rig, End::Ground, FILE_DATA, 1, b"data").unwrap();
    let packet = rig.transmit(End::Ground).unwrap();
    rig.hear(End::Satellite, packet.clone());
    rig.hear(End::Satellite, packet);
    assert_eq!(
        told(&mut rig, End::Satellite),
        [Told::Pdu(b"data".to_vec())]
    );
    let duplicate = [(DropReason::Duplicate, 1)];
    assert_eq!(dropped(&rig.satellite().packets_in), duplicate);
}

#[test]
fn neither_allow_lists_nor_rates_are_for_pdus_and_none_proves_that_commands_get_through() {
    let mut rig = rig();
    let satellite = LinkConfig {
        admission: comms_service::link::Admission {
            allowed_ports: [PayloadType::GraphQl, PayloadType::Udp]
                .map(|kind| (kind, [].into()))
                .into(),
            ..Default::default()
        },
        ..satellite_config()
    };
    rig.on(End::Satellite, |link, now| {
        link.reconfigure(now, satellite, None);
    });
    send(&mut rig, End::Ground, DIRECTIVE, 1, b"nak").unwrap();
    rig.carry_up();
    assert_eq!(told(&mut rig, End::Satellite), [Told::Pdu(b"nak".to_vec())]);
    assert!(!rig.on(End::Satellite, |link, _| link.is_proven()));
}

#[test]
fn a_link_without_a_file_entity_drops_pdus_with_a_reason() {
    let mut rig = Rig::space_packet();
    send(&mut rig, End::Ground, DIRECTIVE, 1, b"pdu").unwrap();
    send(&mut rig, End::Satellite, DIRECTIVE, 1, b"pdu").unwrap();
    rig.carry_up();
    rig.carry_down();
    let reasons = [DropReason::NotCarried, DropReason::NotAsked];
    for (all, reason) in [rig.satellite(), rig.ground()].into_iter().zip(reasons) {
        assert_eq!(dropped(&all.messages_in), [(reason, 1)]);
    }
    rig.assert_idle();
}

#[test]
fn a_directive_overtakes_the_file_data_that_waits_on_the_same_apid() {
    let mut rig = rig();
    for end in ENDS {
        for token in 0..4 {
            send(&mut rig, end, FILE_DATA, token, &octets(PDU_BYTES_MAX)).unwrap();
        }
        // One is with the radio already.
        rig.begin_write(end, 0).unwrap();
        send(&mut rig, end, DIRECTIVE, 9, b"ack").unwrap();
        rig.end_write(end, 0, Ok(()));
        rig.transmit_all(end);
        assert_eq!(told(&mut rig, end), departed([0, 9, 1, 2, 3], Ok(())));
        rig.on(end, |link, _| {
            let counts = link.statistics().classes_out;
            assert_eq!(counts.response.messages.delivered, 1);
            assert_eq!(counts.bulk.messages.delivered, 4);
        });
    }
}

#[test]
fn an_answer_does_not_wait_for_file_data_and_bulk_is_shared_fairly() {
    let mut rig = rig();
    for token in 0..20 {
        send(
            &mut rig,
            End::Satellite,
            FILE_DATA,
            token,
            &octets(PDU_BYTES_MAX),
        )
        .unwrap();
    }
    rig.query(1, 8020, b"{a}");
    rig.query(2, 8020, b"{b}");
    rig.carry_up();
    rig.service_answers(b"short");
    rig.service_answers(&octets(5_000));
    let apids = rig.transmit_all(End::Satellite);
    let apids: Vec<u8> = apids.iter().map(|packet| packet[1]).collect();
    assert_eq!(apids[0], 0, "the short answer");
    // The long one and the file take turns while both have something.
    let long_ends = apids.iter().rposition(|apid| *apid == 4).unwrap();
    let pdus = apids[1..long_ends].iter().filter(|apid| **apid == 2);
    assert!((18..=20).contains(&pdus.count()), "{apids:?}");
}

#[test]
fn a_pdu_that_does_not_fit_into_one_packet_is_refused_at_once() {
    let mut rig = rig();
    let bytes_max = rig.on(End::Ground, |link, _| link.pdu_bytes_max());
    assert_eq!(bytes_max, PDU_BYTES_MAX);
    let largest = octets(bytes_max);
    send(&mut rig, End::Ground, FILE_DATA, 1, &largest).unwrap();
    let larger = octets(bytes_max + 1);
    assert_eq!(
        send(&mut rig, End::Ground, FILE_DATA, 2, &larger),
        Err(PduRefused::TooLarge {
            bytes: bytes_max + 1,
            bytes_max
        })
    );
    let empty = send(&mut rig, End::Ground, FILE_DATA, 3, b"");
    assert_eq!(empty, Err(PduRefused::Empty));
    let packets = rig.transmit_all(End::Ground);
    assert_eq!(packets[0].len(), 256);
    rig.hear_all(End::Satellite, packets);
    // Of those refused nothing follows.
    assert_eq!(told(&mut rig, End::Ground), departed([1], Ok(())));
    assert_eq!(told(&mut rig, End::Satellite), [Told::Pdu(largest)]);
    let bulk = rig.ground().classes_out.bulk.messages;
    assert_eq!(bulk.offered, 3);
    let reasons = [(DropReason::TooLarge, 1), (DropReason::NotCarried, 1)];
    assert_eq!(dropped(&bulk), reasons);
    assert_idle(&mut rig);
}

#[test]
fn the_size_of_a_pdu_follows_the_packets_and_the_longest_message() {
    let mut rig = rig();
    let mut bytes_max = |config: LinkConfig, options: &LinkOptions| {
        let format = format(options, End::Satellite);
        rig.on(End::Satellite, |link, now| {
            link.reconfigure(now, config, Some(format));
            link.pdu_bytes_max()
        })
    };
    let packets = |bytes| LinkOptions {
        packet_bytes_max: Some(bytes),
        ..LinkOptions::default()
    };
    assert_eq!(bytes_max(satellite_config(), &packets(1024)), 1024 - 8);
    let bare = LinkOptions {
        error_control: Some(false),
        ..packets(1024)
    };
    assert_eq!(bytes_max(satellite_config(), &bare), 1024 - 6);
    let short = LinkConfig {
        message_bytes_max: 100,
        ..satellite_config()
    };
    assert_eq!(bytes_max(short, &packets(1024)), 100);
    let kubos = LinkOptions {
        format: PacketFormat::Kubos,
        ..LinkOptions::default()
    };
    assert_eq!(bytes_max(satellite_config(), &kubos), 0);
}

#[test]
fn formats_without_pdus_refuse_them() {
    for packet_format in [PacketFormat::Kubos, PacketFormat::Udp] {
        let mut rig = rig_in(satellite_config(), packet_format);
        for end in ENDS {
            let refused = send(&mut rig, end, DIRECTIVE, 1, b"pdu").unwrap_err();
            assert!(matches!(refused, PduRefused::NotCarried(_)), "{refused}");
            assert_eq!(refused.drop_reason(), DropReason::NotCarried);
        }
    }
    let mut rig = rig();
    let nowhere = rig.on(End::Satellite, |link, _| {
        let pdu = PduToSend {
            token: 1,
            class: DIRECTIVE,
            octets: b"pdu",
        };
        link.handle_pdu_to_send(5, pdu)
    });
    assert!(matches!(nowhere, Err(PduRefused::NotCarried(_))));
}

#[test]
fn a_full_queue_refuses_a_pdu_until_one_has_departed() {
    let mut rig = rig_with(LinkConfig {
        transmit_queue_messages_max: 2,
        ..satellite_config()
    });
    let end = End::Satellite;
    for token in 0..2 {
        send(&mut rig, end, FILE_DATA, token, b"data").unwrap();
    }
    let refused = send(&mut rig, end, FILE_DATA, 2, b"data").unwrap_err();
    assert!(matches!(refused, PduRefused::QueueFull(_)), "{refused}");
    // Each class has room of its own.
    send(&mut rig, end, DIRECTIVE, 3, b"nak").unwrap();
    assert!(rig.transmit(end).is_some());
    assert!(rig.transmit(end).is_some());
    assert_eq!(told(&mut rig, end), departed([3, 0], Ok(())));
    send(&mut rig, end, FILE_DATA, 4, b"data").unwrap();
    let full = [(DropReason::QueueFull, 1)];
    assert_eq!(
        dropped(&rig.satellite().classes_out.bulk.messages),
        full,
        "it is counted"
    );
}

#[test]
fn neither_apps_nor_answers_take_the_place_of_a_pdu() {
    let mut config = LinkConfig {
        transmit_queue_messages_max: 1,
        ..satellite_config()
    };
    config.queue.telemetry.when_full = WhenFull::Oldest;
    let mut rig = rig_with(config);
    let end = End::Satellite;
    rig.app_sends(0, b"beacon");
    send(&mut rig, end, QueueClass::Telemetry, 1, b"pdu").unwrap();
    // What is oldest makes room for its own kind only.
    rig.app_sends(0, b"newer beacon");
    send(&mut rig, end, QueueClass::Telemetry, 2, b"newer pdu").unwrap();
    let displaced = departed([1], Err(DropReason::Displaced));
    assert_eq!(told(&mut rig, end), displaced);
    rig.carry_down();
    assert_eq!(told(&mut rig, end), departed([2], Ok(())));
    assert_eq!(
        told(&mut rig, End::Ground),
        [Told::Pdu(b"newer pdu".to_vec())]
    );
    assert_eq!(rig.heard.len(), 1);
    assert_idle(&mut rig);
}

#[test]
fn a_write_that_fails_takes_the_pdu_with_it_and_no_other() {
    let mut rig = rig();
    for token in 0..3 {
        send(&mut rig, End::Satellite, FILE_DATA, token, b"data").unwrap();
    }
    for result in [Ok(()), Err("no power".to_string()), Ok(())] {
        rig.begin_write(End::Satellite, 0).unwrap();
        rig.end_write(End::Satellite, 0, result);
    }
    let failed = Err(DropReason::WriteFailed);
    let expected = [(0, Ok(())), (1, failed), (2, Ok(()))];
    let expected = expected.map(|(token, result)| Told::Departed(token, result));
    assert_eq!(told(&mut rig, End::Satellite), expected);
    let bulk = rig.satellite().classes_out.bulk.messages;
    assert_eq!(bulk.delivered, 2);
    assert_eq!(dropped(&bulk), [(DropReason::WriteFailed, 1)]);
    rig.assert_idle();
}

#[test]
fn at_the_end_whoever_sent_a_pdu_that_was_not_written_is_told_once() {
    let mut rig = rig();
    for end in ENDS {
        for token in 0..3 {
            send(&mut rig, end, FILE_DATA, token, &octets(100)).unwrap();
        }
        rig.begin_write(end, 0).unwrap();
        rig.on(end, |link, _| link.handle_shutdown());
        // The call of `write` comes back after all.
        rig.end_write(end, 0, Ok(()));
        let mut told = told(&mut rig, end);
        told.sort_by_key(|told| format!("{told:?}"));
        assert_eq!(told, departed(0..3, Err(DropReason::Shutdown)));
    }
    rig.assert_idle();
}

#[test]
fn a_departure_that_nobody_asked_for_yet_outlives_the_end() {
    let format = SpacePacketFormat::new(End::Ground);
    let mut link = Link::new(LinkConfig::new(End::Ground), Box::new(format));
    let now = std::time::Instant::now();
    let pdu = PduToSend {
        token: 4,
        class: DIRECTIVE,
        octets: b"ack",
    };
    link.handle_pdu_to_send(0, pdu).unwrap();
    assert!(link.poll_packet(now, 0, &mut Vec::new()));
    link.handle_written(now, 0, Ok(()));
    link.handle_shutdown();
    assert!(matches!(
        link.poll_action(),
        Some(Action::PduDeparted {
            token: 4,
            result: Ok(())
        })
    ));
    assert!(link.poll_action().is_none());
}

#[test]
fn other_packets_let_pdus_that_fit_go_and_say_which_do_not() {
    let mut rig = rig();
    let end = End::Satellite;
    send(&mut rig, end, FILE_DATA, 1, &octets(PDU_BYTES_MAX)).unwrap();
    send(&mut rig, end, FILE_DATA, 2, &octets(50)).unwrap();
    let smaller = LinkOptions {
        packet_bytes_max: Some(100),
        ..LinkOptions::default()
    };
    let smaller = format(&smaller, end);
    rig.on(end, |link, now| {
        link.reconfigure(now, satellite_config(), Some(smaller));
    });
    let dropped = departed([1], Err(DropReason::Reconfigured));
    assert_eq!(told(&mut rig, end), dropped);
    rig.carry_down();
    assert_eq!(told(&mut rig, end), departed([2], Ok(())));
    assert_eq!(told(&mut rig, End::Ground), [Told::Pdu(octets(50))]);
    // There is still a file entity, whatever a configuration says.
    send(&mut rig, End::Ground, DIRECTIVE, 3, b"finished").unwrap();
    rig.carry_up();
    assert_eq!(told(&mut rig, end), [Told::Pdu(b"finished".to_vec())]);
}

#[test]
fn the_ground_hears_no_pdu_in_segments() {
    let mut rig = rig();
    let satellite = SpacePacketFormat::new(End::Satellite);
    let long = head(PayloadType::Udp, 0, 0);
    let mut packets = segments(&satellite, long, &octets(600), 0);
    for packet in &mut packets {
        // As if it were the CFDP APID, with the right checksum.
        packet[1] = 2;
        let covered = packet.len() - 2;
        let sum = crc(&packet[..covered]);
        packet[covered..].copy_from_slice(&sum.to_be_bytes());
    }
    let count = packets.len() as u64;
    rig.hear_all(End::Ground, packets);
    assert_eq!(told(&mut rig, End::Ground), []);
    let reason = [(DropReason::SequenceFlags, count)];
    assert_eq!(dropped(&rig.ground().packets_in), reason);
}

/// CRC-16/IBM-3740, bit by bit.
fn crc(octets: &[u8]) -> u16 {
    octets.iter().fold(0xFFFF, |crc, octet| {
        (0..8).fold(crc ^ u16::from(*octet) << 8, |crc, _| {
            crc << 1 ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    })
}

#[test]
fn a_file_entity_that_does_not_keep_up_leaves_room_for_commands() {
    let memory = 40_000;
    let config = LinkConfig {
        memory_bytes_max: memory,
        takes_pdus: true,
        ..satellite_config()
    };
    let satellite = SpacePacketFormat::new(End::Satellite);
    let ground = SpacePacketFormat::new(End::Ground);
    let mut link = Link::new(config, Box::new(satellite));
    let now = std::time::Instant::now();
    let mut kept = Vec::new();
    for count in 0..400 {
        let pdu = head(PayloadType::Cfdp, 0, 0);
        let mut payload = octets(200);
        payload[0] = count as u8;
        for packet in segments(&ground, pdu, &payload, count) {
            link.handle_packet(now, packet);
        }
        while let Some(action) = link.poll_action() {
            match action {
                Action::Pdu { octets } => kept.push(octets),
                Action::ContactChanged(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    let all = link.statistics();
    assert!(all.balances());
    assert!(all.memory_bytes_used <= memory as u64 / 4 * 3, "{all:?}");
    let spent = [(DropReason::MemorySpent, 400 - kept.len() as u64)];
    assert_eq!(dropped(&all.messages_in), spent);
    for packet in segments(&ground, head(PayloadType::GraphQl, 1, 8020), b"{a}", 0) {
        link.handle_packet(now, packet);
    }
    assert!(matches!(link.poll_action(), Some(Action::Post { .. })));
    drop(kept);
    // And one that sends more than the radio takes.
    let mut refused = 0;
    for token in 0..400 {
        let pdu = PduToSend {
            token,
            class: FILE_DATA,
            octets: &octets(200),
        };
        match link.handle_pdu_to_send(0, pdu) {
            Ok(()) => {}
            Err(PduRefused::MemorySpent(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0);
    let all = link.statistics();
    assert!(all.balances() && all.memory_bytes_used <= memory as u64 / 4 * 3);
}

#[test]
fn the_entity_is_told_when_contact_begins_and_ends_and_why() {
    let mut rig = rig();
    rig.on(End::Ground, |link, now| link.handle_timeout(now));
    rig.on(End::Satellite, |link, now| link.handle_timeout(now));
    for end in ENDS {
        let first = [(false, ContactReason::NoPlan)];
        assert_eq!(contacts(&rig, end), first);
    }
    rig.entity.clear();
    send(&mut rig, End::Ground, DIRECTIVE, 1, b"metadata").unwrap();
    send(&mut rig, End::Ground, DIRECTIVE, 2, b"eof").unwrap();
    rig.carry_up();
    // Contact first, and but once.
    let told = rig.entity.iter().filter(|(to, _)| *to == End::Satellite);
    let told: Vec<_> = told.collect();
    assert!(matches!(told[0].1, Told::Contact(state) if state.in_contact));
    assert_eq!(told[1].1, Told::Pdu(b"metadata".to_vec()));
    assert_eq!(told[2].1, Told::Pdu(b"eof".to_vec()));
    assert_eq!(told.len(), 3);
    assert_eq!(contacts(&rig, End::Ground), [], "it heard nothing");
    rig.entity.clear();

    rig.pass(Duration::from_secs(59));
    assert_eq!(contacts(&rig, End::Satellite), []);
    rig.pass(Duration::from_secs(1));
    let over = [(false, ContactReason::NoPlan)];
    assert_eq!(contacts(&rig, End::Satellite), over);
    rig.assert_idle();
}

#[test]
fn outside_contact_file_data_waits_if_so_configured_and_directives_do_not() {
    let mut rig = rig_with(LinkConfig {
        contact: ContactConfig {
            hold_outside: [HeldClass::Bulk].into(),
            ..ContactConfig::default()
        },
        ..satellite_config()
    });
    let end = End::Satellite;
    let hour = Duration::from_secs(3600);
    let start = rig.now + hour;
    let window = ContactWindow {
        start,
        end: start + hour,
    };
    let plan = ContactPlan {
        windows: vec![window],
        clock_is_set: true,
    };
    rig.on(end, |link, now| link.set_contact_plan(now, Some(plan)))
        .unwrap();
    send(&mut rig, end, FILE_DATA, 1, b"data").unwrap();
    send(&mut rig, end, DIRECTIVE, 2, b"eof").unwrap();
    assert_eq!(rig.transmit_all(end).len(), 1);
    rig.pass(hour);
    assert_eq!(
        contacts(&rig, end),
        [
            (false, ContactReason::BetweenWindows),
            (true, ContactReason::Planned)
        ]
    );
    assert_eq!(rig.transmit_all(end).len(), 1);
    assert_eq!(told(&mut rig, end), departed([2, 1], Ok(())));
    rig.pass(hour);
    let over = (false, ContactReason::PlanUsedUp);
    assert_eq!(contacts(&rig, end).last(), Some(&over));
}

#[test]
fn pacing_says_how_many_pdus_the_radio_may_have() {
    let mut rig = rig();
    assert_eq!(rig.on(End::Satellite, |link, _| link.pace_credits()), None);
    let paced = LinkConfig {
        pace: Some(Pace::new(1_000_000, Some(8))),
        ..satellite_config()
    };
    let credits = rig.on(End::Satellite, |link, now| {
        link.reconfigure(now, paced, None);
        link.pace_credits()
    });
    assert_eq!(credits, Some(8));
}

/// A mission's own format that panics as it builds a packet.
struct Clumsy;

impl LinkPacket for Clumsy {
    fn name(&self) -> &'static str {
        "clumsy"
    }

    fn parse(&self, _: &[u8]) -> Result<Parsed, PacketError> {
        unreachable!("nothing is received")
    }

    fn packet_count(&self, _: &Head, _: usize) -> Result<u32, PacketError> {
        Ok(1)
    }

    fn channel_of(&self, _: &Head) -> u16 {
        0
    }

    fn build(
        &self,
        head: &Head,
        _: &[u8],
        _: u32,
        _: u16,
        _: &mut Vec<u8>,
    ) -> Result<(), PacketError> {
        assert_ne!(head.class, Class::Standard, "no such packet");
        Ok(())
    }

    fn pdu_bytes_max(&self) -> usize {
        100
    }
}

#[test]
fn a_pdu_at_which_the_format_panics_departs_with_that_reason() {
    let mut link = Link::new(LinkConfig::new(End::Ground), Box::new(Clumsy));
    let now = std::time::Instant::now();
    let pdu = PduToSend {
        token: 3,
        class: DIRECTIVE,
        octets: b"pdu",
    };
    link.handle_pdu_to_send(0, pdu).unwrap();
    let cut_off = catch_unwind(AssertUnwindSafe(|| {
        link.poll_packet(now, 0, &mut Vec::new());
    }));
    assert!(cut_off.is_err());
    link.handle_panic("clumsy");
    assert!(matches!(
        link.poll_action(),
        Some(Action::PduDeparted {
            token: 3,
            result: Err(DropReason::InternalFault)
        })
    ));
    assert!(link.statistics().balances());
    assert_eq!(link.statistics().memory_bytes_used, 0);
}
