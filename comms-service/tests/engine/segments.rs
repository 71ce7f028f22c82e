//! Segments on a radio that loses, repeats and reorders them.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::link::LinkConfig;
use comms_service::message::{End, PayloadType};
use comms_service::packet::SpacePacketFormat;
use comms_service::telemetry::ERRORS_MAX;

use crate::rig::{Rig, dropped, head, octets, satellite_config, segments};

/// The packets of one UDP message up, as the ground's engine sends them.
fn packets_up(rig: &mut Rig, command_id: u64, payload: &[u8]) -> Vec<Vec<u8>> {
    rig.ask(PayloadType::Udp, command_id, 8000, payload);
    rig.transmit_all(End::Ground)
}

fn foreign_sender() -> SpacePacketFormat {
    SpacePacketFormat::new(End::Ground)
}

fn udp_segments(payload: &[u8], first_count: u16) -> Vec<Vec<u8>> {
    let udp = head(PayloadType::Udp, 7, 8000);
    segments(&foreign_sender(), udp, payload, first_count)
}

/// What services got, in order.
fn arrived(rig: &Rig) -> Vec<&[u8]> {
    rig.datagrams
        .iter()
        .map(|(_, payload)| payload.as_slice())
        .collect()
}

#[test]
fn a_message_that_misses_any_segment_is_dropped_and_the_next_one_arrives() {
    let payload = octets(1000);
    for missing in 0..5 {
        let mut rig = Rig::space_packet();
        let mut packets = packets_up(&mut rig, 1, &payload);
        assert_eq!(packets.len(), 5);
        // So that a lost first segment shows as a gap.
        let before = packets_up(&mut rig, 2, b"before");
        let next = packets_up(&mut rig, 3, b"next");
        packets.remove(missing);
        rig.hear_all(End::Satellite, packets);
        rig.hear_all(End::Satellite, before);
        rig.hear_all(End::Satellite, next);
        assert_eq!(arrived(&rig), [&b"before"[..], b"next"]);

        let packets_in = rig.satellite().packets_in;
        let gap = packets_in.dropped.of(DropReason::SequenceGap);
        let headless = packets_in.dropped.of(DropReason::NoFirstSegment);
        assert_eq!(gap, missing as u64);
        assert_eq!(headless, 4 - missing as u64);
        assert_eq!(packets_in.dropped.total(), 4);
        // Before the first packet there is nothing that could be missing.
        let gaps = if missing == 0 { 0 } else { 1 };
        assert_eq!(rig.satellite().sequence_gaps, gaps);
        rig.assert_idle();
    }
}

#[test]
fn a_gap_between_whole_messages_is_only_counted() {
    let mut rig = Rig::space_packet();
    let first = packets_up(&mut rig, 1, b"first");
    packets_up(&mut rig, 2, b"lost");
    let third = packets_up(&mut rig, 3, b"third");
    rig.hear_all(End::Satellite, first);
    rig.hear_all(End::Satellite, third);
    assert_eq!(arrived(&rig), [b"first", b"third"]);
    assert_eq!(rig.satellite().sequence_gaps, 1);
    assert_eq!(dropped(&rig.satellite().packets_in), []);
}

#[test]
fn packets_that_come_twice_do_no_harm() {
    let mut rig = Rig::space_packet();
    let payload = octets(1000);
    let packets = packets_up(&mut rig, 1, &payload);
    let twice = packets
        .iter()
        .flat_map(|packet| [packet.clone(), packet.clone()]);
    rig.hear_all(End::Satellite, twice);
    assert_eq!(arrived(&rig), [payload]);
    let duplicates = (DropReason::Duplicate, 5);
    assert_eq!(dropped(&rig.satellite().packets_in), [duplicates]);
    assert_eq!(rig.satellite().sequence_gaps, 0);
    rig.assert_idle();
}

#[test]
fn packets_repeated_with_a_delay_do_no_harm() {
    for delay in 1..8 {
        let mut rig = Rig::space_packet();
        let payload = octets(4000);
        let packets = packets_up(&mut rig, 1, &payload);
        for (at, packet) in packets.iter().enumerate() {
            rig.hear(End::Satellite, packet.clone());
            if at >= delay {
                rig.hear(End::Satellite, packets[at - delay].clone());
            }
        }
        assert_eq!(arrived(&rig), [payload]);
        let repeated = (packets.len() - delay) as u64;
        let duplicates = (DropReason::Duplicate, repeated);
        assert_eq!(dropped(&rig.satellite().packets_in), [duplicates]);
        assert_eq!(rig.satellite().sequence_gaps, 0);
    }
}

#[test]
fn a_whole_message_repeated_is_delivered_once() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, b"once");
    let packet = rig.transmit(End::Ground).unwrap();
    rig.hear_all(End::Satellite, vec![packet; 3]);
    assert_eq!(rig.posts.len(), 1);
    let duplicates = (DropReason::Duplicate, 2);
    assert_eq!(dropped(&rig.satellite().packets_in), [duplicates]);
}

#[test]
fn the_same_count_with_other_octets_is_no_duplicate() {
    let mut rig = Rig::space_packet();
    for payload in [b"a", b"b"] {
        rig.hear_all(End::Satellite, udp_segments(payload, 5));
    }
    assert_eq!(arrived(&rig), [b"a", b"b"]);
    assert_eq!(rig.satellite().sequence_gaps, 1);
}

#[test]
fn segments_out_of_order_never_make_a_message() {
    for at in 0..4 {
        let mut rig = Rig::space_packet();
        let mut packets = packets_up(&mut rig, 1, &octets(1000));
        packets.swap(at, at + 1);
        rig.hear_all(End::Satellite, packets);
        rig.pass(Duration::from_secs(31));
        assert_eq!(arrived(&rig), [] as [&[u8]; 0], "{at}");
        assert_eq!(rig.satellite().packets_in.dropped.total(), 5);
        rig.assert_idle();
    }
}

#[test]
fn whole_messages_out_of_order_all_arrive() {
    let mut rig = Rig::space_packet();
    let mut packets = Vec::new();
    for payload in [b"0", b"1", b"2", b"3"] {
        packets.extend(packets_up(&mut rig, 1, payload));
    }
    packets.swap(1, 2);
    rig.hear_all(End::Satellite, packets);
    assert_eq!(arrived(&rig), [b"0", b"2", b"1", b"3"]);
    assert_eq!(dropped(&rig.satellite().packets_in), []);
}

#[test]
fn messages_on_different_apids_are_gathered_side_by_side() {
    let mut rig = Rig::space_packet();
    let (query, datagram) = (octets(1000), octets(900));
    rig.query(1, 8020, &query);
    rig.ask(PayloadType::Udp, 2, 8000, &datagram);
    let packets = rig.transmit_all(End::Ground);
    let apids: Vec<_> = packets.iter().map(|packet| packet[1]).collect();
    assert_eq!(apids, [0, 1, 0, 1, 0, 1, 0, 1, 0]);
    rig.hear_all(End::Satellite, packets);
    assert_eq!(&*rig.posts[0].body, query);
    assert_eq!(arrived(&rig), [datagram]);
}

#[test]
fn a_gap_on_one_apid_leaves_the_others_alone() {
    let mut rig = Rig::space_packet();
    let datagram = octets(900);
    rig.query(1, 8020, &octets(1000));
    rig.ask(PayloadType::Udp, 2, 8000, &datagram);
    let mut packets = rig.transmit_all(End::Ground);
    packets.remove(2);
    rig.hear_all(End::Satellite, packets);
    assert_eq!(rig.posts.len(), 0);
    assert_eq!(arrived(&rig), [datagram]);
    assert_eq!(rig.satellite().sequence_gaps, 1);
}

#[test]
fn a_sender_that_begins_anew_at_zero_is_no_gap() {
    let mut rig = Rig::space_packet();
    rig.hear_all(End::Satellite, udp_segments(&octets(1000), 500));
    rig.hear_all(End::Satellite, udp_segments(&octets(600), 0));
    assert_eq!(rig.datagrams.len(), 2);
    let satellite = rig.satellite();
    assert_eq!((satellite.sequence_gaps, satellite.sender_restarts), (0, 1));
    assert_eq!(dropped(&satellite.packets_in), []);
}

#[test]
fn a_sender_that_begins_anew_amid_a_message_loses_that_message_only() {
    let mut rig = Rig::space_packet();
    let begun = udp_segments(&octets(1000), 500);
    rig.hear_all(End::Satellite, begun.into_iter().take(3));
    rig.hear_all(End::Satellite, udp_segments(&octets(600), 0));
    assert_eq!(arrived(&rig), [octets(600)]);
    let lost = (DropReason::SequenceGap, 3);
    assert_eq!(dropped(&rig.satellite().packets_in), [lost]);
    assert_eq!(rig.satellite().sender_restarts, 1);
    rig.assert_idle();
}

#[test]
fn a_link_that_begins_anew_does_not_end_a_message_from_before() {
    let counted_from = |first_counts_seed| LinkConfig {
        first_counts_seed,
        ..satellite_config()
    };
    let first_packets = |seed| {
        let mut rig = Rig::with_satellite(counted_from(seed));
        rig.app_sends(0, &octets(400));
        rig.transmit_all(End::Satellite)
    };
    let mut rig = Rig::space_packet();
    let (before, after) = (first_packets(1), first_packets(2));
    rig.hear(End::Ground, before[0].clone());
    // The first of the new ones is lost.
    rig.hear_all(End::Ground, after.into_iter().skip(1));
    assert!(rig.heard.is_empty());
}

#[test]
fn the_count_after_16383_is_zero() {
    let mut rig = Rig::space_packet();
    rig.hear_all(End::Satellite, udp_segments(&octets(1000), 16_382));
    assert_eq!(arrived(&rig), [octets(1000)]);
    let satellite = rig.satellite();
    assert_eq!((satellite.sequence_gaps, satellite.sender_restarts), (0, 0));
}

#[test]
fn a_message_that_its_sender_never_finished_is_dropped() {
    for payload in [octets(10), octets(1000)] {
        let mut rig = Rig::space_packet();
        let begun = udp_segments(&octets(1000), 0);
        rig.hear_all(End::Satellite, begun.into_iter().take(2));
        rig.hear_all(End::Satellite, udp_segments(&payload, 2));
        assert_eq!(arrived(&rig), [payload]);
        let unfinished = (DropReason::Unfinished, 2);
        assert_eq!(dropped(&rig.satellite().packets_in), [unfinished]);
    }
}

#[test]
fn a_message_larger_than_allowed_is_dropped_with_all_its_packets() {
    let mut rig = Rig::with_satellite(LinkConfig {
        message_bytes_max: 1000,
        ..satellite_config()
    });
    let packets = packets_up(&mut rig, 1, &octets(1500));
    let count = packets.len() as u64;
    rig.hear_all(End::Satellite, packets);
    assert_eq!(rig.satellite().memory_bytes_used, 0);
    let next = packets_up(&mut rig, 2, &octets(1000));
    rig.hear_all(End::Satellite, next);
    assert_eq!(arrived(&rig), [octets(1000)]);
    let packets_in = rig.satellite().packets_in;
    let too_large = packets_in.dropped.of(DropReason::TooLarge);
    let headless = packets_in.dropped.of(DropReason::NoFirstSegment);
    assert_eq!((too_large, too_large + headless), (5, count));
    assert_eq!(packets_in.dropped.total(), count);
    rig.assert_idle();
}

#[test]
fn a_single_packet_larger_than_a_message_may_be_is_dropped() {
    let mut rig = Rig::with_satellite(LinkConfig {
        message_bytes_max: 100,
        ..satellite_config()
    });
    rig.hear_all(End::Satellite, udp_segments(&octets(101), 0));
    rig.hear_all(End::Satellite, udp_segments(&octets(100), 1));
    assert_eq!(arrived(&rig), [octets(100)]);
    let too_large = (DropReason::TooLarge, 1);
    assert_eq!(dropped(&rig.satellite().packets_in), [too_large]);
}

#[test]
fn a_message_whose_next_segment_is_overdue_is_dropped() {
    let mut rig = Rig::space_packet();
    let packets = packets_up(&mut rig, 1, &octets(1000));
    for packet in &packets[..3] {
        rig.hear(End::Satellite, packet.clone());
        // Each segment gives the next one as much time.
        rig.pass(Duration::from_millis(29_999));
    }
    assert_eq!(rig.satellite().packets_in.queued, 3);
    let due = rig.now + Duration::from_millis(1);
    assert_eq!(rig.next_timeout(End::Satellite), Some(due));
    rig.pass(Duration::from_millis(1));
    let overdue = (DropReason::ReassemblyTimeout, 3);
    assert_eq!(dropped(&rig.satellite().packets_in), [overdue]);
    rig.assert_idle();

    rig.hear_all(End::Satellite, packets[3..].to_vec());
    assert_eq!(arrived(&rig), [] as [&[u8]; 0]);
    let dropped = rig.satellite().packets_in.dropped;
    assert_eq!(dropped.of(DropReason::NoFirstSegment), 2);
    rig.assert_idle();
}

#[test]
fn packets_that_are_refused_are_counted_by_reason() {
    let mut rig = Rig::space_packet();
    let good = udp_segments(b"good", 0).remove(0);
    let altered = |at: usize, mask: u8| {
        let mut packet = good.clone();
        packet[at] ^= mask;
        packet
    };
    let from_satellite = SpacePacketFormat::new(End::Satellite);
    let echo = segments(&from_satellite, head(PayloadType::Udp, 0, 1), b"x", 0);
    rig.hear(End::Satellite, good[..4].to_vec());
    rig.hear(End::Satellite, good[..12].to_vec());
    rig.hear(End::Satellite, altered(0, 0x20));
    rig.hear(End::Satellite, altered(17, 0x01));
    rig.hear_all(End::Satellite, echo);
    rig.hear(End::Satellite, vec![0x07, 0xFF, 0xC0, 0, 0, 0, 0]);
    assert_eq!(
        dropped(&rig.satellite().packets_in),
        [
            (DropReason::TooShort, 1),
            (DropReason::Length, 1),
            (DropReason::Version, 1),
            (DropReason::Direction, 1),
            (DropReason::ErrorControl, 1),
            (DropReason::Idle, 1),
        ]
    );
    // Fill is valid, and no error.
    assert_eq!(rig.satellite().packets_valid, 1);
    assert_eq!(rig.satellite().errors.len(), 5);
    rig.assert_idle();
}

#[test]
fn octets_after_the_end_of_a_packet_are_counted() {
    let mut rig = Rig::space_packet();
    let mut packet = udp_segments(b"good", 0).remove(0);
    packet.extend_from_slice(&[0; 3]);
    rig.hear(End::Satellite, packet);
    assert_eq!(arrived(&rig), [b"good"]);
    assert_eq!(rig.satellite().surplus_bytes, 3);
}

#[test]
fn a_flood_of_bad_packets_leaves_nothing_behind_but_counts() {
    let mut rig = Rig::space_packet();
    for number in 0..1000_u16 {
        rig.hear(End::Satellite, number.to_be_bytes().to_vec());
    }
    rig.on(End::Satellite, |link, _| link.handle_read_error("no radio"));
    let satellite = rig.satellite();
    assert_eq!(satellite.packets_in.dropped.total(), 1000);
    assert_eq!(satellite.errors.len(), ERRORS_MAX);
    assert_eq!(satellite.read_errors, 1);
    assert!(satellite.errors.last().unwrap().contains("no radio"));
    rig.assert_idle();
}

#[test]
fn the_same_packet_after_a_long_silence_is_no_repetition() {
    let mut rig = Rig::space_packet();
    let head = head(PayloadType::GraphQl, 7, 8020);
    let packet = segments(&SpacePacketFormat::new(End::Ground), head, b"?", 0).remove(0);
    rig.hear(End::Satellite, packet.clone());
    rig.hear(End::Satellite, packet.clone());
    assert_eq!(rig.posts.len(), 1);
    rig.pass(Duration::from_secs(30));
    rig.hear(End::Satellite, packet);
    assert_eq!(rig.posts.len(), 2);
}

#[test]
fn a_packet_that_is_repeated_without_pause_is_run_once() {
    let mut rig = Rig::space_packet();
    let head = head(PayloadType::GraphQl, 7, 8020);
    let packet = segments(&SpacePacketFormat::new(End::Ground), head, b"?", 0).remove(0);
    for _ in 0..95 {
        rig.hear(End::Satellite, packet.clone());
        rig.pass(Duration::from_secs(1));
    }
    assert_eq!(rig.posts.len(), 1);
}
