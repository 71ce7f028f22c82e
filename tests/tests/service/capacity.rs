//! Many queries at once.

use std::collections::BTreeMap;

use comms_service::LinkOptions;
use comms_service::accounting::DropReason;
use heliograph_tests::http_service::{Gate, HttpService, Moment, Reply};

use crate::PATIENCE;
use crate::rig::{Flight, Setup, error_document, query};

/// A service whose answer is the question.
fn echo() -> HttpService {
    HttpService::start(|request| Reply::ok(request.body.clone()))
}

/// As many handlers as queries, and nothing may wait for one.
fn without_a_queue(handlers: u16) -> Setup {
    Setup {
        handlers,
        options: LinkOptions {
            handler_queue_messages_max: Some(0),
            ..LinkOptions::default()
        },
        ..Setup::default()
    }
}

/// Keeps exactly 50 queries outstanding until `total` are answered, in turn to
/// each of `services`, and checks that each got its own answer.
fn keep_fifty_outstanding(flight: &Flight, services: &[HttpService], total: usize) {
    let mut asked = BTreeMap::new();
    let mut next = 0;
    for _ in 0..total {
        while asked.len() < 50 && next < total {
            let service = &services[next % services.len()];
            asked.insert(flight.ground.ask(service.port(), &query(next)), next);
            next += 1;
        }
        let (id, answer) = flight.ground.next_answer();
        let number = asked.remove(&id).expect("an answer to what was asked");
        assert_eq!(
            String::from_utf8_lossy(&answer),
            String::from_utf8_lossy(&query(number))
        );
    }
}

// KubOS C3-31: it refused one of a hundred at exactly 50 outstanding.
#[test]
fn fifty_outstanding_queries_to_one_service_are_all_answered() {
    let services = [echo()];
    let flight = without_a_queue(50).flight();
    keep_fifty_outstanding(&flight, &services, 1000);
}

#[test]
fn fifty_outstanding_queries_to_ten_services_are_all_answered() {
    let services: Vec<_> = (0..10).map(|_| echo()).collect();
    let flight = without_a_queue(50).flight();
    keep_fifty_outstanding(&flight, &services, 1000);
}

#[test]
fn fifty_queries_are_with_their_service_at_the_same_time() {
    let gate = Gate::new();
    let shut = gate.clone();
    let service = HttpService::start(move |request| {
        Reply::ok(request.body.clone()).starts(Moment::Told(shut.clone()))
    });
    let flight = without_a_queue(50).flight();
    let asked: Vec<_> = (0..50)
        .map(|number| flight.ground.ask(service.port(), &query(number)))
        .collect();
    service.wait_for_requests(50, PATIENCE);
    gate.open();
    for (number, id) in asked.into_iter().enumerate() {
        assert_eq!(flight.ground.answer_to(id), query(number));
    }
}

#[test]
fn queries_beyond_the_handlers_wait_for_one() {
    let service = echo();
    let flight = Setup {
        handlers: 2,
        ..Setup::default()
    }
    .flight();
    let asked: Vec<_> = (0..50)
        .map(|number| flight.ground.ask(service.port(), &query(number)))
        .collect();
    for (number, id) in asked.into_iter().enumerate() {
        assert_eq!(flight.ground.answer_to(id), query(number));
    }
    assert!(service.connections_opened() <= 2);
}

/// Twelve queries for four handlers and room for three that wait, before a
/// service that answers when the gate opens.
fn overloaded() -> (HttpService, Gate, Flight, Vec<u64>) {
    let gate = Gate::new();
    let service = HttpService::always(Reply::ok("served").starts(Moment::Told(gate.clone())));
    let flight = Setup {
        handlers: 4,
        options: LinkOptions {
            handler_queue_messages_max: Some(3),
            ..LinkOptions::default()
        },
        ..Setup::default()
    }
    .flight();
    let asked = (0..12)
        .map(|number| flight.ground.ask(service.port(), &query(number)))
        .collect();
    (service, gate, flight, asked)
}

// KubOS C3-20: what it refused, the ground never heard of.
#[test]
fn a_query_that_finds_no_handler_is_refused_with_an_error_document() {
    let (_service, gate, flight, asked) = overloaded();
    for id in &asked[7..] {
        let (code, message) = error_document(&flight.ground.answer_to(*id));
        assert_eq!(code, "heliograph/handlers-busy");
        assert!(message.contains("all 4 handlers"), "{message}");
    }
    gate.open();
}

#[test]
fn the_queries_that_were_not_refused_are_served() {
    let (service, gate, flight, asked) = overloaded();
    flight.ground.answer_to(asked[11]);
    gate.open();
    for id in &asked[..7] {
        assert_eq!(flight.ground.answer_to(*id), b"served");
    }
    assert_eq!(service.requests().len(), 7);
}

#[test]
fn every_query_gets_exactly_one_answer() {
    let (_service, gate, flight, mut asked) = overloaded();
    flight.ground.answer_to(asked.pop().expect("the last one"));
    gate.open();
    for id in &asked {
        flight.ground.answer_to(*id);
    }
    let sent = flight.satellite.wait_until_drained().messages_out.delivered;
    assert_eq!(sent, 12);
}

#[test]
fn refused_queries_are_counted() {
    let (_service, gate, flight, asked) = overloaded();
    flight.ground.answer_to(asked[11]);
    gate.open();
    let counted = flight.satellite.wait_until_drained().messages_in;
    assert_eq!(counted.offered, 12);
    assert_eq!(counted.delivered, 7);
    assert_eq!(counted.dropped.of(DropReason::HandlersBusy), 5);
}

#[test]
fn a_service_without_handlers_refuses_every_query() {
    let service = echo();
    let flight = Setup {
        handlers: 0,
        ..Setup::default()
    }
    .flight();
    let answer = flight.ground.query(service.port(), &query(0));
    assert_eq!(error_document(&answer).0, "heliograph/handlers-busy");
}
