//! The server's life and its bounds.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use service_host::http::limits::{
    CONNECTIONS_MAX, EXECUTIONS_MAX, STOP_EXECUTIONS_TIMEOUT, STOP_REQUESTS_TIMEOUT,
};
use service_host::http::{Endpoint, HttpServer, Limits};

use crate::rig::{Client, PATIENCE, Slow, get, post, post_octets, start, start_with};

const NAME: &str = r#"{"query":"{ name }"}"#;
const SLOW: &str = r#"{"query":"{ slow }"}"#;

/// What a stop with [`start_impatient`] may take, with slack for a loaded machine.
const STOP_BOUND: Duration = Duration::from_secs(2);

/// A server that waits for nobody for long when it stops.
fn start_impatient() -> (HttpServer, Slow) {
    start_with(Limits {
        stop_requests_timeout: Duration::from_millis(100),
        stop_executions_timeout: Duration::from_millis(100),
        ..Limits::default()
    })
}

#[test]
fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let endpoint = Endpoint {
        graphql: std::sync::Arc::new(|_| unreachable!()),
        metrics: std::sync::Arc::new(String::new),
        routes: Default::default(),
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
    let (server, slow) = start_with(Limits::default());
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

/// One place for connections, and short times for who holds it.
const ONE_PLACE: Limits = Limits {
    connections_max: 1,
    read_timeout: Duration::from_secs(1),
    write_stall_timeout: Duration::from_millis(300),
    execution_timeout: PATIENCE,
    stop_requests_timeout: STOP_REQUESTS_TIMEOUT,
    stop_executions_timeout: STOP_EXECUTIONS_TIMEOUT,
};

/// Waits until the only place is free again: another client is answered.
fn the_place_is_free(server: &HttpServer) {
    assert_eq!(post(server, "/", "", NAME).status, 200);
}

/// Sends one octet after the other until the server closes the connection;
/// returns what it answered.
fn trickle(client: &mut Client) -> String {
    let pause = Duration::from_millis(20);
    client.0.set_read_timeout(Some(pause)).unwrap();
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
fn a_client_that_trickles_its_head_loses_its_place() {
    let (server, _slow) = start_with(ONE_PLACE);
    let mut client = Client::connect(&server);
    let begin = Instant::now();
    client.send("POST / HTTP/1.1\r\nX: ");
    trickle(&mut client);
    assert!(begin.elapsed() >= ONE_PLACE.read_timeout);
    the_place_is_free(&server);
}

#[test]
fn a_client_that_trickles_its_body_is_told_and_loses_its_place() {
    let (server, _slow) = start_with(ONE_PLACE);
    let mut client = Client::connect(&server);
    let begin = Instant::now();
    client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 999999\r\n\r\n");
    let answer = trickle(&mut client);
    assert!(begin.elapsed() >= ONE_PLACE.read_timeout);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("within 1 s"), "{answer}");
    the_place_is_free(&server);
}

#[test]
fn a_client_that_asks_nothing_loses_its_place_also_after_an_answer() {
    let (server, _slow) = start_with(ONE_PLACE);
    let mut silent = Client::connect(&server);
    assert_eq!(silent.0.read(&mut [0]).unwrap_or(0), 0);

    let mut kept_alive = Client::connect(&server);
    assert_eq!(kept_alive.ask(post_octets("/", "", NAME)).status, 200);
    assert_eq!(kept_alive.0.read(&mut [0]).unwrap_or(0), 0);
    the_place_is_free(&server);
}

#[test]
fn a_client_that_never_reads_its_answer_loses_its_place() {
    // More than the sockets' buffers at both ends take together.
    const ANSWER_BYTES: usize = 24_000_000;
    let (server, _slow) = start_with(ONE_PLACE);
    let mut deaf = Client::connect(&server);
    let query = format!(r#"{{"query":"{{ blob(bytes: {ANSWER_BYTES}) }}"}}"#);
    deaf.send(post_octets("/", "", &query));

    the_place_is_free(&server);
    // What it finds now in those buffers is less than the answer.
    let mut rest = Vec::new();
    let _ = deaf.0.read_to_end(&mut rest);
    assert!(rest.len() < ANSWER_BYTES, "{}", rest.len());
}

#[test]
fn a_query_that_takes_too_long_is_given_up() {
    let (server, slow) = start_with(Limits {
        execution_timeout: Duration::from_millis(100),
        ..Limits::default()
    });
    let answer = post(&server, "/", "", SLOW);
    assert_eq!(answer.status, 504);
    assert!(answer.refusal().contains("may still happen"));
    slow.leave.send(()).unwrap();
    assert_eq!(post(&server, "/", "", NAME).status, 200);
}

#[test]
fn a_stop_with_idle_and_half_done_clients_is_quick_and_closes_them() {
    let (server, _slow) = start_impatient();
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
    let (server, slow) = start_with(Limits::default());
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
    let (server, slow) = start_impatient();
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
