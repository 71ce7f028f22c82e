//! Connections to services: kept alive, but not for ever, and no query is
//! posted twice over one that broke.

use std::thread;
use std::time::{Duration, Instant};

use heliograph_tests::http_service::{Gate, HttpService, Moment, Reply};
use heliograph_tests::wait::eventually;

use crate::PATIENCE;
use crate::rig::{Flight, Setup, error_document, query};

#[test]
fn queries_one_after_the_other_share_a_connection() {
    let service = HttpService::always(Reply::ok("pong"));
    let flight = Flight::start();
    for number in 0..20 {
        flight.ground.query(service.port(), &query(number));
    }
    assert_eq!(service.connections_opened(), 1);
}

#[test]
fn an_error_answer_does_not_cost_the_connection() {
    let service = HttpService::always(Reply::status(500, "oops"));
    let flight = Flight::start();
    for number in 0..5 {
        flight.ground.query(service.port(), &query(number));
    }
    assert_eq!(service.connections_opened(), 1);
}

#[test]
fn at_most_four_connections_to_a_service_stay_idle() {
    let gate = Gate::new();
    let service = HttpService::always(Reply::ok("pong").starts(Moment::Told(gate.clone())));
    let flight = Flight::start();
    for number in 0..20 {
        flight.ground.ask(service.port(), &query(number));
    }
    service.wait_for_requests(20, PATIENCE);
    assert_eq!(service.connections_open(), 20);
    gate.open();
    for _ in 0..20 {
        flight.ground.next_answer();
    }
    service.wait_for_connections_open(4, PATIENCE);
}

#[test]
fn idle_connections_are_closed_after_five_seconds() {
    let service = HttpService::always(Reply::ok("pong"));
    let flight = Flight::start();
    flight.ground.query(service.port(), b"{}");
    let began = Instant::now();
    service.wait_for_connections_open(0, Duration::from_secs(10));
    let took = began.elapsed();
    assert!(took > Duration::from_secs(4), "{took:?}");
}

// Many servers close at 5 s: a query posted at that very moment would be lost.
#[test]
fn connections_idle_for_more_than_four_seconds_are_not_used_again() {
    let service = HttpService::always(Reply::ok("pong"));
    let flight = Flight::start();
    flight.ground.query(service.port(), &query(1));
    thread::sleep(Duration::from_millis(4300));
    flight.ground.query(service.port(), &query(2));
    assert_eq!(service.connections_opened(), 2);
}

#[test]
fn idle_connections_are_closed_while_another_service_is_busy() {
    let idle = HttpService::always(Reply::ok("pong"));
    let busy = HttpService::always(Reply::ok("pong"));
    let flight = Flight::start();
    flight.ground.query(idle.port(), b"{}");
    eventually(Duration::from_secs(10), || {
        flight.ground.query(busy.port(), b"{}");
        (idle.connections_open() == 0).then_some(())
    });
}

#[test]
fn a_query_whose_connection_breaks_is_not_posted_again() {
    let service = HttpService::always(Reply::hang_up());
    let flight = Flight::start();
    error_document(&flight.ground.query(service.port(), b"{}"));
    assert_eq!(service.requests().len(), 1);
}

#[test]
fn a_query_whose_kept_connection_breaks_is_not_posted_again() {
    let service = HttpService::in_turn([Reply::ok("1"), Reply::hang_up(), Reply::ok("3")]);
    let flight = Flight::start();
    assert_eq!(flight.ground.query(service.port(), &query(1)), b"1");
    let answer = flight.ground.query(service.port(), &query(2));
    assert_eq!(error_document(&answer).0, "heliograph/service-error");
    assert_eq!(flight.ground.query(service.port(), &query(3)), b"3");
    let requests = service.requests();
    let bodies: Vec<_> = requests.iter().map(|request| &request.body[..]).collect();
    assert_eq!(bodies, [query(1), query(2), query(3)]);
    assert_eq!(requests[0].connection, requests[1].connection);
}

#[test]
fn a_service_that_closes_idle_connections_fails_no_query() {
    let service = HttpService::always(Reply::ok("pong").closes(Moment::Now));
    let flight = Flight::start();
    for number in 0..5 {
        let answer = flight.ground.query(service.port(), &query(number));
        assert_eq!(answer, b"pong");
        service.wait_for_connections_open(0, PATIENCE);
    }
    assert_eq!(service.requests().len(), 5);
}

#[test]
fn a_service_that_went_away_is_not_looked_for_on_its_old_connection() {
    let service = HttpService::always(Reply::ok("pong"));
    let flight = Flight::start();
    let port = service.port();
    flight.ground.query(port, b"{}");
    drop(service);
    let answer = flight.ground.query(port, b"{}");
    assert_eq!(error_document(&answer).0, "heliograph/service-unreachable");
}

#[test]
fn what_a_service_sends_after_its_answer_is_no_part_of_the_next() {
    let with_surplus = Reply::raw(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst\
         HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
    );
    let service = HttpService::in_turn([with_surplus, Reply::ok("second")]);
    let flight = Flight::start();
    assert_eq!(flight.ground.query(service.port(), &query(1)), b"first");
    assert_eq!(flight.ground.query(service.port(), &query(2)), b"second");
}

#[test]
fn what_a_service_sends_late_is_no_part_of_the_next_answer() {
    let timeout = Duration::from_millis(300);
    let late = Reply::ok("late").starts(Moment::After(2 * timeout));
    let service = HttpService::in_turn([late, Reply::ok("in time")]);
    let flight = Setup {
        timeout,
        ..Setup::default()
    }
    .flight();
    error_document(&flight.ground.query(service.port(), &query(1)));
    // The connection on which the late answer would come is given up.
    eventually(PATIENCE, || (service.connections_open() == 0).then_some(()));
    assert_eq!(flight.ground.query(service.port(), &query(2)), b"in time");
}
