//! UDP services that answer within a window, in formats with command ids.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::link::{Command, CommandMemoryConfig, LinkConfig, ReplyWindow};
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::SpacePacketFormat;
use comms_service::{LinkOptions, PacketFormat};

use crate::rig::{
    COMMAND_TIMEOUT, Outcome, RETRIES, Rig, dropped, failure, head, satellite_config, segments,
};

const SHELL: u16 = 8170;
const ID: u64 = 77;
const WINDOW: Duration = Duration::from_secs(15);

fn config(sockets: usize, waiting: usize) -> LinkConfig {
    let window = ReplyWindow {
        window: WINDOW,
        messages_max: 3,
    };
    LinkConfig {
        exchange_sockets: sockets,
        handler_queue_messages_max: waiting,
        reply_windows: [(SHELL, window)].into(),
        ..satellite_config()
    }
}

fn command(command_id: u64) -> Command {
    Command {
        command_id,
        payload_type: PayloadType::Udp,
        port: SHELL,
        payload: b"ls".to_vec(),
        timeout: COMMAND_TIMEOUT,
        retries: RETRIES,
    }
}

/// The ground asks for up to `replies_max` replies; the message reaches the
/// satellite's socket, which takes it.
fn ask(rig: &mut Rig, command_id: u64, replies_max: u32) {
    let command = command(command_id);
    rig.on(End::Ground, |link, _| link.converse(command, replies_max));
    rig.carry_up();
}

fn taken(rig: &mut Rig) -> usize {
    let exchange = rig.exchanges.pop_front().expect("a message with a socket");
    assert_eq!((exchange.port, &*exchange.payload), (SHELL, &b"ls"[..]));
    drop(exchange.payload);
    rig.on(End::Satellite, |link, _| {
        link.handle_exchange_sent(exchange.socket)
    });
    exchange.socket
}

#[test]
fn a_reply_that_is_here_before_write_returned_leaves_no_command_open() {
    let mut rig = Rig::with_satellite(config(1, 10));
    rig.on(End::Ground, |link, _| link.converse(command(ID), 2));
    let packet = rig.begin_write(End::Ground, 0).expect("the command");
    rig.hear(End::Satellite, packet);
    let socket = taken(&mut rig);
    rig.service_replies(socket, SHELL, b"a");
    rig.carry_down();
    rig.end_write(End::Ground, 0, Ok(()));
    let due = rig.next_timeout(End::Ground).expect("a time-out");
    rig.pass(due - rig.now);
    assert!(matches!(rig.outcomes.last(), Some(Outcome::Sent(ID))));
}

#[test]
fn every_answer_within_the_window_goes_down_with_the_command_id() {
    for format in [PacketFormat::SpacePacket, PacketFormat::Kubos] {
        let options = LinkOptions {
            format,
            ..LinkOptions::default()
        };
        let mut rig = Rig::with_options(config(2, 10), &options);
        ask(&mut rig, ID, 3);
        let socket = taken(&mut rig);
        assert_eq!(rig.satellite().messages_in.delivered, 1);
        for line in [b"a", b"b", b"c"] {
            // A session of the service answers from a port of its own.
            rig.service_replies(socket, 40_123, line);
        }
        rig.carry_down();
        let replied = |line: &[u8]| Outcome::Replied(ID, line.to_vec());
        let expected = [
            replied(b"a"),
            replied(b"b"),
            replied(b"c"),
            Outcome::Sent(ID),
        ];
        assert_eq!(rig.outcomes, expected, "{format:?}");
        rig.pass(WINDOW);
        rig.assert_idle();
    }
}

#[test]
fn a_ground_that_waits_no_more_hears_the_answers_with_the_command_id() {
    let mut rig = Rig::with_satellite(config(2, 10));
    ask(&mut rig, ID, 3);
    let socket = taken(&mut rig);
    rig.pass(COMMAND_TIMEOUT);
    assert_eq!(rig.outcomes, [Outcome::Sent(ID)]);
    rig.service_replies(socket, SHELL, b"late");
    rig.carry_down();
    let head = Head {
        payload_type: PayloadType::Udp,
        class: Class::Standard,
        security: None,
        command_id: ID,
        port: SHELL,
    };
    assert_eq!(rig.heard, [(head, b"late".to_vec())]);
}

#[test]
fn answers_do_not_prolong_the_window_and_a_late_one_answers_nobody() {
    let mut rig = Rig::with_satellite(config(1, 10));
    ask(&mut rig, ID, 3);
    let socket = taken(&mut rig);
    rig.pass(WINDOW - Duration::from_millis(1));
    rig.service_replies(socket, SHELL, b"in time");
    assert_eq!(rig.carry_down(), 1);
    rig.pass(Duration::from_millis(1));
    rig.service_replies(socket, SHELL, b"late");
    assert_eq!(rig.carry_down(), 0);
    // The socket rests as long again before the next message.
    ask(&mut rig, ID + 1, 3);
    assert_eq!(rig.exchanges.len(), 0);
    assert_eq!(rig.satellite().messages_in.queued, 1);
    rig.pass(WINDOW);
    assert_eq!(rig.exchanges.len(), 1);
}

#[test]
fn answers_beyond_the_limit_are_counted_and_dropped() {
    let mut rig = Rig::with_satellite(config(1, 10));
    ask(&mut rig, ID, 9);
    let socket = taken(&mut rig);
    for _ in 0..5 {
        rig.service_replies(socket, SHELL, b"line");
    }
    assert_eq!(rig.carry_down(), 3);
    let surplus = (DropReason::SurplusReply, 2);
    assert_eq!(dropped(&rig.satellite().messages_out), [surplus]);
}

#[test]
fn a_message_without_a_free_socket_waits_and_beyond_the_queue_is_refused_in_silence() {
    let mut rig = Rig::with_satellite(config(1, 1));
    for id in 0..3 {
        ask(&mut rig, ID + id, 1);
    }
    assert_eq!(rig.exchanges.len(), 1);
    assert_eq!(rig.satellite().messages_in.queued, 1);
    let busy = (DropReason::HandlersBusy, 1);
    assert_eq!(dropped(&rig.satellite().messages_in), [busy]);
    assert_eq!(rig.carry_down(), 0);
}

#[test]
fn a_message_that_the_socket_refuses_is_counted_and_nothing_goes_down() {
    let mut rig = Rig::with_satellite(config(1, 1));
    ask(&mut rig, ID, 1);
    let socket = rig.exchanges.pop_front().unwrap().socket;
    let refused = failure(DropReason::ServiceUnreachable, "port 8170: refused");
    rig.on(End::Satellite, |link, now| {
        link.handle_exchange_failed(now, socket, refused);
    });
    let unreachable = (DropReason::ServiceUnreachable, 1);
    assert_eq!(dropped(&rig.satellite().messages_in), [unreachable]);
    assert_eq!(rig.carry_down(), 0);
}

#[test]
fn an_answer_before_the_socket_is_known_to_have_taken_the_message_delivers_it_once() {
    let mut rig = Rig::with_satellite(config(1, 1));
    ask(&mut rig, ID, 1);
    let socket = rig.exchanges.pop_front().unwrap().socket;
    assert_eq!(rig.satellite().messages_in.in_flight, 1);
    rig.service_replies(socket, SHELL, b"quick");
    rig.on(End::Satellite, |link, _| link.handle_exchange_sent(socket));
    assert_eq!(rig.satellite().messages_in.delivered, 1);
}

#[test]
fn command_id_0_has_a_window_too() {
    let mut rig = Rig::with_satellite(config(1, 1));
    let format = crate::rig::format(&LinkOptions::default(), End::Ground);
    let head = Head {
        payload_type: PayloadType::Udp,
        class: Class::Standard,
        security: None,
        command_id: 0,
        port: SHELL,
    };
    let mut packet = Vec::new();
    format.build(&head, b"ls", 0, 0, &mut packet).unwrap();
    rig.hear(End::Satellite, packet);
    let socket = taken(&mut rig);
    rig.service_replies(socket, SHELL, b"anonymous");
    rig.carry_down();
    assert_eq!(rig.heard, [(head, b"anonymous".to_vec())]);
}

#[test]
fn a_port_without_a_window_gets_datagrams_one_way() {
    let mut rig = Rig::with_satellite(config(1, 1));
    rig.ask(PayloadType::Udp, ID, SHELL + 1, b"go");
    rig.carry_up();
    assert_eq!((rig.datagrams.len(), rig.exchanges.len()), (1, 0));
}

#[test]
fn a_message_still_under_way_at_the_stop_is_counted() {
    let mut rig = Rig::with_satellite(config(1, 1));
    ask(&mut rig, ID, 1);
    ask(&mut rig, ID + 1, 1);
    rig.exchanges.clear();
    rig.on(End::Satellite, |link, _| link.handle_shutdown());
    let shutdown = (DropReason::Shutdown, 2);
    assert_eq!(dropped(&rig.satellite().messages_in), [shutdown]);
}

#[test]
fn a_message_that_the_radio_refuses_is_tried_again_and_one_that_left_is_not() {
    let mut rig = Rig::with_satellite(config(1, 1));
    rig.on(End::Ground, |link, _| link.converse(command(ID), 3));
    rig.begin_write(End::Ground, 0).unwrap();
    rig.end_write(End::Ground, 0, Err("busy".to_string()));
    rig.pass(COMMAND_TIMEOUT);
    assert_eq!(rig.outcomes, []);
    assert_eq!(rig.carry_up(), 1);
    rig.pass(COMMAND_TIMEOUT * 3);
    assert_eq!(rig.carry_up(), 0);
    assert_eq!(rig.outcomes, [Outcome::Sent(ID)]);
}

#[test]
fn a_message_that_comes_again_while_its_window_is_open_is_not_given_to_its_service() {
    let mut rig = Rig::with_satellite(LinkConfig {
        command_memory: Some(CommandMemoryConfig::default()),
        ..config(2, 2)
    });
    ask(&mut rig, ID, 3);
    let socket = taken(&mut rig);
    // As from a ground that does not know that it was sent.
    let again = segments(
        &SpacePacketFormat::new(End::Ground),
        head(PayloadType::Udp, ID, SHELL),
        b"ls",
        1,
    );
    rig.hear_all(End::Satellite, again);
    assert_eq!(rig.exchanges.len(), 0);
    let duplicate = (DropReason::DuplicateCommand, 1);
    assert_eq!(dropped(&rig.satellite().messages_in), [duplicate]);
    rig.service_replies(socket, SHELL, b"one");
    rig.carry_down();
    assert_eq!(rig.outcomes, [Outcome::Replied(ID, b"one".to_vec())]);
}
