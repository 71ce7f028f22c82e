//! Queries, their handlers and their answers.

use comms_service::accounting::DropReason;
use comms_service::graphql_error::link_error;
use comms_service::link::LinkConfig;
use comms_service::message::{End, PayloadType};
use comms_service::packet::SpacePacketFormat;
use comms_service::{LinkOptions, PacketFormat};

use crate::rig::{Outcome, Rig, dropped, head, octets, satellite_config, segments};

const PING: &[u8] = br#"{"query":"{ping}"}"#;
const PONG: &[u8] = br#"{"data":{"ping":"pong"}}"#;

/// The answer to the only command there was, made by the link itself.
fn error_answer(rig: &Rig, command_id: u64) -> (String, String) {
    let answers = rig.outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Answered(id, answer) if *id == command_id => Some(answer),
        _ => None,
    });
    let answers: Vec<_> = answers.collect();
    assert_eq!(answers.len(), 1, "one answer to {command_id}");
    let document: serde_json::Value = serde_json::from_slice(answers[0]).unwrap();
    let code = &document["errors"][0]["extensions"]["code"];
    let code = code.as_str().unwrap().to_string();
    (code, link_error(answers[0]).unwrap())
}

/// Asks, lets the service answer, and gives what the ground gets.
fn answer_through(rig: &mut Rig, answer: &[u8]) -> Vec<u8> {
    rig.query(7, 8020, PING);
    rig.carry_up();
    rig.service_answers(answer);
    rig.carry_down();
    match rig.outcomes.pop() {
        Some(Outcome::Answered(7, got)) => got,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_query_reaches_its_service_and_the_answer_its_asker() {
    let mut rig = Rig::space_packet();
    rig.query(7, 8020, PING);
    assert_eq!(rig.carry_up(), 1);
    assert_eq!(rig.posts.len(), 1);
    assert_eq!((rig.posts[0].port, &*rig.posts[0].body), (8020, PING));
    assert_eq!(rig.satellite().messages_in.in_flight, 1);
    rig.service_answers(PONG);
    assert_eq!(rig.carry_down(), 1);
    assert_eq!(rig.outcomes, [Outcome::Answered(7, PONG.to_vec())]);

    let (satellite, ground) = (rig.satellite(), rig.ground());
    for statistics in [&satellite, &ground] {
        assert_eq!(statistics.packets_in.delivered, 1);
        assert_eq!(statistics.messages_in.delivered, 1);
        assert_eq!(statistics.messages_out.delivered, 1);
        assert_eq!(statistics.packets_out.delivered, 1);
        assert_eq!(statistics.packets_valid, 1);
        assert!(statistics.errors.is_empty());
    }
    rig.assert_idle();
}

#[test]
fn a_query_larger_than_one_packet_arrives_whole() {
    let mut rig = Rig::space_packet();
    let query = octets(2000);
    rig.query(7, 8020, &query);
    assert_eq!(rig.carry_up(), 9);
    assert_eq!(&*rig.posts[0].body, query);
}

#[test]
fn answers_of_any_size_arrive_whole() {
    let mut rig = Rig::space_packet();
    for bytes in [0, 1, 238, 239, 486, 487, 1974, 1975, 10_000] {
        let answer = octets(bytes);
        assert_eq!(answer_through(&mut rig, &answer), answer);
    }
    rig.assert_idle();
}

#[test]
fn an_answer_of_300_kib_arrives_whole() {
    let mut rig = Rig::space_packet();
    let answer = octets(300 * 1024);
    assert_eq!(answer_through(&mut rig, &answer), answer);
    let packets = (answer.len() as u64 + 10).div_ceil(248);
    assert_eq!(rig.satellite().packets_out.delivered, packets);
    assert_eq!(rig.ground().packets_in.delivered, packets);
    rig.assert_idle();
}

#[test]
fn answers_find_their_askers_in_whatever_order_they_come() {
    for mut rig in [Rig::space_packet(), Rig::kubos()] {
        for id in 1..=20 {
            rig.query(id, 8020, &id.to_be_bytes());
        }
        rig.carry_up();
        rig.posts.make_contiguous().reverse();
        while let Some(post) = rig.posts.front() {
            let answer = post.body.to_vec();
            rig.service_answers(&answer);
        }
        rig.carry_down();
        let expected: Vec<_> = (1..=20_u64)
            .rev()
            .map(|id| Outcome::Answered(id, id.to_be_bytes().to_vec()))
            .collect();
        assert_eq!(rig.outcomes, expected);
        rig.assert_idle();
    }
}

#[test]
fn a_query_beyond_all_handlers_and_the_queue_is_refused_with_an_answer() {
    let mut rig = Rig::space_packet();
    for id in 1..=101 {
        rig.query(id, 8020, PING);
    }
    rig.carry_up();
    let satellite = rig.satellite();
    assert_eq!(satellite.messages_in.in_flight, 50);
    assert_eq!(satellite.messages_in.queued, 50);
    let busy = DropReason::HandlersBusy;
    assert_eq!(dropped(&satellite.messages_in), [(busy, 1)]);

    rig.carry_down();
    let (code, message) = error_answer(&rig, 101);
    assert_eq!(code, "heliograph/handlers-busy");
    assert!(message.contains("8020") && message.contains("50"));

    while !rig.posts.is_empty() {
        rig.service_answers(PONG);
    }
    rig.carry_down();
    assert_eq!(rig.outcomes.len(), 101);
    assert_eq!(rig.satellite().messages_in.delivered, 100);
    rig.assert_idle();
}

#[test]
fn a_waiting_query_starts_when_a_handler_is_done() {
    let mut rig = Rig::with_satellite(LinkConfig {
        handlers_max: 1,
        ..satellite_config()
    });
    rig.query(1, 8020, b"first");
    rig.query(2, 8030, b"second");
    rig.carry_up();
    assert_eq!(rig.posts.len(), 1);
    assert_eq!(rig.satellite().messages_in.queued, 1);
    rig.service_fails(DropReason::ServiceTimeout, "slow");
    assert_eq!(rig.posts.len(), 1);
    assert_eq!(
        (rig.posts[0].port, &*rig.posts[0].body),
        (8030, &b"second"[..])
    );
    rig.service_answers(PONG);
    rig.carry_down();
    assert_eq!(rig.outcomes[1], Outcome::Answered(2, PONG.to_vec()));
    rig.assert_idle();
}

#[test]
fn without_any_handler_every_query_is_refused_with_an_answer() {
    let mut rig = Rig::with_satellite(LinkConfig {
        handlers_max: 0,
        ..satellite_config()
    });
    rig.query(1, 8020, PING);
    rig.carry_up();
    rig.carry_down();
    assert_eq!(error_answer(&rig, 1).0, "heliograph/handlers-busy");
    rig.assert_idle();
}

#[test]
fn a_service_failure_is_told_to_the_ground_with_its_reason() {
    let reasons = [
        (
            DropReason::ServiceUnreachable,
            "heliograph/service-unreachable",
        ),
        (DropReason::ServiceTimeout, "heliograph/service-timeout"),
        (DropReason::ServiceError, "heliograph/service-error"),
    ];
    for (reason, code) in reasons {
        let mut rig = Rig::space_packet();
        rig.query(1, 8020, PING);
        rig.carry_up();
        rig.service_fails(reason, "port 8020: it says \"no\"");
        rig.carry_down();
        let expected = (code.to_string(), "port 8020: it says \"no\"".to_string());
        assert_eq!(error_answer(&rig, 1), expected);
        assert_eq!(dropped(&rig.satellite().messages_in), [(reason, 1)]);
        assert!(rig.satellite().errors[0].contains("it says"));
        rig.assert_idle();
    }
}

#[test]
fn an_answer_larger_than_a_message_may_be_is_told_to_the_ground() {
    let mut rig = Rig::with_satellite(LinkConfig {
        message_bytes_max: 1000,
        ..satellite_config()
    });
    let largest = octets(1000);
    assert_eq!(answer_through(&mut rig, &largest), largest);
    rig.query(8, 8020, PING);
    rig.carry_up();
    rig.service_answers(&octets(1001));
    rig.carry_down();
    let (code, message) = error_answer(&rig, 8);
    assert_eq!(code, "heliograph/too-large");
    assert!(message.contains("1001") && message.contains("1000"));
    let too_large = DropReason::TooLarge;
    assert_eq!(dropped(&rig.satellite().messages_out), [(too_large, 1)]);
    // The service did its part.
    assert_eq!(rig.satellite().messages_in.delivered, 2);
    rig.assert_idle();
}

#[test]
fn an_answer_that_the_format_cannot_carry_is_told_to_the_ground() {
    let formats = [
        (PacketFormat::Kubos, 65_525, 7),
        (PacketFormat::Udp, 65_499, 50_000),
    ];
    for (format, bytes_max, command_id) in formats {
        let options = LinkOptions {
            format,
            http_ports: vec![8020],
            ..LinkOptions::default()
        };
        let mut rig = Rig::with_options(satellite_config(), &options);
        for bytes in [bytes_max, bytes_max + 1] {
            rig.query(command_id, 8020, PING);
            rig.carry_up();
            rig.service_answers(&octets(bytes));
            rig.carry_down();
        }
        let largest = Outcome::Answered(command_id, octets(bytes_max));
        assert_eq!(rig.outcomes.remove(0), largest);
        assert_eq!(error_answer(&rig, command_id).0, "heliograph/too-large");
        rig.assert_idle();
    }
}

#[test]
fn a_handler_that_reports_twice_is_counted_once() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, PING);
    rig.carry_up();
    let handler = rig.posts[0].handler;
    rig.service_answers(PONG);
    let failure = crate::rig::failure(DropReason::ServiceTimeout, "late");
    rig.on(End::Satellite, |link, _| {
        link.handle_answer(handler, Err(failure));
    });
    assert_eq!(rig.carry_down(), 1);
    assert_eq!(dropped(&rig.satellite().messages_in), []);
    rig.assert_idle();
}

#[test]
fn payload_types_that_nobody_takes_are_counted() {
    let mut rig = Rig::space_packet();
    let ground = SpacePacketFormat::new(End::Ground);
    let packets = segments(&ground, head(PayloadType::Cfdp, 0, 0), b"pdu", 0);
    rig.hear_all(End::Satellite, packets);
    let not_carried = DropReason::NotCarried;
    assert_eq!(dropped(&rig.satellite().messages_in), [(not_carried, 1)]);
    rig.assert_idle();
}

#[test]
fn kubos_equipment_gets_its_answer_and_hears_datagrams() {
    let mut rig = Rig::kubos();
    assert_eq!(answer_through(&mut rig, PONG), PONG);
    let largest = octets(60_000);
    assert_eq!(answer_through(&mut rig, &largest), largest);
    rig.app_sends(0, b"beacon");
    rig.ask(PayloadType::Udp, 9, 8000, b"do it");
    rig.carry_up();
    rig.carry_down();
    assert_eq!(rig.datagrams, [(8000, b"do it".to_vec())]);
    assert_eq!(rig.outcomes, [Outcome::Sent(9)]);
    let unasked = head(PayloadType::Udp, 0, 0);
    assert_eq!(rig.heard, [(unasked, b"beacon".to_vec())]);
    rig.assert_idle();
}

#[test]
fn without_any_handler_the_refusal_says_so() {
    let mut rig = Rig::with_satellite(LinkConfig {
        handlers_max: 0,
        ..satellite_config()
    });
    rig.query(1, 8020, PING);
    rig.carry_up();
    rig.carry_down();
    let (_, message) = error_answer(&rig, 1);
    assert!(message.contains("max_num_handlers is 0"), "{message}");
}
