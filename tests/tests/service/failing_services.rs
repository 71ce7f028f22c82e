//! Services that are down, slow or broken: an error document for each query,
//! in time, and no handler is lost over it.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use comms_service::accounting::DropReason;
use heliograph_tests::http_service::{HttpService, Moment, Reply};

use crate::PATIENCE;
use crate::rig::{Flight, Setup, error_document, query};

/// How long a service may take in these tests.
const TIMEOUT: Duration = Duration::from_millis(400);
/// What a busy machine may add to it.
const MARGIN: Duration = Duration::from_millis(1500);
const HANDLERS: u16 = 2;

fn impatient() -> Flight {
    Setup {
        handlers: HANDLERS,
        timeout: TIMEOUT,
        ..Setup::default()
    }
    .flight()
}

/// Asks `port` more often than there are handlers; each time there must be an
/// error document with this code. Then a good service must still be served.
#[track_caller]
fn assert_fails(port: u16, code: &str, reason: DropReason) {
    let flight = impatient();
    let times = 2 * usize::from(HANDLERS) + 1;
    let asked: Vec<_> = (0..times)
        .map(|number| flight.ground.ask(port, &query(number)))
        .collect();
    for id in asked {
        let (found, message) = error_document(&flight.ground.answer_to(id));
        assert_eq!(found, code, "{message}");
        assert!(message.contains(&port.to_string()), "{message}");
    }
    let good = HttpService::always(Reply::ok("fine"));
    assert_eq!(flight.ground.query(good.port(), b"{}"), b"fine");
    let counted = flight.satellite.wait_until_drained().messages_in;
    assert_eq!(counted.dropped.of(reason), times as u64);
}

/// How long the answer to one query takes that `port` never answers well.
#[track_caller]
fn assert_answered_in_time(port: u16, body: &[u8]) {
    let flight = impatient();
    let began = Instant::now();
    let answer = flight.ground.query(port, body);
    let took = began.elapsed();
    assert_eq!(error_document(&answer).0, "heliograph/service-timeout");
    assert!(took < TIMEOUT + MARGIN, "{took:?}");
}

/// Its head comes at once, its body octet by octet for much longer than the
/// time-out.
fn drip() -> Reply {
    Reply::ok(vec![b'.'; 2_000]).drip(Duration::from_millis(1))
}

#[test]
fn a_service_that_is_down_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free TCP port");
    let port = listener.local_addr().expect("it is bound").port();
    drop(listener);
    assert_fails(
        port,
        "heliograph/service-unreachable",
        DropReason::ServiceUnreachable,
    );
}

#[test]
fn a_service_that_hangs_is_reported() {
    let service = HttpService::always(Reply::silence());
    assert_fails(
        service.port(),
        "heliograph/service-timeout",
        DropReason::ServiceTimeout,
    );
}

#[test]
fn a_service_that_never_reads_is_reported() {
    let service = HttpService::deaf();
    assert_fails(
        service.port(),
        "heliograph/service-timeout",
        DropReason::ServiceTimeout,
    );
}

#[test]
fn a_service_slower_than_the_timeout_is_reported() {
    let late = Reply::ok("late").starts(Moment::After(3 * TIMEOUT));
    let service = HttpService::always(late);
    assert_fails(
        service.port(),
        "heliograph/service-timeout",
        DropReason::ServiceTimeout,
    );
}

#[test]
fn a_service_that_drips_its_answer_is_reported() {
    let service = HttpService::always(drip());
    assert_fails(
        service.port(),
        "heliograph/service-timeout",
        DropReason::ServiceTimeout,
    );
}

// KubOS C1-1, C1-2: each such answer cost it a handler, or its life.
#[test]
fn an_answer_shorter_than_its_content_length_is_reported() {
    let service = HttpService::always(Reply::ok(vec![b'.'; 1000]).cut_short(10));
    assert_fails(
        service.port(),
        "heliograph/service-error",
        DropReason::ServiceError,
    );
}

#[test]
fn a_chunked_answer_that_is_cut_is_reported() {
    let cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo";
    let service = HttpService::always(Reply::raw(cut).closes(Moment::Now));
    assert_fails(
        service.port(),
        "heliograph/service-error",
        DropReason::ServiceError,
    );
}

#[test]
fn a_chunked_answer_without_its_end_is_reported() {
    let cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let service = HttpService::always(Reply::raw(cut).closes(Moment::Now));
    assert_fails(
        service.port(),
        "heliograph/service-error",
        DropReason::ServiceError,
    );
}

#[test]
fn an_answer_whose_head_never_ends_is_reported() {
    let head = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(100_000));
    let service = HttpService::always(Reply::raw(head));
    assert_fails(
        service.port(),
        "heliograph/service-error",
        DropReason::ServiceError,
    );
}

#[test]
fn an_answer_of_two_lengths_is_reported() {
    let two = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!";
    let service = HttpService::always(Reply::raw(two));
    assert_fails(
        service.port(),
        "heliograph/service-error",
        DropReason::ServiceError,
    );
}

#[test]
fn a_service_that_only_ever_says_to_go_on_is_reported() {
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100);
    let service = HttpService::always(Reply::raw(interim).drip(Duration::from_millis(1)));
    assert_fails(
        service.port(),
        "heliograph/service-timeout",
        DropReason::ServiceTimeout,
    );
}

#[test]
fn a_service_that_hangs_up_is_reported() {
    let service = HttpService::always(Reply::hang_up());
    assert_fails(
        service.port(),
        "heliograph/service-error",
        DropReason::ServiceError,
    );
}

#[test]
fn a_service_that_does_not_speak_http_is_reported() {
    let service = HttpService::always(Reply::raw("SSH-2.0-OpenSSH\r\n").closes(Moment::Now));
    assert_fails(
        service.port(),
        "heliograph/service-error",
        DropReason::ServiceError,
    );
}

// KubOS C3-32: its time-out was no bound.
#[test]
fn the_timeout_bounds_a_service_that_hangs() {
    let service = HttpService::always(Reply::silence());
    assert_answered_in_time(service.port(), b"{}");
}

#[test]
fn the_timeout_bounds_a_service_that_drips_its_answer() {
    let service = HttpService::always(drip());
    assert_answered_in_time(service.port(), b"{}");
}

#[test]
fn the_timeout_bounds_a_query_that_nobody_reads() {
    let service = HttpService::deaf();
    // More than the system takes off our hands at once.
    assert_answered_in_time(service.port(), &[b' '; 1_000_000]);
}

#[test]
fn a_service_that_hangs_does_not_delay_another() {
    let hanging = HttpService::always(Reply::silence());
    let good = HttpService::always(Reply::ok("fine"));
    let flight = Setup {
        handlers: HANDLERS,
        timeout: 2 * MARGIN,
        ..Setup::default()
    }
    .flight();
    let hung = flight.ground.ask(hanging.port(), b"{}");
    hanging.wait_for_requests(1, PATIENCE);
    let (first, answer) = {
        flight.ground.ask(good.port(), b"{}");
        flight.ground.next_answer()
    };
    assert_ne!(first, hung);
    assert_eq!(answer, b"fine");
}
