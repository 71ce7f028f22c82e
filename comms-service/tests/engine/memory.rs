//! The one budget of octets.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::graphql_error::link_error;
use comms_service::link::LinkConfig;
use comms_service::message::{End, PayloadType};
use comms_service::{LinkOptions, PacketFormat};

use crate::rig::{Outcome, Rig, dropped, octets, satellite_config};

fn with_memory(memory_bytes_max: usize) -> Rig {
    Rig::with_satellite(LinkConfig {
        memory_bytes_max,
        ..satellite_config()
    })
}

#[test]
fn what_does_not_fit_is_refused_and_all_is_given_back_in_the_end() {
    let mut rig = with_memory(10_000);
    for _ in 0..10 {
        rig.app_sends(0, &octets(1500));
    }
    let satellite = rig.satellite();
    // Datagrams may take three quarters of the budget.
    assert_eq!(satellite.messages_out.queued, 5);
    let spent = (DropReason::MemorySpent, 5);
    assert_eq!(dropped(&satellite.messages_out), [spent]);
    assert_eq!(satellite.memory_bytes_used, 7500);
    assert_eq!(satellite.memory_bytes_max, 10_000);
    assert!(satellite.errors[0].contains("memory budget"));
    rig.carry_down();
    assert_eq!(rig.heard.len(), 5);
    rig.assert_idle();
    rig.app_sends(0, &octets(7500));
    assert_eq!(rig.satellite().messages_out.queued, 1);
}

#[test]
fn a_message_that_outgrows_the_budget_is_dropped_with_all_its_packets() {
    let mut rig = with_memory(1000);
    rig.query(1, 8020, &octets(1500));
    let packets = rig.carry_up() as u64;
    assert_eq!(rig.posts.len(), 0);
    let dropped = rig.satellite().packets_in.dropped;
    assert!(dropped.of(DropReason::MemorySpent) >= 4);
    assert_eq!(dropped.total(), packets);
    rig.carry_down();
    assert_eq!(rig.satellite().memory_bytes_used, 0);
    rig.query(2, 8020, &octets(900));
    rig.carry_up();
    assert_eq!(rig.posts.len(), 1);
}

#[test]
fn a_message_in_one_packet_is_refused_when_the_budget_is_spent() {
    let mut rig = with_memory(1000);
    rig.app_sends(0, &octets(650));
    rig.query(1, 8020, &octets(200));
    rig.query(2, 8020, &octets(200));
    rig.carry_up();
    let spent = (DropReason::MemorySpent, 1);
    assert_eq!(dropped(&rig.satellite().packets_in), [spent]);
    assert_eq!(rig.posts.len(), 1);
}

#[test]
fn a_query_for_which_there_is_no_room_is_answered() {
    for (held, asked, reason) in [(890, 900, "memory-spent"), (0, 1001, "too-large")] {
        let mut rig = Rig::with_satellite(LinkConfig {
            message_bytes_max: 1000,
            memory_bytes_max: 1200,
            ..satellite_config()
        });
        rig.app_sends(0, &octets(held));
        rig.query(1, 8020, &octets(asked));
        rig.carry_up();
        rig.carry_down();
        assert_eq!(rig.posts.len(), 0);
        match rig.outcomes.as_slice() {
            [Outcome::Answered(1, answer)] => {
                let message = link_error(answer).unwrap();
                assert!(
                    message.contains("8020") && message.contains(reason),
                    "{message}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_app_that_sends_faster_than_the_radio_does_not_lock_out_commands() {
    let mut rig = Rig::space_packet();
    for _ in 0..300 {
        rig.app_sends(0, &octets(60_000));
    }
    assert!(
        rig.satellite()
            .messages_out
            .dropped
            .of(DropReason::MemorySpent)
            > 0
    );
    rig.query(1, 8020, b"?");
    rig.carry_up();
    rig.service_answers(&octets(1000));
    // The answer passes between the packets of the first datagram.
    for _ in 0..20 {
        let packet = rig.transmit(End::Satellite).unwrap();
        rig.hear(End::Ground, packet);
    }
    assert_eq!(rig.outcomes, [Outcome::Answered(1, octets(1000))]);
}

#[test]
fn an_answer_that_does_not_fit_is_told_to_the_ground_though_the_budget_is_spent() {
    let mut rig = with_memory(1000);
    rig.query(1, 8020, b"?");
    rig.carry_up();
    rig.app_sends(0, &octets(700));
    rig.service_answers(&octets(700));
    rig.carry_down();
    match rig.outcomes.as_slice() {
        [Outcome::Answered(1, answer)] => {
            assert!(link_error(answer).unwrap().contains("memory-bytes-max"));
        }
        other => panic!("{other:?}"),
    }
    rig.assert_idle();
}

#[test]
fn an_answer_by_udp_that_does_not_fit_is_told_to_the_asker() {
    let mut rig = Rig::with_options(
        LinkConfig {
            memory_bytes_max: 1000,
            exchange_sockets: 1,
            ..satellite_config()
        },
        &LinkOptions {
            format: PacketFormat::Udp,
            ..LinkOptions::default()
        },
    );
    rig.ask(PayloadType::UdpExchange, 50_000, 8030, b"?");
    rig.carry_up();
    let request = rig.exchanges.pop_front().unwrap();
    rig.service_replies(request.socket, request.port, &octets(1500));
    drop(request);
    rig.carry_down();
    match rig.outcomes.as_slice() {
        [Outcome::Answered(50_000, answer)] => {
            assert!(link_error(answer).unwrap().contains("memory-bytes-max"));
        }
        other => panic!("{other:?}"),
    }
    rig.assert_idle();
}

#[test]
fn a_query_is_charged_until_its_service_has_it() {
    let mut rig = Rig::with_satellite(LinkConfig {
        handlers_max: 1,
        ..satellite_config()
    });
    for id in 1..=3 {
        rig.query(id, 8020, &octets(5000));
    }
    rig.carry_up();
    assert!(rig.satellite().memory_bytes_used >= 15_000);
    for _ in 0..3 {
        rig.service_answers(b"");
    }
    rig.carry_down();
    rig.assert_idle();
}

#[test]
fn a_short_packet_in_a_large_buffer_is_charged_for_what_it_holds() {
    let mut rig = Rig::space_packet();
    rig.query(1, 8020, b"short");
    let packet = rig.transmit(End::Ground).unwrap();
    let mut buffer = Vec::with_capacity(1 << 20);
    buffer.extend_from_slice(&packet);
    rig.hear(End::Satellite, buffer);
    assert_eq!(&*rig.posts[0].body, b"short");
    assert!(rig.satellite().memory_bytes_used < 2000);
}

#[test]
fn open_messages_are_charged_and_given_back_when_overdue() {
    let mut rig = Rig::space_packet();
    rig.ask(PayloadType::Udp, 1, 8000, &octets(5000));
    let mut packets = rig.transmit_all(End::Ground);
    packets.pop();
    rig.hear_all(End::Satellite, packets);
    assert!(rig.satellite().memory_bytes_used >= 4500);
    rig.pass(Duration::from_secs(30));
    rig.assert_idle();
}
