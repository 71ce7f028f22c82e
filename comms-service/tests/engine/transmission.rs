//! The queue before `write`.

use comms_service::accounting::DropReason;
use comms_service::link::LinkConfig;
use comms_service::message::{End, PayloadType};

use crate::rig::{DOWNLINK_PORT, Outcome, Rig, dropped, octets, satellite_config};

fn apid(packet: &[u8]) -> u8 {
    packet[1]
}

fn count(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[2] & 0x3F, packet[3]])
}

/// A query is answered; the answer waits at the satellite.
fn queue_answer(rig: &mut Rig, command_id: u64, answer: &[u8]) {
    rig.query(command_id, 8020, b"?");
    rig.carry_up();
    rig.service_answers(answer);
}

#[test]
fn a_short_answer_passes_between_two_segments_of_a_bulk_one() {
    let mut rig = Rig::space_packet();
    let long = octets(20_000);
    queue_answer(&mut rig, 1, &long);
    let first: Vec<_> = (0..3)
        .map(|_| rig.transmit(End::Satellite).unwrap())
        .collect();
    rig.hear_all(End::Ground, first);
    queue_answer(&mut rig, 2, b"short");
    let packets = rig.transmit_all(End::Satellite);
    let apids: Vec<_> = packets.iter().map(|packet| apid(packet)).collect();
    assert_eq!(apids[..2], [0, 4]);
    rig.hear_all(End::Ground, packets);
    let short = Outcome::Answered(2, b"short".to_vec());
    assert_eq!(rig.outcomes, [short, Outcome::Answered(1, long)]);
    rig.assert_idle();
}

#[test]
fn messages_of_one_channel_do_not_interleave() {
    let mut rig = Rig::space_packet();
    rig.app_sends(0, &octets(1000));
    rig.app_sends(0, &octets(800));
    let flags: Vec<_> = rig
        .transmit_all(End::Satellite)
        .iter()
        .map(|packet| packet[2] >> 6)
        .collect();
    assert_eq!(flags, [1, 0, 0, 0, 2, 1, 0, 0, 2]);
}

#[test]
fn an_answer_goes_before_a_datagram_and_that_before_a_long_answer() {
    let mut rig = Rig::space_packet();
    queue_answer(&mut rig, 1, &octets(5000));
    queue_answer(&mut rig, 2, &octets(700));
    rig.app_sends(0, &octets(700));
    let packets = rig.transmit_all(End::Satellite);
    let apids: Vec<_> = packets.iter().map(|packet| apid(packet)).collect();
    assert_eq!(apids[..6], [0, 0, 0, 1, 1, 1]);
    assert!(apids[6..].iter().all(|apid| *apid == 4));
    rig.hear_all(End::Ground, packets);
    assert_eq!((rig.outcomes.len(), rig.heard.len()), (2, 1));
    rig.assert_idle();
}

#[test]
fn counts_are_given_when_a_packet_is_handed_out() {
    let mut rig = Rig::space_packet();
    // Dropped before any of it was handed out: it uses up no count.
    rig.app_sends(0, &octets(600));
    rig.app_sends(0, b"second");
    rig.begin_write(End::Satellite, 0).unwrap();
    rig.end_write(End::Satellite, 0, Err("off".to_string()));
    let packet = rig.transmit(End::Satellite).unwrap();
    // One packet of the first message was tried; its other two were not.
    assert_eq!(count(&packet), 1);
}

#[test]
fn counts_are_of_each_write_and_apid_and_go_round_after_16383() {
    let mut rig = Rig::with_satellite(LinkConfig {
        writes: 2,
        downlink_ports: vec![DOWNLINK_PORT, DOWNLINK_PORT + 1],
        ..satellite_config()
    });
    for expected in (0..0x4000_u16).chain([0, 1]) {
        rig.app_sends(0, b"x");
        let packet = rig.transmit(End::Satellite).unwrap();
        assert_eq!(count(&packet), expected);
        rig.hear(End::Ground, packet);
    }
    assert_eq!(rig.heard.len(), 0x4002);
    let ground = rig.ground();
    assert_eq!((ground.sequence_gaps, ground.sender_restarts), (0, 0));

    rig.app_sends(1, b"x");
    let other_write = rig.begin_write(End::Satellite, 1).unwrap();
    rig.end_write(End::Satellite, 1, Ok(()));
    assert_eq!((apid(&other_write), count(&other_write)), (1, 0));
    queue_answer(&mut rig, 1, b"x");
    let other_apid = rig.transmit(End::Satellite).unwrap();
    assert_eq!((apid(&other_apid), count(&other_apid)), (0, 0));
}

#[test]
fn one_packet_at_a_time_is_with_the_radio() {
    let mut rig = Rig::space_packet();
    rig.app_sends(0, b"first");
    rig.app_sends(0, b"second");
    assert!(rig.begin_write(End::Satellite, 0).is_some());
    assert_eq!(rig.satellite().packets_out.in_flight, 1);
    assert_eq!(rig.begin_write(End::Satellite, 0), None);
    rig.end_write(End::Satellite, 0, Ok(()));
    assert!(rig.begin_write(End::Satellite, 0).is_some());
}

#[test]
fn a_write_that_fails_drops_the_message_and_no_other() {
    let mut rig = Rig::space_packet();
    rig.app_sends(0, &octets(1000));
    rig.app_sends(0, b"next");
    let first = rig.transmit(End::Satellite).unwrap();
    rig.hear(End::Ground, first);
    rig.begin_write(End::Satellite, 0).unwrap();
    rig.end_write(End::Satellite, 0, Err("antenna stowed".to_string()));
    assert_eq!(rig.carry_down(), 1);
    assert_eq!(rig.heard.len(), 1);
    assert_eq!(rig.heard[0].1, b"next");

    let satellite = rig.satellite();
    let failed = DropReason::WriteFailed;
    assert_eq!(dropped(&satellite.packets_out), [(failed, 1)]);
    assert_eq!(satellite.packets_out.delivered, 2);
    assert_eq!(dropped(&satellite.messages_out), [(failed, 1)]);
    assert!(satellite.errors[0].contains("antenna stowed"));
    let gap = (DropReason::SequenceGap, 1);
    assert_eq!(dropped(&rig.ground().packets_in), [gap]);
    rig.assert_idle();
}

#[test]
fn a_full_queue_refuses_and_counts() {
    let mut rig = Rig::with_satellite(LinkConfig {
        transmit_queue_messages_max: 3,
        ..satellite_config()
    });
    for _ in 0..5 {
        rig.app_sends(0, b"x");
    }
    let satellite = rig.satellite();
    assert_eq!(satellite.messages_out.queued, 3);
    let full = DropReason::QueueFull;
    assert_eq!(dropped(&satellite.messages_out), [(full, 2)]);
    // What is with the radio still takes its place.
    rig.begin_write(End::Satellite, 0).unwrap();
    rig.app_sends(0, b"x");
    assert_eq!(rig.satellite().messages_out.dropped.of(full), 3);
    rig.end_write(End::Satellite, 0, Ok(()));
    rig.app_sends(0, b"x");
    assert_eq!(rig.carry_down(), 3);
    rig.assert_idle();
}

#[test]
fn an_answer_that_finds_the_queue_full_is_counted() {
    let mut rig = Rig::with_satellite(LinkConfig {
        transmit_queue_messages_max: 1,
        ..satellite_config()
    });
    queue_answer(&mut rig, 3, b"first");
    queue_answer(&mut rig, 1, b"answer");
    let full = (DropReason::QueueFull, 1);
    assert_eq!(dropped(&rig.satellite().messages_out), [full]);
    rig.query(2, 8020, b"?");
    rig.carry_up();
    rig.service_fails(DropReason::ServiceError, "no");
    assert_eq!(dropped(&rig.satellite().messages_out), [(full.0, 2)]);
}

#[test]
fn datagrams_never_take_the_place_of_an_answer() {
    let mut rig = Rig::with_satellite(LinkConfig {
        transmit_queue_messages_max: 2,
        ..satellite_config()
    });
    for _ in 0..3 {
        rig.app_sends(0, b"x");
    }
    let full = (DropReason::QueueFull, 1);
    assert_eq!(dropped(&rig.satellite().messages_out), [full]);
    queue_answer(&mut rig, 1, b"answer");
    rig.carry_down();
    assert_eq!(rig.outcomes, [Outcome::Answered(1, b"answer".to_vec())]);
}

#[test]
fn a_packet_larger_than_the_radio_takes_never_reaches_write_whatever_the_format_makes() {
    let mut rig = Rig::with_satellite(LinkConfig {
        packet_bytes_max: Some(100),
        ..satellite_config()
    });
    // The format makes packets of up to 256 octets.
    rig.app_sends(0, &octets(200));
    rig.app_sends(0, &octets(50));
    assert_eq!(rig.carry_down(), 1);
    let too_large = (DropReason::TooLarge, 1);
    assert_eq!(dropped(&rig.satellite().messages_out), [too_large]);
}

#[test]
fn a_write_that_does_not_exist_has_no_packets() {
    let mut rig = Rig::space_packet();
    rig.app_sends(0, b"x");
    assert_eq!(rig.begin_write(End::Satellite, 1), None);
}

#[test]
fn no_packet_is_larger_than_the_radio_takes() {
    use comms_service::LinkOptions;
    for packet_bytes_max in [32, 100, 1000, 65_542] {
        let options = LinkOptions {
            packet_bytes_max: Some(packet_bytes_max),
            ..LinkOptions::default()
        };
        let mut rig = Rig::with_options(satellite_config(), &options);
        rig.ask(PayloadType::Udp, 1, 8000, &octets(5000));
        queue_answer(&mut rig, 2, &octets(5000));
        let packets = rig.transmit_all(End::Satellite);
        assert!(
            packets
                .iter()
                .all(|packet| packet.len() <= packet_bytes_max)
        );
        rig.hear_all(End::Ground, packets);
        assert_eq!(rig.outcomes[1], Outcome::Answered(2, octets(5000)));
    }
}
