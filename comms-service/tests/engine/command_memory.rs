//! Commands at most once: what comes again is answered from memory, joined or
//! refused.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::graphql_error::link_error;
use comms_service::link::{CommandMemoryConfig, LinkConfig};
use comms_service::message::{End, Head, PayloadType};
use comms_service::packet::SpacePacketFormat;

use crate::rig::{Rig, Socket, dropped, failure, head, octets, satellite_config, segments};

pub(crate) const MUTATION: &[u8] = b"{\"query\":\"mutation { fire }\"}";
pub(crate) const QUERY: &[u8] = b"{\"query\":\"{ ping }\"}";
pub(crate) const PORT: u16 = 8020;

/// The satellite alone; the ground is played by the test.
pub(crate) struct Satellite {
    pub(crate) rig: Rig,
    count: u16,
}

impl Satellite {
    pub(crate) fn new(memory: CommandMemoryConfig, config: LinkConfig) -> Satellite {
        Satellite {
            rig: Rig::with_satellite(LinkConfig {
                command_memory: Some(memory),
                ..config
            }),
            count: 0,
        }
    }

    pub(crate) fn remembering() -> Satellite {
        Satellite::new(CommandMemoryConfig::default(), satellite_config())
    }

    pub(crate) fn hears(&mut self, head: Head, payload: &[u8]) {
        let ground = SpacePacketFormat::new(End::Ground);
        let packets = segments(&ground, head, payload, self.count);
        self.count += packets.len() as u16;
        self.rig.hear_all(End::Satellite, packets);
    }

    pub(crate) fn asked(&mut self, id: u64, payload: &[u8]) {
        self.hears(head(PayloadType::GraphQl, id, PORT), payload);
    }

    /// The payloads of what goes down, each in one packet.
    pub(crate) fn answers(&mut self) -> Vec<Vec<u8>> {
        let packets = self.rig.transmit_all(End::Satellite);
        let payload = |packet: &Vec<u8>| packet[16..packet.len() - 2].to_vec();
        packets.iter().map(payload).collect()
    }

    #[track_caller]
    pub(crate) fn refuses(&mut self, reason: DropReason) {
        let answers = self.answers();
        assert_eq!(answers.len(), 1);
        let text = String::from_utf8_lossy(&answers[0]).to_string();
        assert!(
            text.contains(&format!("heliograph/{}", reason.as_str())),
            "{text}"
        );
        assert!(link_error(&answers[0]).unwrap().contains("8020"), "{text}");
    }

    #[track_caller]
    pub(crate) fn dropped_for(&self, reason: DropReason, count: u64) {
        assert_eq!(
            dropped(&self.rig.satellite().messages_in),
            [(reason, count)]
        );
    }
}

#[test]
fn a_command_that_comes_again_gets_the_stored_answer_and_does_not_run() {
    let mut satellite = Satellite::remembering();
    for payload in [MUTATION, QUERY] {
        let id = payload.len() as u64;
        satellite.asked(id, payload);
        satellite.rig.service_answers(b"fired");
        assert_eq!(satellite.answers(), [b"fired"]);
        satellite.asked(id, payload);
        assert_eq!(satellite.answers(), [b"fired"]);
        assert_eq!(satellite.rig.posts.len(), 0);
    }
    satellite.dropped_for(DropReason::AnsweredFromMemory, 2);
    let statistics = satellite.rig.satellite();
    assert_eq!(statistics.commands_remembered, 2);
    assert_eq!(statistics.answer_bytes_remembered, 10);
}

#[test]
fn a_command_that_comes_while_it_runs_joins_the_first() {
    let mut satellite = Satellite::remembering();
    satellite.asked(7, MUTATION);
    satellite.asked(7, MUTATION);
    assert_eq!(satellite.rig.posts.len(), 1);
    satellite.rig.service_answers(b"fired");
    assert_eq!(satellite.answers(), [b"fired"]);
    satellite.dropped_for(DropReason::CommandJoined, 1);
}

#[test]
fn a_command_that_waits_for_a_handler_is_joined_too() {
    let memory = CommandMemoryConfig::default();
    let config = LinkConfig {
        handlers_max: 1,
        ..satellite_config()
    };
    let mut satellite = Satellite::new(memory, config);
    satellite.asked(1, QUERY);
    satellite.asked(2, MUTATION);
    satellite.asked(2, MUTATION);
    satellite.rig.service_answers(b"one");
    satellite.rig.service_answers(b"two");
    assert_eq!(satellite.rig.posts.len(), 0);
    assert_eq!(satellite.answers(), [b"one", b"two"]);
}

#[test]
fn a_command_that_comes_while_its_answer_waits_for_the_radio_gets_no_second_one() {
    let mut satellite = Satellite::remembering();
    satellite.asked(7, MUTATION);
    satellite.rig.service_answers(b"fired");
    satellite.asked(7, MUTATION);
    satellite.dropped_for(DropReason::CommandJoined, 1);
    assert_eq!(satellite.answers(), [b"fired"]);
    satellite.asked(7, MUTATION);
    assert_eq!(satellite.answers(), [b"fired"]);
}

#[test]
fn a_command_that_comes_while_the_radio_has_its_answer_is_answered_again() {
    let mut satellite = Satellite::remembering();
    satellite.asked(7, MUTATION);
    satellite.rig.service_answers(b"fired");
    assert!(satellite.rig.begin_write(End::Satellite, 0).is_some());
    satellite.asked(7, MUTATION);
    satellite.rig.end_write(End::Satellite, 0, Ok(()));
    assert_eq!(satellite.answers(), [b"fired"]);
}

#[test]
fn a_known_id_with_other_content_is_refused_as_reused() {
    let mut satellite = Satellite::remembering();
    satellite.asked(7, MUTATION);
    satellite.asked(7, b"mutation { other }");
    satellite.refuses(DropReason::CommandIdReused);
    satellite.rig.service_answers(b"fired");
    assert_eq!(satellite.answers(), [b"fired"]);
    satellite.asked(7, b"mutation { other }");
    satellite.refuses(DropReason::CommandIdReused);
    satellite.dropped_for(DropReason::CommandIdReused, 2);
    assert_eq!(satellite.rig.posts.len(), 0);
}

#[test]
fn the_same_id_for_another_port_or_type_is_another_command() {
    let mut satellite = Satellite::remembering();
    satellite.asked(7, MUTATION);
    satellite.hears(head(PayloadType::GraphQl, 7, PORT + 1), MUTATION);
    satellite.hears(head(PayloadType::Udp, 7, PORT), MUTATION);
    assert_eq!(satellite.rig.posts.len(), 2);
    assert_eq!(satellite.rig.datagrams.len(), 1);
    assert_eq!(satellite.rig.satellite().commands_remembered, 3);
    assert_eq!(dropped(&satellite.rig.satellite().messages_in), []);
}

#[test]
fn id_zero_is_never_remembered() {
    let mut satellite = Satellite::remembering();
    satellite.asked(0, MUTATION);
    satellite.asked(0, MUTATION);
    assert_eq!(satellite.rig.posts.len(), 2);
    assert_eq!(satellite.rig.satellite().commands_remembered, 0);
}

#[test]
fn a_datagram_that_comes_again_is_dropped() {
    let mut satellite = Satellite::remembering();
    let datagram = head(PayloadType::Udp, 7, 8000);
    satellite.hears(datagram, b"go");
    satellite.hears(datagram, b"go");
    assert_eq!(satellite.rig.datagrams.len(), 1);
    satellite.dropped_for(DropReason::DuplicateCommand, 1);
    assert_eq!(satellite.answers(), [[0; 0]; 0]);
}

#[test]
fn a_datagram_that_the_socket_did_not_take_may_come_again() {
    let mut satellite = Satellite::remembering();
    let datagram = head(PayloadType::Udp, 7, 8000);
    satellite.rig.socket = Socket::Refuses(failure(DropReason::SocketBusy, "busy"));
    satellite.hears(datagram, b"go");
    satellite.rig.socket = Socket::Takes;
    satellite.hears(datagram, b"go");
    assert_eq!(satellite.rig.datagrams.len(), 2);
    satellite.dropped_for(DropReason::SocketBusy, 1);
}

#[test]
fn a_command_that_never_reached_its_service_may_come_again() {
    for reason in [DropReason::ServiceUnreachable, DropReason::HandlersBusy] {
        let mut satellite = Satellite::remembering();
        satellite.asked(7, MUTATION);
        satellite.rig.service_fails(reason, "8020 is not there");
        satellite.refuses(reason);
        satellite.asked(7, MUTATION);
        satellite.rig.service_answers(b"fired");
        assert_eq!(satellite.answers(), [b"fired"]);
    }
}

#[test]
fn a_command_refused_because_all_handlers_are_busy_may_come_again() {
    let memory = CommandMemoryConfig::default();
    let config = LinkConfig {
        handlers_max: 1,
        handler_queue_messages_max: 0,
        ..satellite_config()
    };
    let mut satellite = Satellite::new(memory, config);
    satellite.asked(1, QUERY);
    satellite.asked(2, MUTATION);
    satellite.refuses(DropReason::HandlersBusy);
    satellite.rig.service_answers(b"one");
    satellite.asked(2, MUTATION);
    satellite.rig.service_answers(b"two");
    assert_eq!(satellite.answers(), [b"one", b"two"]);
}

#[test]
fn a_mutation_that_was_handed_over_and_not_answered_is_not_run_again() {
    let mut satellite = Satellite::remembering();
    for (id, reason) in [
        (1, DropReason::ServiceTimeout),
        (2, DropReason::ServiceError),
    ] {
        satellite.asked(id, MUTATION);
        satellite.rig.service_fails(reason, "no answer of 8020");
        satellite.refuses(reason);
        // What the ground was told, it is told again.
        satellite.asked(id, MUTATION);
        satellite.refuses(reason);
    }
    assert_eq!(satellite.rig.posts.len(), 0);
}

#[test]
fn a_query_that_was_handed_over_and_not_answered_may_run_again() {
    let mut satellite = Satellite::remembering();
    satellite.asked(7, QUERY);
    satellite
        .rig
        .service_fails(DropReason::ServiceTimeout, "no answer of 8020");
    satellite.refuses(DropReason::ServiceTimeout);
    satellite.asked(7, QUERY);
    satellite.rig.service_answers(b"pong");
    assert_eq!(satellite.answers(), [b"pong"]);
}

/// Room for one answer of 100 octets.
fn forgetful() -> Satellite {
    let memory = CommandMemoryConfig {
        answer_bytes_max: 100,
        ..CommandMemoryConfig::default()
    };
    Satellite::new(memory, satellite_config())
}

#[test]
fn a_mutation_whose_answer_is_not_kept_is_not_run_again() {
    let mut satellite = forgetful();
    satellite.asked(1, MUTATION);
    satellite.rig.service_answers(&octets(80));
    satellite.asked(2, MUTATION);
    satellite.rig.service_answers(&octets(90));
    satellite.answers();
    satellite.asked(1, MUTATION);
    satellite.refuses(DropReason::AnswerNotKept);
    satellite.dropped_for(DropReason::AnswerNotKept, 1);
    assert_eq!(satellite.rig.posts.len(), 0);
}

#[test]
fn a_mutation_of_unknown_outcome_whose_error_is_not_kept_is_not_run_again() {
    let mut satellite = Satellite::new(
        CommandMemoryConfig {
            answer_bytes_max: 0,
            ..CommandMemoryConfig::default()
        },
        satellite_config(),
    );
    satellite.asked(1, MUTATION);
    satellite
        .rig
        .service_fails(DropReason::ServiceTimeout, "no answer of 8020");
    satellite.answers();
    satellite.asked(1, MUTATION);
    satellite.refuses(DropReason::OutcomeUnknown);
}

#[test]
fn a_query_whose_answer_is_not_kept_is_run_again() {
    let mut satellite = forgetful();
    satellite.asked(1, QUERY);
    satellite.rig.service_answers(&octets(101));
    satellite.answers();
    satellite.asked(1, QUERY);
    satellite.rig.service_answers(b"pong");
    assert_eq!(satellite.answers(), [b"pong"]);
    assert_eq!(dropped(&satellite.rig.satellite().messages_in), []);
}

#[test]
fn stored_answers_give_way_before_work_is_refused_for_memory() {
    let config = LinkConfig {
        memory_bytes_max: 10_000,
        ..satellite_config()
    };
    let mut satellite = Satellite::new(CommandMemoryConfig::default(), config);
    for id in 1..=3 {
        satellite.asked(id, MUTATION);
        satellite.rig.service_answers(&octets(2000));
        satellite.answers();
    }
    assert_eq!(satellite.rig.satellite().answer_bytes_remembered, 6000);
    satellite.asked(4, &octets(7000));
    assert_eq!(satellite.rig.posts.len(), 1);
    assert_eq!(satellite.rig.satellite().answer_bytes_remembered, 2000);
    assert_eq!(dropped(&satellite.rig.satellite().packets_in), []);
}

#[test]
fn queries_are_forgotten_before_mutations_and_the_oldest_first() {
    let memory = CommandMemoryConfig {
        commands_max: 3,
        ..CommandMemoryConfig::default()
    };
    let mut satellite = Satellite::new(memory, satellite_config());
    for (id, payload) in [
        (1, MUTATION),
        (2, QUERY),
        (3, MUTATION),
        (4, QUERY),
        (5, QUERY),
    ] {
        satellite.asked(id, payload);
        satellite.rig.service_answers(b"ok");
    }
    satellite.answers();
    assert_eq!(satellite.rig.satellite().commands_remembered, 3);
    for id in [1, 3] {
        satellite.asked(id, MUTATION);
        assert_eq!(satellite.rig.posts.len(), 0, "{id}");
    }
    satellite.asked(4, QUERY);
    assert_eq!(satellite.rig.posts.len(), 1);
}

#[test]
fn a_command_is_refused_when_as_many_run_as_can_be_remembered() {
    let memory = CommandMemoryConfig {
        commands_max: 1,
        ..CommandMemoryConfig::default()
    };
    let mut satellite = Satellite::new(memory, satellite_config());
    satellite.asked(1, MUTATION);
    satellite.asked(2, MUTATION);
    satellite.refuses(DropReason::CommandMemoryFull);
    satellite.rig.service_answers(b"one");
    satellite.asked(2, MUTATION);
    satellite.rig.service_answers(b"two");
    assert_eq!(satellite.answers(), [b"one", b"two"]);
}

#[test]
fn a_command_is_remembered_for_a_time() {
    let memory = CommandMemoryConfig {
        time: Duration::from_secs(60),
        ..CommandMemoryConfig::default()
    };
    let mut satellite = Satellite::new(memory, satellite_config());
    satellite.asked(1, MUTATION);
    satellite.rig.service_answers(b"ok");
    satellite.answers();
    satellite.rig.pass(Duration::from_secs(59));
    satellite.asked(1, MUTATION);
    assert_eq!(satellite.answers(), [b"ok"]);
    satellite.rig.pass(Duration::from_secs(1));
    satellite.asked(1, MUTATION);
    assert_eq!(satellite.rig.posts.len(), 1);
}

#[test]
fn without_a_memory_every_message_runs() {
    let mut satellite = Satellite {
        rig: Rig::space_packet(),
        count: 0,
    };
    satellite.asked(1, MUTATION);
    satellite.asked(1, MUTATION);
    assert_eq!(satellite.rig.posts.len(), 2);
}

#[test]
fn a_shutdown_forgets_and_gives_everything_back() {
    let mut satellite = Satellite::remembering();
    satellite.asked(1, MUTATION);
    satellite.rig.service_answers(b"ok");
    satellite.answers();
    satellite.asked(2, MUTATION);
    satellite.rig.posts.clear();
    satellite
        .rig
        .on(End::Satellite, |link, _| link.handle_shutdown());
    satellite.rig.assert_idle();
}

#[test]
fn no_mutation_is_forgotten_for_a_flood_of_datagrams() {
    let memory = CommandMemoryConfig {
        commands_max: 4,
        ..CommandMemoryConfig::default()
    };
    let mut satellite = Satellite::new(memory, satellite_config());
    satellite.asked(7, MUTATION);
    satellite.rig.service_answers(b"fired");
    for id in 100..200 {
        satellite.hears(head(PayloadType::Udp, id, 8000), b"go");
    }
    assert_eq!(satellite.rig.datagrams.len(), 100);
    satellite.answers();
    satellite.asked(7, MUTATION);
    assert_eq!(satellite.rig.posts.len(), 0);
    assert_eq!(satellite.answers(), [b"fired"]);
}
