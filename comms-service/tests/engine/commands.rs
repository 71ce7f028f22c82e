//! Commands of the ground and what becomes of them.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::link::{Command, CommandFailure, LinkConfig};
use comms_service::message::{End, PayloadType};
use comms_service::packet::SpacePacketFormat;
use comms_service::{LinkOptions, PacketFormat};

use crate::rig::{
    COMMAND_TIMEOUT, Outcome, RETRIES, Rig, dropped, format, head, octets, satellite_config,
    segments,
};

fn with_ground(ground: LinkConfig) -> Rig {
    let options = LinkOptions::default();
    Rig::new(
        satellite_config(),
        format(&options, End::Satellite),
        ground,
        format(&options, End::Ground),
    )
}

fn failure_of(rig: &Rig, command_id: u64) -> &CommandFailure {
    let failures: Vec<_> = rig
        .outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Failed(id, failure) if *id == command_id => Some(failure),
            _ => None,
        })
        .collect();
    assert_eq!(failures.len(), 1, "{:?}", rig.outcomes);
    failures[0]
}

#[test]
fn a_query_without_an_answer_is_sent_again() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, b"?");
    assert!(rig.transmit(End::Ground).is_some());
    rig.pass(COMMAND_TIMEOUT - Duration::from_millis(1));
    assert_eq!(rig.transmit(End::Ground), None);
    rig.pass(Duration::from_millis(1));
    assert_eq!(rig.carry_up(), 1);
    rig.service_answers(b"!");
    rig.carry_down();
    assert_eq!(rig.outcomes, [Outcome::Answered(1, b"!".to_vec())]);
    rig.pass(Duration::from_secs(60));
    assert_eq!(rig.outcomes.len(), 1);
    rig.assert_idle();
}

#[test]
fn a_query_is_given_up_after_its_retries() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, b"?");
    for _ in 0..=RETRIES {
        assert_eq!(rig.outcomes, []);
        assert_eq!(rig.transmit_all(End::Ground).len(), 1);
        rig.pass(COMMAND_TIMEOUT);
    }
    let tries = RETRIES + 1;
    let timeout = COMMAND_TIMEOUT;
    let given_up = CommandFailure::TimedOut { tries, timeout };
    assert_eq!(*failure_of(&rig, 1), given_up);
    rig.pass(Duration::from_secs(60));
    assert_eq!(rig.transmit(End::Ground), None);
    rig.assert_idle();
}

#[test]
fn the_time_out_begins_when_write_took_the_last_packet() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, &octets(600));
    for _ in 0..3 {
        rig.pass(COMMAND_TIMEOUT * 2);
        assert_eq!(rig.next_timeout(End::Ground), None);
        let packet = rig.begin_write(End::Ground, 0).unwrap();
        rig.pass(COMMAND_TIMEOUT * 2);
        rig.end_write(End::Ground, 0, Ok(()));
        rig.hear(End::Satellite, packet);
    }
    let due = rig.now + COMMAND_TIMEOUT;
    assert_eq!(rig.next_timeout(End::Ground), Some(due));
    rig.service_answers(b"!");
    rig.carry_down();
    assert_eq!(rig.outcomes, [Outcome::Answered(1, b"!".to_vec())]);
}

#[test]
fn an_answer_that_nobody_asked_for_is_counted() {
    let mut rig = Rig::space_packet();
    let satellite = SpacePacketFormat::new(End::Satellite);
    let answer = segments(&satellite, head(PayloadType::GraphQl, 99, 8020), b"!", 0);
    rig.hear_all(End::Ground, answer);
    let not_asked = (DropReason::NotAsked, 1);
    assert_eq!(dropped(&rig.ground().messages_in), [not_asked]);
    assert_eq!((rig.outcomes.len(), rig.heard.len()), (0, 0));
    rig.assert_idle();
}

#[test]
fn a_second_answer_to_a_query_sent_twice_is_counted() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, b"?");
    rig.carry_up();
    rig.pass(COMMAND_TIMEOUT);
    rig.carry_up();
    rig.service_answers(b"one");
    rig.service_answers(b"two");
    rig.carry_down();
    assert_eq!(rig.outcomes, [Outcome::Answered(1, b"one".to_vec())]);
    let not_asked = (DropReason::NotAsked, 1);
    assert_eq!(dropped(&rig.ground().messages_in), [not_asked]);
    rig.assert_idle();
}

#[test]
fn an_id_that_is_in_use_is_refused_and_the_first_command_goes_on() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, b"first");
    rig.query(1, 8020, b"second");
    assert_eq!(*failure_of(&rig, 1), CommandFailure::IdInUse);
    assert_eq!(rig.carry_up(), 1);
    rig.service_answers(b"!");
    rig.carry_down();
    assert_eq!(rig.outcomes[1], Outcome::Answered(1, b"!".to_vec()));
}

#[test]
fn what_the_format_cannot_carry_fails_at_once_and_says_why() {
    let mut rig = Rig::udp(1, 1);
    rig.ask(PayloadType::UdpExchange, 65_536, 8030, b"?");
    rig.ask(PayloadType::UdpExchange, 50_000, 8030, &octets(65_500));
    let mut kubos = Rig::kubos();
    kubos.query(1, 8020, &octets(65_526));
    let mut limited = with_ground(LinkConfig {
        message_bytes_max: 1000,
        ..LinkConfig::new(End::Ground)
    });
    limited.query(1, 8020, &octets(1001));
    for (rig, id, says) in [
        (&rig, 65_536, "command id"),
        (&rig, 50_000, "65500"),
        (&kubos, 1, "65526"),
        (&limited, 1, "1001"),
    ] {
        match failure_of(rig, id) {
            CommandFailure::NotCarried(text) => assert!(text.contains(says), "{text}"),
            other => panic!("{other:?}"),
        }
        rig.assert_idle();
    }
}

#[test]
fn a_command_that_does_not_fit_into_memory_fails_at_once() {
    let mut rig = with_ground(LinkConfig {
        memory_bytes_max: 1000,
        ..LinkConfig::new(End::Ground)
    });
    rig.query(1, 8020, &octets(1500));
    let spent = CommandFailure::Dropped(DropReason::MemorySpent);
    assert_eq!(*failure_of(&rig, 1), spent);
    rig.query(1, 8020, &octets(500));
    assert_eq!(rig.carry_up(), 3);
}

#[test]
fn a_write_that_fails_costs_a_try_and_is_told_when_none_is_left() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, b"?");
    for _ in 0..=RETRIES {
        assert_eq!(rig.outcomes, []);
        rig.begin_write(End::Ground, 0).unwrap();
        rig.end_write(End::Ground, 0, Err("no carrier".to_string()));
        rig.pass(COMMAND_TIMEOUT);
    }
    let lost = CommandFailure::Dropped(DropReason::WriteFailed);
    assert_eq!(*failure_of(&rig, 1), lost);
    rig.assert_idle();
}

#[test]
fn a_udp_message_whose_write_fails_is_not_told_as_sent() {
    let mut rig = Rig::space_packet();
    rig.command(Command {
        command_id: 1,
        payload_type: PayloadType::Udp,
        port: 8000,
        payload: octets(600),
        timeout: COMMAND_TIMEOUT,
        retries: 0,
    });
    rig.transmit(End::Ground).unwrap();
    rig.begin_write(End::Ground, 0).unwrap();
    rig.end_write(End::Ground, 0, Err("no carrier".to_string()));
    let lost = CommandFailure::Dropped(DropReason::WriteFailed);
    assert_eq!(rig.outcomes, [Outcome::Failed(1, lost)]);
    rig.assert_idle();
}

#[test]
fn a_command_that_finds_the_queue_full_is_told() {
    for writes in [1, 2] {
        let mut rig = with_ground(LinkConfig {
            writes,
            transmit_queue_messages_max: 2,
            ..LinkConfig::new(End::Ground)
        });
        for id in 1..=3 {
            rig.query(id, 8020, b"?");
        }
        let full = CommandFailure::Dropped(DropReason::QueueFull);
        assert_eq!(rig.outcomes, [Outcome::Failed(3, full)]);
        assert_eq!(rig.carry_up(), 2);
    }
}

#[test]
fn each_command_has_exactly_one_outcome_on_a_radio_that_loses_every_other_packet() {
    let options = LinkOptions {
        format: PacketFormat::Kubos,
        ..LinkOptions::default()
    };
    let mut rig = Rig::with_options(satellite_config(), &options);
    for id in 1..=40 {
        rig.query(id, 8020, &id.to_be_bytes());
    }
    let mut lost = 0;
    for _ in 0..200 {
        for end in [End::Ground, End::Satellite] {
            let other = match end {
                End::Ground => End::Satellite,
                End::Satellite => End::Ground,
            };
            while let Some(packet) = rig.transmit(end) {
                lost += 1;
                // Every other one, with a phase that shifts.
                if (lost + lost / 7) % 2 == 0 {
                    rig.hear(other, packet);
                }
            }
        }
        while let Some(post) = rig.posts.front() {
            let answer = post.body.to_vec();
            rig.service_answers(&answer);
        }
        rig.pass(Duration::from_secs(1));
    }
    let mut ids: Vec<_> = rig
        .outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Answered(id, answer) => {
                assert_eq!(*answer, id.to_be_bytes());
                *id
            }
            Outcome::Failed(id, CommandFailure::TimedOut { tries, .. }) => {
                assert_eq!(*tries, RETRIES + 1);
                *id
            }
            other => panic!("{other:?}"),
        })
        .collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(1..=40));
    rig.assert_idle();
}

#[test]
fn a_retry_that_waits_is_withdrawn_when_the_answer_comes_first() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, b"?");
    assert_eq!(rig.carry_up(), 1);
    rig.service_answers(b"late");
    // The retry is queued, but the radio has not taken it when the answer comes.
    rig.pass(COMMAND_TIMEOUT);
    assert_eq!(rig.ground().messages_out.queued, 1);
    rig.carry_down();
    assert_eq!(rig.carry_up(), 0, "the service would have run it twice");
    assert_eq!(rig.outcomes, [Outcome::Answered(1, b"late".to_vec())]);
    assert_eq!(
        dropped(&rig.ground().messages_out),
        [(DropReason::Withdrawn, 1)]
    );
    rig.assert_idle();
}

#[test]
fn no_more_commands_are_open_at_once_than_may_be() {
    let mut rig = with_ground(LinkConfig {
        commands_max: 2,
        ..LinkConfig::new(End::Ground)
    });
    for id in 1..=3 {
        rig.query(id, 8020, b"?");
    }
    assert_eq!(*failure_of(&rig, 3), CommandFailure::TooMany(2));
    assert_eq!(rig.carry_up(), 2);
    rig.service_answers(b"!");
    rig.carry_down();
    rig.query(4, 8020, b"?");
    assert_eq!(rig.carry_up(), 1);
}

#[test]
fn open_commands_count_against_the_memory_budget() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, &octets(10_000));
    rig.transmit_all(End::Ground);
    // Sent, but kept for a retry.
    assert!(rig.ground().memory_bytes_used >= 10_000);
}

#[test]
fn whoever_waits_for_a_command_is_told_when_the_link_stops() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, b"?");
    rig.on(End::Ground, |link, _| link.handle_shutdown());
    let stopped = CommandFailure::Dropped(DropReason::Shutdown);
    assert_eq!(rig.outcomes, [Outcome::Failed(1, stopped)]);
    assert_eq!(rig.ground().memory_bytes_used, 0);
}

#[test]
fn a_cancelled_command_is_not_sent_again_and_has_no_outcome() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, b"?");
    rig.query(2, 8020, b"not sent yet");
    let sent = rig.transmit(End::Ground).unwrap();
    rig.on(End::Ground, |link, _| {
        link.cancel(1);
        link.cancel(2);
    });
    rig.hear(End::Satellite, sent);
    rig.service_answers(b"!");
    rig.carry_down();
    rig.pass(10 * COMMAND_TIMEOUT);
    assert_eq!(rig.carry_up(), 0);
    assert_eq!(rig.outcomes, []);
    assert_eq!(
        dropped(&rig.ground().messages_out),
        [(DropReason::Withdrawn, 1)]
    );
    assert_eq!(
        dropped(&rig.ground().messages_in),
        [(DropReason::NotAsked, 1)]
    );
    rig.assert_idle();
}

#[test]
fn id_zero_is_refused_because_it_is_nobodys_command() {
    let mut rig = Rig::space_packet();
    rig.query(0, 8020, b"?");
    assert_eq!(*failure_of(&rig, 0), CommandFailure::IdZero);
    assert_eq!(rig.carry_up(), 0);
}

#[test]
fn a_late_answer_of_another_port_is_not_taken_for_the_answer() {
    let mut rig = Rig::udp(2, 2);
    rig.ask(PayloadType::UdpExchange, 50_000, 8030, b"first");
    rig.carry_up();
    let late = rig.exchanges.pop_front().unwrap();
    rig.on(End::Ground, |link, _| link.cancel(50_000));
    // The same port of the asker again, for another service.
    rig.ask(PayloadType::UdpExchange, 50_000, 8040, b"second");
    rig.service_replies(late.socket, 8030, b"of 8030");
    rig.carry_down();
    assert_eq!(rig.outcomes, []);
    assert_eq!(
        dropped(&rig.ground().messages_in),
        [(DropReason::NotAsked, 1)]
    );
}

#[test]
fn a_time_out_without_end_is_cut_to_a_day() {
    let mut rig = Rig::space_packet();
    rig.command(Command {
        command_id: 1,
        payload_type: PayloadType::GraphQl,
        port: 8020,
        payload: b"?".to_vec(),
        timeout: Duration::MAX,
        retries: 0,
    });
    assert_eq!(rig.carry_up(), 1);
    rig.pass(comms_service::link::TIMEOUT_MAX);
    assert!(matches!(
        failure_of(&rig, 1),
        CommandFailure::TimedOut { .. }
    ));
}

#[test]
fn a_command_that_is_cancelled_halfway_goes_no_further() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, &octets(10_000));
    let first = rig.transmit(End::Ground).unwrap();
    let second = rig.begin_write(End::Ground, 0).unwrap();
    rig.on(End::Ground, |link, _| link.cancel(1));
    // What the radio has cannot be taken back.
    rig.end_write(End::Ground, 0, Ok(()));
    rig.hear_all(End::Satellite, [first, second]);
    assert_eq!(rig.carry_up(), 0);
    assert_eq!(rig.posts.len(), 0);
    let withdrawn = [(DropReason::Withdrawn, 1)];
    assert_eq!(dropped(&rig.ground().messages_out), withdrawn);

    rig.query(2, 8020, &octets(1000));
    rig.transmit(End::Ground).unwrap();
    rig.on(End::Ground, |link, _| link.cancel(2));
    assert_eq!(rig.transmit(End::Ground), None);
    assert_eq!(rig.ground().memory_bytes_used, 0);
}

#[test]
fn a_cancelled_command_does_not_decide_over_the_next_with_its_id() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, b"first");
    rig.begin_write(End::Ground, 0).unwrap();
    rig.on(End::Ground, |link, _| link.cancel(1));
    rig.ask(PayloadType::Udp, 1, 8000, b"second");
    rig.end_write(End::Ground, 0, Ok(()));
    assert_eq!(rig.outcomes, [], "the second has not been sent");
    assert_eq!(rig.carry_up(), 1);
    assert_eq!(rig.outcomes, [Outcome::Sent(1)]);
    rig.assert_idle();
}
