//! How large and how many PDUs may be, and what they leave for others.

use comms_service::accounting::DropReason;
use comms_service::link::{Action, Link, LinkConfig, PduRefused, PduToSend, QueueClass, WhenFull};
use comms_service::message::{End, PayloadType};
use comms_service::packet::SpacePacketFormat;
use comms_service::{LinkOptions, PacketFormat};

use super::{
    DIRECTIVE, ENDS, FILE_DATA, PDU_BYTES_MAX, assert_idle, departed, rig, rig_in, rig_with, send,
    told,
};
use crate::rig::{Told, dropped, format, head, octets, satellite_config, segments};

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
