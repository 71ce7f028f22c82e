//! What reaches the other end, and what does not.

use comms_service::accounting::DropReason;
use comms_service::link::{Admission, CommandMemoryConfig, LinkConfig};
use comms_service::message::{End, PayloadType};
use comms_service::packet::SpacePacketFormat;

use super::{DIRECTIVE, FILE_DATA, assert_idle, departed, rig, rig_with, send, told};
use crate::rig::{Rig, Told, dropped, head, octets, satellite_config, segments};

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
        admission: Admission {
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
