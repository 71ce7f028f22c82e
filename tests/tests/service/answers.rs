//! What services answer, and what of it comes down.

use comms_service::LinkOptions;
use comms_service::accounting::DropReason;
use heliograph_tests::http_service::{HttpService, Reply};

use crate::rig::{Flight, Setup, error_document, query};

/// Every octet there is, again and again: no UTF-8.
fn octets(count: usize) -> Vec<u8> {
    (0..count).map(|number| (number * 7 / 3) as u8).collect()
}

/// What comes down of each of these replies.
fn answers(flight: &Flight, replies: Vec<Reply>) -> Vec<Vec<u8>> {
    let count = replies.len();
    let service = HttpService::in_turn(replies);
    (0..count)
        .map(|number| flight.ground.query(service.port(), &query(number)))
        .collect()
}

const SIZES: [usize; 5] = [0, 1, 8_192, 65_536, 300 * 1024];

/// Compares without printing 300 KiB.
#[track_caller]
fn assert_all_unchanged(answers: Vec<Vec<u8>>) {
    assert_eq!(answers.len(), SIZES.len());
    for (answer, size) in answers.into_iter().zip(SIZES) {
        assert_eq!(answer.len(), size);
        assert!(answer == octets(size), "{size} octets were altered");
    }
}

// KubOS C3-18, C3-24.
#[test]
fn answers_of_all_sizes_come_down_unchanged() {
    let flight = Flight::start();
    let replies = SIZES.map(|size| Reply::ok(octets(size)));
    assert_all_unchanged(answers(&flight, replies.into()));
}

// KubOS C3-17: it lost every body without Content-Length.
#[test]
fn chunked_answers_come_down_unchanged() {
    let flight = Flight::start();
    let replies = SIZES.map(|size| Reply::ok(octets(size)).chunked(1000));
    assert_all_unchanged(answers(&flight, replies.into()));
}

#[test]
fn answers_that_end_with_their_connection_come_down_unchanged() {
    let flight = Flight::start();
    let replies = SIZES.map(|size| Reply::ok(octets(size)).close_delimited());
    assert_all_unchanged(answers(&flight, replies.into()));
}

#[test]
fn interim_responses_before_an_answer_are_passed_over() {
    let flight = Flight::start();
    let early = Reply::raw(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong",
    );
    assert_eq!(answers(&flight, vec![early]), [b"pong"]);
}

#[test]
fn a_good_answer_that_is_no_json_comes_down_unchanged() {
    let flight = Flight::start();
    let bodies = [
        &b"plain text"[..],
        b"<html></html>",
        b"{\"data\":",
        b"\xe9\xe9",
    ];
    let replies = bodies.map(Reply::ok);
    assert_eq!(answers(&flight, replies.into()), bodies);
}

#[test]
fn a_graphql_answer_of_any_status_comes_down_unchanged() {
    let flight = Flight::start();
    let body = br#"{"errors":[{"message":"Unknown field \"pong\""}]}"#;
    let partial = br#"{"data":null,"errors":[{"message":"bus"}]}"#;
    let replies = vec![Reply::status(400, body), Reply::status(500, partial)];
    assert_eq!(answers(&flight, replies), [body.to_vec(), partial.to_vec()]);
}

// KubOS C3-19: it passed failures on as if they were answers.
#[test]
fn a_failure_without_graphql_becomes_an_error_document_that_names_the_status() {
    let flight = Flight::start();
    let statuses = [201, 204, 302, 400, 404, 500, 503];
    let replies = statuses.map(|status| match status {
        204 => Reply::status(status, ""),
        _ => Reply::status(status, r#"{"oops":1}"#),
    });
    for (answer, status) in answers(&flight, replies.into()).iter().zip(statuses) {
        let (code, message) = error_document(answer);
        assert_eq!(code, "heliograph/service-error");
        assert!(message.contains(&status.to_string()), "{message}");
    }
}

#[test]
fn the_error_document_repeats_what_the_service_said() {
    let flight = Flight::start();
    let answer = answers(&flight, vec![Reply::status(500, "the bus is \"stuck\"")]);
    let (_, message) = error_document(&answer[0]);
    assert!(message.contains("the bus is \"stuck\""), "{message}");
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = HttpService::always(Reply::ok("elsewhere"));
    let moved = Reply::status(302, "").header("Location", &elsewhere.url("/"));
    let flight = Flight::start();
    error_document(&answers(&flight, vec![moved])[0]);
    assert_eq!(elsewhere.connections_opened(), 0);
}

fn with_messages_of(bytes: usize) -> Flight {
    Setup {
        options: LinkOptions {
            message_bytes_max: Some(bytes),
            ..LinkOptions::default()
        },
        ..Setup::default()
    }
    .flight()
}

#[test]
fn an_answer_as_large_as_a_message_may_be_comes_down() {
    let flight = with_messages_of(10_000);
    let replies = vec![
        Reply::ok(octets(10_000)),
        Reply::ok(octets(10_000)).chunked(999),
    ];
    assert!(answers(&flight, replies) == [octets(10_000), octets(10_000)]);
}

#[test]
fn an_answer_larger_than_a_message_becomes_an_error_document() {
    let flight = with_messages_of(10_000);
    let replies = vec![
        Reply::ok(octets(10_001)),
        Reply::ok(octets(10_001)).chunked(999),
        Reply::ok(octets(10_001)).close_delimited(),
    ];
    for answer in answers(&flight, replies) {
        let (code, message) = error_document(&answer);
        assert_eq!(code, "heliograph/too-large");
        assert!(message.contains("10000"), "{message}");
    }
}

#[test]
fn an_answer_for_which_there_is_no_memory_becomes_an_error_document() {
    let flight = Setup {
        options: LinkOptions {
            memory_bytes_max: Some(100_000),
            ..LinkOptions::default()
        },
        ..Setup::default()
    }
    .flight();
    let replies = vec![Reply::ok(octets(300_000)), Reply::ok("small")];
    let answers = answers(&flight, replies);
    assert_eq!(error_document(&answers[0]).0, "heliograph/memory-spent");
    assert_eq!(answers[1], b"small");
    let counted = flight.satellite.wait_until_drained().messages_in;
    assert_eq!(counted.dropped.of(DropReason::MemorySpent), 1);
}
