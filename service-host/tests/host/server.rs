//! The server's life and its bounds.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use service_host::http::limits::{
    CONNECTIONS_MAX, EXECUTIONS_MAX, READ_TIMEOUT, STOP_EXECUTIONS_TIMEOUT, STOP_REQUESTS_TIMEOUT,
    WRITE_STALL_TIMEOUT,
};
use service_host::http::{Endpoint, HttpServer};

use crate::rig::{Client, PATIENCE, get, post, post_octets, start, start_slow};

const NAME: &str = r#"{"query":"{ name }"}"#;
const SLOW: &str = r#"{"query":"{ slow }"}"#;

/// What a stop may take, with some slack for a loaded machine.
const STOP_BOUND: Duration =
    Duration::from_secs(STOP_REQUESTS_TIMEOUT.as_secs() + STOP_EXECUTIONS_TIMEOUT.as_secs() + 2);

#[test]
fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let endpoint = Endpoint {
        graphql: std::sync::Arc::new(|_| unreachable!()),
        metrics: std::sync::Arc::new(String::new),
    };
    let error = HttpServer::start(address, endpoint).unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn a_connection_carries_one_request_after_the_other() {
    let server = start();
    let mut client = Client::connect(&server);
    for _ in 0..3 {
        let answer = client.ask(post_octets("/", "", NAME));
        assert_eq!(answer.status, 200);
    }
    let answer = client.ask(post_octets("/", "", "nonsense"));
    assert_eq!(answer.status, 400);
    let answer = client.ask(post_octets("/", "", NAME));
    assert_eq!(answer.status, 200);
}

#[test]
fn slow_resolvers_hold_up_neither_each_other_nor_the_metrics() {
    let (server, slow) = start_slow();
    let mut waiting: Vec<Client> = (0..EXECUTIONS_MAX)
        .map(|_| Client::connect(&server))
        .collect();
    for client in &mut waiting {
        client.send(post_octets("/", "", SLOW));
        slow.entered.recv_timeout(PATIENCE).unwrap();
    }
    // All places are taken: the page of metrics and GraphiQL still come, and
    // one more query waits for its turn.
    assert_eq!(get(&server, "/metrics", "").status, 200);
    assert_eq!(get(&server, "/graphiql", "").status, 200);
    let mut late = Client::connect(&server);
    late.send(post_octets("/", "", NAME));

    for _ in 0..EXECUTIONS_MAX {
        slow.leave.send(()).unwrap();
    }
    for client in &mut waiting {
        assert_eq!(client.receive().text(), r#"{"data":{"slow":true}}"#);
    }
    assert_eq!(late.receive().status, 200);
}

#[test]
fn a_connection_too_many_waits_until_another_one_ends() {
    let server = start();
    let mut open: Vec<Client> = (0..CONNECTIONS_MAX)
        .map(|_| Client::connect(&server))
        .collect();
    for client in &mut open {
        assert_eq!(client.ask(post_octets("/", "", NAME)).status, 200);
    }
    let mut late = Client::connect(&server);
    late.send(post_octets("/", "", NAME));
    late.0
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let early = late.0.peek(&mut [0]).unwrap_err();
    assert!(matches!(
        early.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));

    open.pop();
    late.0.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(late.receive().status, 200);
}

/// Sends one octet ten times a second until the server closes the connection
/// or answers; returns the answer so far.
fn trickle(client: &mut Client) -> String {
    client
        .0
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let mut received = Vec::new();
    loop {
        let mut octets = [0; 1024];
        match client.0.read(&mut octets) {
            Ok(0) => break,
            Ok(length) => received.extend_from_slice(&octets[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if client.0.write_all(b"a").is_err() {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    String::from_utf8(received).unwrap()
}

#[test]
fn a_client_that_trickles_or_never_reads_loses_its_place() {
    let server = start();
    let begin = Instant::now();
    let connect_and = |octets: String| {
        let mut client = Client::connect(&server);
        client.send(octets);
        client
    };
    let mut head = connect_and("POST / HTTP/1.1\r\nX: ".to_owned());
    let mut body =
        connect_and("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 999\r\n\r\n".to_owned());
    let mut silent = connect_and(String::new());
    let blob = post_octets("/", "", r#"{"query":"{ blob(bytes: 60000000) }"}"#);
    let mut deaf = connect_and(blob);

    thread::scope(|scope| {
        scope.spawn(|| trickle(&mut head));
        let body = scope.spawn(|| trickle(&mut body));
        scope.spawn(|| assert_eq!(silent.0.read(&mut [0]).unwrap_or(0), 0));
        assert!(body.join().unwrap().starts_with("HTTP/1.1 408 "));
    });
    let taken = begin.elapsed();
    assert!(
        taken >= READ_TIMEOUT && taken < READ_TIMEOUT * 2,
        "{taken:?}"
    );

    // The deaf client has read nothing for as long; what it finds now in its
    // buffers is less than the answer.
    thread::sleep((WRITE_STALL_TIMEOUT + Duration::from_secs(2)).saturating_sub(begin.elapsed()));
    let mut rest = Vec::new();
    let _ = deaf.0.read_to_end(&mut rest);
    assert!(rest.len() < 60_000_000, "{}", rest.len());
}

#[test]
fn a_stop_with_idle_and_half_done_clients_is_quick_and_closes_them() {
    let server = start();
    let mut idle = Client::connect(&server);
    assert_eq!(idle.ask(post_octets("/", "", NAME)).status, 200);
    let mut half_done = Client::connect(&server);
    half_done.send("POST / HTTP/1.1\r\nHost: te");
    let address = server.local_addr();

    let begin = Instant::now();
    server.stop();
    assert!(begin.elapsed() < STOP_BOUND, "{:?}", begin.elapsed());
    assert_eq!(idle.0.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(half_done.0.read(&mut [0]).unwrap_or(0), 0);
    TcpListener::bind(address).unwrap();
}

#[test]
fn a_stop_lets_a_request_under_way_finish() {
    let (server, slow) = start_slow();
    let mut client = Client::connect(&server);
    client.send(post_octets("/", "", SLOW));
    slow.entered.recv_timeout(PATIENCE).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| server.stop());
        slow.leave.send(()).unwrap();
        assert_eq!(client.receive().text(), r#"{"data":{"slow":true}}"#);
    });
}

#[test]
fn a_stop_does_not_wait_for_a_resolver_that_hangs() {
    let (server, slow) = start_slow();
    let mut client = Client::connect(&server);
    client.send(post_octets("/", "", SLOW));
    slow.entered.recv_timeout(PATIENCE).unwrap();

    let begin = Instant::now();
    server.stop();
    assert!(begin.elapsed() < STOP_BOUND, "{:?}", begin.elapsed());
    assert_eq!(client.0.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn a_dropped_server_has_stopped() {
    let server = start();
    let address = server.local_addr();
    assert_eq!(post(&server, "/", "", NAME).status, 200);
    drop(server);
    TcpListener::bind(address).unwrap();
}
