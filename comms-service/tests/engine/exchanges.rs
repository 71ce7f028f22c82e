//! Request and answer over UDP, in format `udp`.

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::graphql_error::link_error;
use comms_service::message::{End, PayloadType};

use crate::rig::{GROUND_PORT, Outcome, Rig, dropped, failure, head, octets};

const SERVICE: u16 = 8030;
const ASKER: u64 = 50_000;
/// The satellite's time-out for a service.
const TIMEOUT: Duration = Duration::from_millis(1500);

fn ask(rig: &mut Rig, command_id: u64, payload: &[u8]) {
    rig.ask(PayloadType::UdpExchange, command_id, SERVICE, payload);
    rig.carry_up();
}

/// The service answers the oldest request; gives the socket.
fn reply(rig: &mut Rig, answer: &[u8]) -> usize {
    let request = rig.exchanges.pop_front().expect("a request");
    drop(request.payload);
    rig.service_replies(request.socket, request.port, answer);
    request.socket
}

#[test]
fn a_request_reaches_its_service_and_the_answer_its_asker() {
    let mut rig = Rig::udp(2, 10);
    ask(&mut rig, ASKER, b"{ping}");
    let request = &rig.exchanges[0];
    assert_eq!((request.port, &*request.payload), (SERVICE, &b"{ping}"[..]));
    reply(&mut rig, b"pong");
    rig.carry_down();
    assert_eq!(rig.outcomes, [Outcome::Answered(ASKER, b"pong".to_vec())]);
    rig.assert_idle();
}

#[test]
fn a_port_configured_as_http_is_asked_by_http() {
    let mut rig = Rig::udp(2, 10);
    rig.query(ASKER, 8020, b"{}");
    rig.carry_up();
    assert_eq!((rig.posts.len(), rig.exchanges.len()), (1, 0));
    rig.service_answers(b"{\"data\":{}}");
    rig.carry_down();
    assert_eq!(rig.outcomes.len(), 1);
    rig.assert_idle();
}

#[test]
fn a_datagram_of_an_app_goes_to_the_ground_port() {
    let mut rig = Rig::udp(2, 10);
    rig.app_sends(0, b"beacon");
    let packet = rig.transmit(End::Satellite).unwrap();
    assert_eq!(packet[2..4], GROUND_PORT.to_be_bytes());
    rig.hear(End::Ground, packet);
    let unasked = head(PayloadType::Udp, 0, crate::rig::DOWNLINK_PORT);
    assert_eq!(rig.heard, [(unasked, b"beacon".to_vec())]);
}

#[test]
fn a_request_that_nobody_answers_is_counted_and_nothing_goes_down() {
    let mut rig = Rig::udp(2, 10);
    ask(&mut rig, ASKER, b"?");
    rig.exchanges.clear();
    rig.pass(TIMEOUT - Duration::from_millis(1));
    assert_eq!(rig.satellite().messages_in.in_flight, 1);
    rig.pass(Duration::from_millis(1));
    let timeout = (DropReason::ServiceTimeout, 1);
    assert_eq!(dropped(&rig.satellite().messages_in), [timeout]);
    assert_eq!(rig.carry_down(), 0);
    assert_eq!(rig.next_timeout(End::Satellite), None);
}

#[test]
fn a_late_answer_is_not_taken_for_the_answer_to_somebody_else() {
    let mut rig = Rig::udp(1, 10);
    ask(&mut rig, ASKER, b"first");
    let late = rig.exchanges.pop_front().unwrap();
    rig.pass(TIMEOUT);
    ask(&mut rig, ASKER + 1, b"second");
    // The only socket rests: the second request waits.
    assert_eq!(rig.exchanges.len(), 0);
    assert_eq!(rig.satellite().messages_in.queued, 1);
    rig.service_replies(late.socket, late.port, b"answer to the first");
    rig.pass(TIMEOUT - Duration::from_millis(1));
    assert_eq!(rig.exchanges.len(), 0);
    assert_eq!(rig.carry_down(), 0);

    rig.pass(Duration::from_millis(1));
    assert_eq!(&*rig.exchanges[0].payload, b"second");
    reply(&mut rig, b"answer to the second");
    rig.carry_down();
    let second = Outcome::Answered(ASKER + 1, b"answer to the second".to_vec());
    assert_eq!(rig.outcomes, [second]);
}

#[test]
fn an_answer_from_another_port_is_not_taken() {
    let mut rig = Rig::udp(1, 10);
    ask(&mut rig, ASKER, b"?");
    rig.service_replies(0, SERVICE + 1, b"from elsewhere");
    rig.service_replies(7, SERVICE, b"by a socket that does not exist");
    assert_eq!(rig.carry_down(), 0);
    assert_eq!(rig.satellite().errors.len(), 2);
    reply(&mut rig, b"right");
    rig.carry_down();
    assert_eq!(rig.outcomes, [Outcome::Answered(ASKER, b"right".to_vec())]);
}

#[test]
fn a_second_answer_is_dropped() {
    let mut rig = Rig::udp(1, 10);
    ask(&mut rig, ASKER, b"?");
    let socket = reply(&mut rig, b"one");
    rig.service_replies(socket, SERVICE, b"two");
    rig.carry_down();
    assert_eq!(rig.outcomes, [Outcome::Answered(ASKER, b"one".to_vec())]);
    assert_eq!(rig.satellite().messages_in.delivered, 1);
    rig.assert_idle();
}

#[test]
fn requests_wait_for_a_socket_and_beyond_the_queue_are_refused_with_an_answer() {
    let mut rig = Rig::udp(2, 2);
    for asker in 0..5 {
        ask(&mut rig, ASKER + asker, &[asker as u8]);
    }
    assert_eq!(rig.exchanges.len(), 2);
    assert_eq!(rig.satellite().messages_in.queued, 2);
    let busy = (DropReason::HandlersBusy, 1);
    assert_eq!(dropped(&rig.satellite().messages_in), [busy]);
    rig.carry_down();
    match rig.outcomes.as_slice() {
        [Outcome::Answered(id, answer)] => {
            assert_eq!(*id, ASKER + 4);
            assert!(link_error(answer).unwrap().contains("busy"));
        }
        other => panic!("{other:?}"),
    }
    for asker in 0..4_u8 {
        assert_eq!(&*rig.exchanges[0].payload, [asker]);
        reply(&mut rig, b"done");
    }
    rig.carry_down();
    assert_eq!(rig.outcomes.len(), 5);
    rig.assert_idle();
}

#[test]
fn without_any_socket_requests_are_refused_with_an_answer() {
    let mut rig = Rig::udp(0, 10);
    ask(&mut rig, ASKER, b"?");
    rig.carry_down();
    match rig.outcomes.as_slice() {
        [Outcome::Answered(_, answer)] => assert!(link_error(answer).is_some()),
        other => panic!("{other:?}"),
    }
    rig.assert_idle();
}

#[test]
fn the_socket_that_was_unused_longest_is_taken_first() {
    let mut rig = Rig::udp(3, 10);
    let mut sockets = Vec::new();
    for asker in 0..7 {
        ask(&mut rig, ASKER + asker, b"?");
        sockets.push(reply(&mut rig, b"!"));
    }
    assert_eq!(sockets, [0, 1, 2, 0, 1, 2, 0]);
}

#[test]
fn a_request_that_waits_is_not_overtaken() {
    let mut rig = Rig::udp(1, 10);
    ask(&mut rig, ASKER, b"unanswered");
    rig.exchanges.clear();
    rig.pass(TIMEOUT);
    ask(&mut rig, ASKER + 1, b"waits");
    // The socket has rested, but nobody woke the engine yet.
    rig.now += TIMEOUT;
    ask(&mut rig, ASKER + 2, b"comes later");
    rig.pass(Duration::ZERO);
    assert_eq!(&*rig.exchanges[0].payload, b"waits");
    reply(&mut rig, b"!");
    assert_eq!(&*rig.exchanges[0].payload, b"comes later");
}

#[test]
fn a_resting_socket_holds_up_nobody_while_another_is_free() {
    let mut rig = Rig::udp(2, 10);
    ask(&mut rig, ASKER, b"unanswered");
    rig.exchanges.clear();
    rig.pass(TIMEOUT);
    for asker in 1..4 {
        ask(&mut rig, ASKER + asker, b"?");
        assert_eq!(reply(&mut rig, b"!"), 1);
    }
    assert_eq!(rig.satellite().messages_in.delivered, 3);
}

#[test]
fn a_request_that_cannot_be_sent_is_counted_and_frees_its_socket() {
    let mut rig = Rig::udp(1, 10);
    ask(&mut rig, ASKER, b"first");
    ask(&mut rig, ASKER + 1, b"second");
    let request = rig.exchanges.pop_front().unwrap();
    let refused = failure(DropReason::ServiceUnreachable, "port 8030: refused");
    rig.on(End::Satellite, |link, now| {
        link.handle_exchange_failed(now, request.socket, refused.clone());
    });
    let unreachable = (DropReason::ServiceUnreachable, 1);
    assert_eq!(dropped(&rig.satellite().messages_in), [unreachable]);
    assert_eq!(&*rig.exchanges[0].payload, b"second");
    reply(&mut rig, b"!");
    // Told once more of a socket without a request: nothing.
    rig.on(End::Satellite, |link, now| {
        link.handle_exchange_failed(now, request.socket, refused);
    });
    assert_eq!(rig.satellite().messages_in.dropped.total(), 1);
}

#[test]
fn an_answer_too_large_for_a_datagram_on_the_radio_is_told_to_the_asker() {
    let mut rig = Rig::udp(1, 10);
    ask(&mut rig, ASKER, b"?");
    reply(&mut rig, &octets(65_507));
    rig.carry_down();
    match rig.outcomes.as_slice() {
        [Outcome::Answered(_, answer)] => {
            assert!(link_error(answer).unwrap().contains("65507"));
        }
        other => panic!("{other:?}"),
    }
    rig.assert_idle();
}
