//! The HTTP service in each of its moods, before an ordinary HTTP client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use heliograph_tests::http_service::{Gate, HttpService, Moment, Reply};
use ureq::Agent;

use crate::PATIENCE;

const QUERY: &[u8] = br#"{"query":"{ping}"}"#;

/// Long enough to see that nothing comes; how long does not matter.
const A_WHILE: Duration = Duration::from_millis(50);

fn client(timeout: Duration) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(timeout))
        .build()
        .new_agent()
}

/// Status and body of the answer to [`QUERY`].
fn post(client: &Agent, service: &HttpService) -> Result<(u16, Vec<u8>), ureq::Error> {
    let mut answer = client.post(service.url("/graphql")).send(QUERY)?;
    let body = answer.body_mut().read_to_vec()?;
    Ok((answer.status().as_u16(), body))
}

/// All that comes before the service closes the connection, as it is.
fn exchange_octets(service: &HttpService, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(service.address()).expect("the service listens");
    stream.write_all(request).expect("the service reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the service closes");
    answer
}

#[test]
fn a_request_is_recorded_whole() {
    let service = HttpService::always(Reply::ok("pong"));
    let client = client(PATIENCE);
    let answer = client
        .post(service.url("/graphql"))
        .header("Content-Type", "application/json")
        .send(QUERY);
    assert_eq!(answer.expect("an answer").status(), 200);
    let requests = service.wait_for_requests(1, PATIENCE);
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].method, "POST");
    assert_eq!(requests[0].path, "/graphql");
    assert_eq!(requests[0].header("content-TYPE"), Some("application/json"));
    assert_eq!(requests[0].body, QUERY);
}

#[test]
fn every_framing_carries_every_octet() {
    let body: Vec<u8> = (0..=255).collect();
    let replies = [
        Reply::ok(body.clone()),
        Reply::ok(body.clone()).chunked(7),
        Reply::ok(body.clone()).close_delimited(),
        Reply::ok(body.clone()).drip(Duration::ZERO),
        Reply::ok(body.clone()).chunked(100).drip(Duration::ZERO),
    ];
    let count = replies.len();
    let service = HttpService::in_turn(replies);
    let client = client(PATIENCE);
    for number in 0..count {
        let answer = post(&client, &service).expect("an answer");
        assert_eq!(answer, (200, body.clone()), "reply {number}");
    }
}

#[test]
fn status_and_empty_body_come_as_scripted() {
    let service = HttpService::in_turn([
        Reply::status(503, "overloaded"),
        Reply::ok(""),
        Reply::status(204, ""),
    ]);
    let client = client(PATIENCE);
    let answers = [(); 3].map(|()| post(&client, &service).expect("an answer"));
    assert_eq!(
        answers,
        [(503, b"overloaded".to_vec()), (200, vec![]), (204, vec![])]
    );
    assert_eq!(service.connections_opened(), 1, "kept alive");
}

#[test]
fn an_answer_cut_short_declares_more_than_it_sends() {
    let service = HttpService::always(Reply::ok("0123456789").cut_short(4));
    let answer = exchange_octets(&service, b"GET / HTTP/1.1\r\n\r\n");
    let answer = String::from_utf8(answer).expect("text");
    assert!(answer.contains("Content-Length: 10\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n0123"), "{answer}");
    assert!(post(&client(PATIENCE), &service).is_err());
}

#[test]
fn raw_octets_go_out_as_they_are() {
    let service = HttpService::always(Reply::raw("no HTTP at all").closes(Moment::Now));
    let answer = exchange_octets(&service, b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(answer, b"no HTTP at all");
}

#[test]
fn a_hang_up_leaves_the_client_without_an_answer() {
    let service = HttpService::always(Reply::hang_up());
    assert!(exchange_octets(&service, b"GET / HTTP/1.1\r\n\r\n").is_empty());
    assert_eq!(service.requests().len(), 1);
}

#[test]
fn silence_lasts_until_the_client_hangs_up() {
    let service = HttpService::always(Reply::silence());
    let answer = post(&client(A_WHILE), &service);
    assert!(matches!(answer, Err(ureq::Error::Timeout(_))), "{answer:?}");
    service.wait_for_requests(1, PATIENCE);
    service.wait_for_connections_open(0, PATIENCE);
}

#[test]
fn a_slow_answer_comes_when_the_test_says_so() {
    let gate = Gate::new();
    let service = HttpService::always(Reply::ok("late").starts(Moment::Told(gate.clone())));
    thread::scope(|scope| {
        let answer = scope.spawn(|| post(&client(PATIENCE), &service));
        service.wait_for_requests(1, PATIENCE);
        assert!(!answer.is_finished());
        gate.open();
        let answer = answer.join().expect("the client's thread");
        assert_eq!(answer.expect("an answer"), (200, b"late".to_vec()));
    });
}

#[test]
fn a_slow_answer_takes_its_time() {
    let service = HttpService::always(Reply::ok("late").starts(Moment::After(A_WHILE)));
    let start = Instant::now();
    post(&client(PATIENCE), &service).expect("an answer");
    assert!(start.elapsed() >= A_WHILE);
}

#[test]
fn the_behaviour_sees_the_request() {
    let service = HttpService::start(|request| Reply::ok(request.body.clone()));
    let answer = post(&client(PATIENCE), &service);
    assert_eq!(answer.expect("an answer"), (200, QUERY.to_vec()));
}

#[test]
fn requests_one_after_the_other_share_a_connection_until_it_is_closed() {
    let service = HttpService::in_turn([
        Reply::ok("first"),
        Reply::ok("second").then_close(),
        Reply::ok("third"),
    ]);
    let client = client(PATIENCE);
    for body in ["first", "second", "third"] {
        let answer = post(&client, &service).expect("an answer");
        assert_eq!(answer, (200, body.into()));
    }
    let requests = service.requests();
    let connections: Vec<usize> = requests.iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 0, 1]);
    service.wait_for_connections_open(1, PATIENCE);
}

#[test]
fn an_idle_connection_is_closed_when_the_test_says_so() {
    let gate = Gate::new();
    let service = HttpService::always(Reply::ok("").closes(Moment::Told(gate.clone())));
    let client = client(PATIENCE);
    for _ in 0..2 {
        post(&client, &service).expect("an answer");
    }
    assert_eq!(service.connections_opened(), 1);
    service.wait_for_connections_open(1, PATIENCE);
    gate.open();
    service.wait_for_connections_open(0, PATIENCE);
}

#[test]
fn the_client_hanging_up_is_seen() {
    let service = HttpService::always(Reply::ok(""));
    let client = client(PATIENCE);
    post(&client, &service).expect("an answer");
    service.wait_for_connections_open(1, PATIENCE);
    drop(client);
    service.wait_for_connections_open(0, PATIENCE);
}

#[test]
fn what_is_no_request_is_recorded_as_such() {
    let service = HttpService::always(Reply::ok(""));
    let answer = exchange_octets(&service, b"HELO there\r\n");
    assert!(answer.starts_with(b"HTTP/1.1 400 "));
    assert_eq!(
        service.malformed_requests(),
        ["no request line: \"HELO there\""]
    );
    assert!(service.requests().is_empty());
}

#[test]
fn a_chunked_request_is_put_together() {
    let service = HttpService::always(Reply::ok("").then_close());
    let request = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                    3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    exchange_octets(&service, request);
    assert_eq!(service.requests()[0].body, b"abcde");
}

#[test]
fn a_deaf_service_takes_the_connection_and_nothing_else() {
    let service = HttpService::deaf();
    let answer = post(&client(A_WHILE), &service);
    assert!(matches!(answer, Err(ureq::Error::Timeout(_))), "{answer:?}");
    assert_eq!(service.connections_opened(), 1);
    assert!(service.requests().is_empty());
}

#[test]
fn a_dropped_service_leaves_nothing_behind_under_clients_that_hang() {
    let services = [
        HttpService::always(Reply::ok("")),
        HttpService::always(Reply::silence()),
        HttpService::deaf(),
        // More than a client that does not read lets it send.
        HttpService::always(Reply::ok(vec![0; 64 * 1024 * 1024])),
    ];
    // One that says nothing, one that stops in the middle, and one that asks
    // twice without waiting and never reads.
    let openings = [
        "",
        "POST / HTTP/1.1\r\nConte",
        "GET / HTTP/1.1\r\n\r\nGET / HTTP",
    ];
    for service in services {
        let address = service.address();
        let mut clients = openings.map(|opening| {
            let mut client = TcpStream::connect(address).expect("the service listens");
            client.write_all(opening.as_bytes()).expect("room for it");
            client
        });
        service.wait_for_connections_open(openings.len(), PATIENCE);
        drop(service);
        assert!(TcpStream::connect(address).is_err(), "still listening");
        for client in &mut clients {
            client.set_read_timeout(Some(PATIENCE)).expect("not zero");
            if let Err(error) = std::io::copy(client, &mut std::io::sink()) {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            }
        }
    }
}
