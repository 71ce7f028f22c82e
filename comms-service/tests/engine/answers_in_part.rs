//! Answers over many frames of which some were lost: only these are sent again.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::graphql_error::link_error;
use comms_service::link::{Command, CommandFailure, CommandMemoryConfig, LinkConfig};
use comms_service::link_control::{AnswerTo, LinkControl, RepairedSegment, SegmentRequest};
use comms_service::message::{End, PayloadType};
use comms_service::packet::{LinkPacket, SpacePacketFormat};

use crate::rig::{
    COMMAND_TIMEOUT, Outcome, Rig, dropped, format, head, octets, satellite_config, segments,
};
use comms_service::LinkOptions;

const MUTATION: &[u8] = b"{\"query\":\"mutation { fire }\"}";
/// In 5 packets: 238 octets of it in the first, then 248 in each.
const ANSWER_BYTES: usize = 1200;
const PACKETS: usize = 5;

fn memory(answer_bytes_max: usize) -> LinkConfig {
    LinkConfig {
        command_memory: Some(CommandMemoryConfig {
            answer_bytes_max,
            ..CommandMemoryConfig::default()
        }),
        ..satellite_config()
    }
}

fn remembering() -> Rig {
    Rig::with_satellite(memory(1 << 20))
}

fn ask(rig: &mut Rig, command_id: u64, retries: u32) {
    rig.command(Command {
        command_id,
        payload_type: PayloadType::GraphQl,
        port: 8020,
        payload: MUTATION.to_vec(),
        timeout: COMMAND_TIMEOUT,
        retries,
    });
}

/// Command 1 is asked and answered; the answer's packets wait in the air.
fn answered(rig: &mut Rig, retries: u32) -> Vec<Vec<u8>> {
    ask(rig, 1, retries);
    rig.carry_up();
    rig.service_answers(&octets(ANSWER_BYTES));
    let packets = rig.transmit_all(End::Satellite);
    assert_eq!(packets.len(), PACKETS);
    packets
}

/// The ground hears all packets but these.
fn loses(rig: &mut Rig, packets: Vec<Vec<u8>>, lost: &[usize]) {
    let heard = packets.into_iter().enumerate();
    let heard = heard.filter(|(at, _)| !lost.contains(at));
    rig.hear_all(End::Ground, heard.map(|(_, packet)| packet));
}

/// The only packet that waits on the ground, which must be a segment request.
#[track_caller]
fn requested(rig: &mut Rig) -> (SegmentRequest, Vec<u8>) {
    let mut packets = rig.transmit_all(End::Ground);
    assert_eq!(packets.len(), 1);
    let packet = packets.remove(0);
    match LinkControl::decode(&packet[6..packet.len() - 2]) {
        Ok(LinkControl::SegmentRequest(request)) => (request, packet),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn asks_for(rig: &mut Rig, ranges: &[(u32, u32)]) {
    let (request, packet) = requested(rig);
    let asked = request.ranges.iter();
    let asked: Vec<(u32, u32)> = asked.map(|range| (range.offset, range.bytes)).collect();
    assert_eq!(asked, ranges);
    rig.hear(End::Satellite, packet);
}

#[track_caller]
fn is_answered(rig: &mut Rig) {
    let answer = octets(ANSWER_BYTES);
    assert_eq!(rig.outcomes, [Outcome::Answered(1, answer)]);
    assert_eq!(rig.posts.len(), 0);
    assert_eq!(dropped(&rig.ground().packets_in), []);
    rig.pass(Duration::from_secs(60));
    rig.assert_idle();
}

#[test]
fn segments_lost_in_the_middle_are_asked_for_when_the_last_has_come() {
    let mut rig = remembering();
    let packets = answered(&mut rig, 0);
    loses(&mut rig, packets, &[1, 3]);
    asks_for(&mut rig, &[(238, 248), (734, 248)]);
    assert_eq!(rig.carry_down(), 4);
    is_answered(&mut rig);
    assert_eq!(rig.ground().messages_in.delivered, 5);
}

#[test]
fn a_lost_last_segment_is_asked_for_after_a_silence() {
    let mut rig = remembering();
    let packets = answered(&mut rig, 0);
    loses(&mut rig, packets, &[4]);
    assert_eq!(rig.ground().packets_in.queued, 4);
    rig.pass(COMMAND_TIMEOUT);
    asks_for(&mut rig, &[(982, u32::MAX - 982)]);
    rig.carry_down();
    is_answered(&mut rig);
}

#[test]
fn of_an_answer_without_its_first_segment_only_that_is_sent_again() {
    for lost in [vec![0], vec![0, 4], vec![0, 1, 2]] {
        let mut rig = remembering();
        // The message before it tells where it begins.
        ask(&mut rig, 2, 0);
        rig.carry_up();
        rig.service_answers(b"{}");
        rig.carry_down();
        rig.outcomes.clear();
        let packets = answered(&mut rig, 0);
        let last_is_lost = lost.contains(&4);
        loses(&mut rig, packets, &lost);
        if last_is_lost {
            rig.pass(COMMAND_TIMEOUT);
        }
        asks_for(&mut rig, &[(0, 238)]);
        rig.carry_down();
        if lost.len() > 1 {
            let missing = match last_is_lost {
                true => [(982, 218)],
                false => [(238, 496)],
            };
            asks_for(&mut rig, &missing);
            rig.carry_down();
        }
        is_answered(&mut rig);
    }
}

#[test]
fn a_segment_that_comes_late_fills_its_place() {
    let mut rig = remembering();
    let mut packets = answered(&mut rig, 0);
    let late = packets.remove(1);
    let last = packets.pop().unwrap();
    rig.hear_all(End::Ground, packets);
    rig.hear(End::Ground, late);
    rig.hear(End::Ground, last);
    // All is there but the hash.
    asks_for(&mut rig, &[(0, 1)]);
    rig.carry_down();
    is_answered(&mut rig);
}

#[test]
fn another_message_on_the_channel_ends_an_answer_in_part() {
    let mut rig = remembering();
    let packets = answered(&mut rig, 0);
    loses(&mut rig, packets, &[2, 4]);
    let satellite = SpacePacketFormat::new(End::Satellite);
    let other = segments(&satellite, head(PayloadType::GraphQl, 99, 8020), b"!", 5);
    rig.hear_all(End::Ground, other);
    asks_for(&mut rig, &[(486, 248), (982, u32::MAX - 982)]);
    rig.carry_down();
    is_answered(&mut rig);
}

#[test]
fn what_is_lost_again_is_asked_for_again() {
    let mut rig = remembering();
    let packets = answered(&mut rig, 0);
    loses(&mut rig, packets, &[1, 3]);
    asks_for(&mut rig, &[(238, 248), (734, 248)]);
    // Four repaired segments: 212 and 36 octets of each range.
    let repaired = rig.transmit_all(End::Satellite);
    loses(&mut rig, repaired, &[0]);
    asks_for(&mut rig, &[(238, 212)]);
    let repaired = rig.transmit_all(End::Satellite);
    assert_eq!(repaired.len(), 1);
    // Lost once more: asked for after a silence, as something came since.
    rig.pass(COMMAND_TIMEOUT);
    let outcome = Outcome::Failed(
        1,
        CommandFailure::TimedOut {
            tries: 1,
            timeout: COMMAND_TIMEOUT,
        },
    );
    assert_eq!(rig.outcomes, [outcome]);
    let gap = (DropReason::SequenceGap, 3);
    assert_eq!(dropped(&rig.ground().packets_in), [gap]);
    rig.assert_idle();
}

#[test]
fn a_request_that_is_lost_counts_as_a_try() {
    let mut rig = remembering();
    let packets = answered(&mut rig, 2);
    loses(&mut rig, packets, &[1]);
    for _ in 0..2 {
        requested(&mut rig);
        rig.pass(COMMAND_TIMEOUT);
    }
    asks_for(&mut rig, &[(238, 248)]);
    rig.carry_down();
    is_answered(&mut rig);
}

#[test]
fn pieces_that_do_not_fit_together_are_discarded_and_asked_for_anew() {
    let mut rig = remembering();
    let packets = answered(&mut rig, 1);
    let satellite = SpacePacketFormat::new(End::Satellite);
    let forged = segments(
        &satellite,
        head(PayloadType::GraphQl, 1, 8020),
        &[0xEE; ANSWER_BYTES],
        0,
    );
    rig.hear(End::Ground, packets[0].clone());
    rig.hear(End::Ground, forged[1].clone());
    loses(&mut rig, packets, &[0, 1, 2]);
    asks_for(&mut rig, &[(486, 248)]);
    rig.carry_down();
    assert_eq!(rig.outcomes, []);
    let (request, packet) = requested(&mut rig);
    assert_eq!(request.ranges, []);
    rig.hear(End::Satellite, packet);
    rig.carry_down();
    is_answered(&mut rig);
}

#[test]
fn an_answer_that_is_not_kept_any_more_ends_in_an_ordinary_retry() {
    let mut rig = Rig::with_satellite(memory(100));
    let packets = answered(&mut rig, 1);
    loses(&mut rig, packets, &[1]);
    asks_for(&mut rig, &[(238, 248)]);
    rig.carry_down();
    assert_eq!(rig.carry_up(), 1);
    assert_eq!(rig.posts.len(), 0);
    rig.carry_down();
    match rig.outcomes.as_slice() {
        [Outcome::Answered(1, error)] => {
            let text = link_error(error).unwrap();
            assert!(text.contains("not kept"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    let gap = (DropReason::SequenceGap, 4);
    assert_eq!(dropped(&rig.ground().packets_in), [gap]);
    rig.assert_idle();
}

#[test]
fn in_packets_hardly_larger_than_what_names_a_piece_the_whole_is_sent_again() {
    let options = LinkOptions {
        packet_bytes_max: Some(64),
        ..LinkOptions::default()
    };
    let mut rig = Rig::with_options(memory(1 << 20), &options);
    ask(&mut rig, 1, 1);
    rig.carry_up();
    rig.service_answers(&octets(ANSWER_BYTES));
    let packets = rig.transmit_all(End::Satellite);
    loses(&mut rig, packets, &[3]);
    rig.pass(COMMAND_TIMEOUT);
    rig.carry_up();
    assert_eq!(rig.posts.len(), 0);
    rig.carry_down();
    assert_eq!(rig.outcomes, [Outcome::Answered(1, octets(ANSWER_BYTES))]);
    rig.assert_idle();
}

#[test]
fn a_satellite_without_memory_says_so_and_is_asked_the_ordinary_way() {
    let mut rig = Rig::space_packet();
    let packets = answered(&mut rig, 1);
    loses(&mut rig, packets, &[1]);
    asks_for(&mut rig, &[(238, 248)]);
    rig.carry_down();
    rig.carry_up();
    rig.service_answers(&octets(ANSWER_BYTES));
    rig.carry_down();
    assert_eq!(rig.outcomes, [Outcome::Answered(1, octets(ANSWER_BYTES))]);
    rig.assert_idle();
}

#[test]
fn the_time_out_of_an_answer_is_silence_and_not_its_whole_time() {
    let mut rig = remembering();
    let packets = answered(&mut rig, 0);
    for packet in packets {
        rig.pass(COMMAND_TIMEOUT - Duration::from_millis(1));
        rig.hear(End::Ground, packet);
    }
    is_answered(&mut rig);
    assert_eq!(rig.transmit(End::Ground), None);
}

#[test]
fn an_answer_that_drips_for_ever_is_given_up() {
    let ground = LinkConfig {
        answer_time_max: COMMAND_TIMEOUT * 3,
        ..LinkConfig::new(End::Ground)
    };
    let options = LinkOptions::default();
    let mut rig = Rig::new(
        memory(1 << 20),
        format(&options, End::Satellite),
        ground,
        format(&options, End::Ground),
    );
    let packets = answered(&mut rig, 9);
    for packet in packets {
        rig.hear(End::Ground, packet);
        rig.pass(COMMAND_TIMEOUT - Duration::from_secs(1));
    }
    let too_slow = CommandFailure::AnswerTooSlow(COMMAND_TIMEOUT * 3);
    assert_eq!(rig.outcomes, [Outcome::Failed(1, too_slow)]);
    rig.pass(Duration::from_secs(60));
    assert_eq!(rig.transmit(End::Ground), None);
    rig.assert_idle();
}

#[test]
fn where_parts_are_not_kept_what_is_sent_again_adds_up() {
    let ground = LinkConfig {
        keeps_answers_in_part: false,
        ..LinkConfig::new(End::Ground)
    };
    let options = LinkOptions::default();
    let mut rig = Rig::new(
        memory(1 << 20),
        format(&options, End::Satellite),
        ground,
        format(&options, End::Ground),
    );
    let packets = answered(&mut rig, 0);
    loses(&mut rig, packets, &[1]);
    rig.pass(COMMAND_TIMEOUT);
    asks_for(&mut rig, &[]);
    let repaired = rig.transmit_all(End::Satellite);
    assert_eq!(repaired.len(), 6);
    loses(&mut rig, repaired, &[2, 3]);
    rig.pass(COMMAND_TIMEOUT);
    asks_for(&mut rig, &[(424, 424)]);
    rig.carry_down();
    assert_eq!(rig.outcomes, [Outcome::Answered(1, octets(ANSWER_BYTES))]);
    rig.assert_idle();
}

#[test]
fn a_command_taken_back_gives_up_what_arrived_of_its_answer() {
    let mut rig = remembering();
    let packets = answered(&mut rig, 0);
    loses(&mut rig, packets, &[1]);
    assert_eq!(rig.ground().packets_in.queued, 4);
    rig.on(End::Ground, |link, _| link.cancel(1));
    let gap = (DropReason::SequenceGap, 4);
    assert_eq!(dropped(&rig.ground().packets_in), [gap]);
    assert_eq!(rig.transmit(End::Ground), None);
    rig.assert_idle();
}

#[test]
fn a_shutdown_counts_what_arrived_in_part() {
    let mut rig = remembering();
    let packets = answered(&mut rig, 0);
    loses(&mut rig, packets, &[1]);
    rig.on(End::Ground, |link, _| link.handle_shutdown());
    let gap = (DropReason::Shutdown, 4);
    assert_eq!(dropped(&rig.ground().packets_in), [gap]);
}

#[test]
fn with_several_commands_open_an_answer_without_its_first_segment_is_sent_again_whole() {
    let mut rig = remembering();
    ask(&mut rig, 2, 0);
    let lost = rig.transmit_all(End::Ground);
    drop(lost);
    let packets = answered(&mut rig, 1);
    loses(&mut rig, packets, &[0]);
    let no_first = (DropReason::NoFirstSegment, 4);
    assert_eq!(dropped(&rig.ground().packets_in), [no_first]);
    rig.pass(COMMAND_TIMEOUT);
    rig.carry_up();
    rig.carry_down();
    assert_eq!(rig.outcomes.len(), 2);
    assert!(
        rig.outcomes
            .contains(&Outcome::Answered(1, octets(ANSWER_BYTES)))
    );
}

#[test]
fn a_segment_request_runs_nothing_and_is_no_command() {
    let mut rig = remembering();
    let request = LinkControl::SegmentRequest(SegmentRequest {
        answer_to: comms_service::link_control::AnswerTo {
            payload_type: PayloadType::GraphQl,
            command_id: 5,
            port: 8020,
        },
        ranges: Vec::new(),
    });
    let ground = SpacePacketFormat::new(End::Ground);
    let mut packet = Vec::new();
    let control = head(PayloadType::LinkControl, 0, 0);
    ground
        .build(&control, &request.encode(), 0, 0, &mut packet)
        .unwrap();
    rig.hear(End::Satellite, packet);
    assert_eq!((rig.posts.len(), rig.datagrams.len()), (0, 0));
    assert_eq!(rig.satellite().commands_remembered, 0);
    let told = rig.transmit(End::Satellite).unwrap();
    assert_eq!(
        told[6..told.len() - 2],
        [7, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0x1F, 0x54, 2]
    );
    rig.assert_idle();
}

#[test]
fn what_is_sent_again_needs_no_more_room_than_there_is() {
    let mut rig = Rig::with_satellite(LinkConfig {
        transmit_queue_messages_max: 1,
        ..memory(1 << 20)
    });
    ask(&mut rig, 1, 0);
    rig.carry_up();
    rig.service_answers(&octets(20_000));
    rig.transmit_all(End::Satellite);
    let request = LinkControl::SegmentRequest(SegmentRequest {
        answer_to: AnswerTo {
            payload_type: PayloadType::GraphQl,
            command_id: 1,
            port: 8020,
        },
        ranges: Vec::new(),
    });
    let ground = SpacePacketFormat::new(End::Ground);
    let control = head(PayloadType::LinkControl, 0, 0);
    let packets = segments(&ground, control, &request.encode(), 0);
    rig.hear_all(End::Satellite, packets);
    assert!(rig.satellite().messages_out.queued <= 2);
    let again = rig.transmit_all(End::Satellite);
    assert_eq!(
        again.len(),
        20_000_usize.div_ceil(248 - RepairedSegment::HEADER_BYTES)
    );
    assert_eq!(dropped(&rig.satellite().messages_out), []);
    rig.hear_all(End::Ground, again);
    assert!(matches!(
        rig.outcomes.last(),
        Some(Outcome::Answered(1, answer)) if *answer == octets(20_000)
    ));
}

/// A segment of the answer to command 1 as a satellite sends it again, with a hash
/// that fits nothing.
fn never_fits(count: u16) -> Vec<u8> {
    let segment = LinkControl::RepairedSegment(RepairedSegment {
        answer_to: AnswerTo {
            payload_type: PayloadType::GraphQl,
            command_id: 1,
            port: 8020,
        },
        total_bytes: 3,
        hash: [0xEE; 16],
        offset: 0,
        octets: b"abc",
    });
    let satellite = SpacePacketFormat::new(End::Satellite);
    let control = head(PayloadType::LinkControl, 0, 0);
    let mut packets = segments(&satellite, control, &segment.encode(), count);
    packets.remove(0)
}

#[test]
fn an_answer_whose_pieces_never_fit_costs_no_more_than_the_tries() {
    let mut rig = remembering();
    let packets = answered(&mut rig, 2);
    loses(&mut rig, packets, &[1]);
    let mut sent = 0;
    for count in 0..100 {
        sent += rig.transmit_all(End::Ground).len();
        if !rig.outcomes.is_empty() {
            break;
        }
        rig.hear(End::Ground, never_fits(count));
        rig.pass(COMMAND_TIMEOUT);
    }
    let failed = Outcome::Failed(
        1,
        CommandFailure::TimedOut {
            tries: 3,
            timeout: COMMAND_TIMEOUT,
        },
    );
    assert_eq!(rig.outcomes, [failed]);
    assert!(sent < 20, "{sent} packets");
}

#[test]
fn a_request_that_write_did_not_take_ends_no_command() {
    let mut rig = remembering();
    let packets = answered(&mut rig, 0);
    loses(&mut rig, packets, &[1]);
    let request = rig.begin_write(End::Ground, 0).unwrap();
    rig.end_write(End::Ground, 0, Err("the radio says no".to_string()));
    assert_eq!(rig.outcomes, []);
    // It left nevertheless.
    rig.hear(End::Satellite, request);
    rig.carry_down();
    is_answered(&mut rig);
}

#[test]
fn an_answer_that_is_too_large_for_the_ground_is_asked_for_no_oftener_than_the_tries() {
    let ground = LinkConfig {
        message_bytes_max: 500,
        ..LinkConfig::new(End::Ground)
    };
    let options = LinkOptions::default();
    let mut rig = Rig::new(
        memory(1 << 20),
        format(&options, End::Satellite),
        ground,
        format(&options, End::Ground),
    );
    ask(&mut rig, 1, 2);
    let mut sent = 0;
    for _ in 0..100 {
        sent += rig.carry_up();
        if !rig.posts.is_empty() {
            rig.service_answers(&octets(ANSWER_BYTES));
        }
        rig.carry_down();
        rig.pass(COMMAND_TIMEOUT);
    }
    assert_eq!(rig.outcomes.len(), 1, "{sent} packets");
    assert!(sent <= 6, "{sent} packets");
    rig.assert_idle();
}

#[test]
fn what_waits_to_be_sent_again_is_not_sent_twice_for_a_ground_that_lost_patience() {
    let mut rig = remembering();
    let packets = answered(&mut rig, 2);
    loses(&mut rig, packets, &[1, 3]);
    asks_for(&mut rig, &[(238, 248), (734, 248)]);
    // The radio is busy for longer than the ground waits.
    rig.pass(COMMAND_TIMEOUT);
    asks_for(&mut rig, &[(238, 248), (734, 248)]);
    assert_eq!(rig.carry_down(), 4);
    is_answered(&mut rig);
}
