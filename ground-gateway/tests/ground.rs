//! The command `ground`, as an operator uses it, against a satellite in this
//! process.

mod rig;

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use rig::{Rig, Service, wait_until};
use rustix::process::Signal;

const PONG: &str = r#"{"data":{"ping":"pong"}}"#;

/// How a listener says what it lost.
const LOST: &str = " messages lost: they came faster than they were printed";

fn pong(_: &str) -> String {
    PONG.to_owned()
}

#[track_caller]
fn assert_fails_with_one_line(outcome: (i32, String, String), parts: &[&str]) {
    let (code, stdout, stderr) = outcome;
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "no {part:?} in {stderr:?}");
    }
}

// Query.

#[test]
fn a_query_prints_the_answer_of_the_service() {
    let rig = Rig::with_satellite();
    let service = Service::start(pong);
    let (code, stdout, stderr) = rig.run(&["query", "--service", &service.argument(), "{ ping }"]);
    assert_eq!((code, &*stdout, &*stderr), (0, PONG, ""));
    assert_eq!(service.bodies(), [r#"{"query":"{ ping }"}"#]);
}

#[test]
fn variables_and_whole_requests_reach_the_service() {
    let rig = Rig::with_satellite();
    let service = Service::start(pong);
    let port = service.argument();
    rig.run(&[
        "query",
        "--service",
        &port,
        "q",
        "--variables",
        r#"{"a":1}"#,
    ]);
    rig.run(&["query", "--service", &port, r#"{ "query": "x" }"#]);
    let bodies = service.bodies();
    assert_eq!(bodies[0], r#"{"query":"q","variables":{"a":1}}"#);
    assert_eq!(bodies[1], r#"{ "query": "x" }"#);
}

#[test]
fn an_answer_of_many_frames_arrives_whole() {
    let rig = Rig::with_satellite();
    let answer = format!(r#"{{"data":"{}"}}"#, "heliograph ".repeat(9_000));
    let expected = answer.clone();
    let service = Service::start(move |_| answer.clone());
    let (code, stdout, stderr) = rig.run(&["query", "--service", &service.argument(), "{ a }"]);
    assert_eq!((code, &*stderr), (0, ""));
    assert_eq!(stdout, expected);
}

#[test]
fn the_errors_of_a_service_are_its_answer() {
    let rig = Rig::with_satellite();
    let answer = r#"{"errors":[{"message":"no such field"}]}"#;
    let service = Service::start(|_| answer.to_owned());
    let (code, stdout, _) = rig.run(&["query", "--service", &service.argument(), "{ a }"]);
    assert_eq!((code, &*stdout), (0, answer));
}

#[test]
fn an_answer_that_is_no_json_is_a_failure() {
    let rig = Rig::with_satellite();
    let service = Service::start(|_| "<html>\n</html>".to_owned());
    let port = service.argument();
    let outcome = rig.run(&["query", "--service", &port, "{ a }"]);
    assert_fails_with_one_line(outcome, &[&port, "no JSON", "<html> </html>"]);
}

#[test]
fn a_service_that_is_down_is_one_line() {
    let rig = Rig::with_satellite();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = rig.run(&["query", "--service", &address.port().to_string(), "{ a }"]);
    assert_fails_with_one_line(outcome, &[&address.to_string(), "not there"]);
}

#[test]
fn a_silent_satellite_is_one_line_after_the_time_out() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    let began = Instant::now();
    let outcome = rig.run(&["query", "--service", "8020", "{ a }", "--timeout", "400ms"]);
    let took = began.elapsed();
    let text = "no answer from port 8020 within 400 ms after each of 1 tries on link `uhf`";
    assert_fails_with_one_line(outcome, &[text]);
    assert!(took >= Duration::from_millis(400), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn every_retry_is_sent_and_counted() {
    let satellite = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&satellite);
    let arguments = ["--timeout", "150", "--retries", "2"];
    let outcome = rig.run(&[&["query", "--service", "8020", "{ a }"], &arguments[..]].concat());
    assert_fails_with_one_line(outcome, &["within 150 ms after each of 3 tries"]);
    satellite.set_nonblocking(true).unwrap();
    let mut frame = [0; 2048];
    let frames = std::iter::from_fn(|| satellite.recv(&mut frame).ok()).count();
    assert_eq!(frames, 3);
}

#[test]
fn a_query_larger_than_a_message_is_refused_before_it_is_sent() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    rig.configure("[link.comms]\nmessage-bytes-max = 1000\n");
    let query = "x".repeat(1000);
    let outcome = rig.run(&["query", "--service", "8020", &query]);
    assert_fails_with_one_line(outcome, &["1012 octets", "at most 1000"]);
    assert!(Rig::message_bytes_max() > 1000);
}

// Send.

#[test]
fn a_sent_text_or_file_arrives_as_one_datagram() {
    let rig = Rig::with_satellite();
    let app = UdpSocket::bind("127.0.0.1:0").unwrap();
    app.set_read_timeout(Some(rig::PATIENCE)).unwrap();
    let port = app.local_addr().unwrap().port().to_string();
    let mut datagram = vec![0; 65_536];

    let (code, stdout, stderr) = rig.run(&["send", "--port", &port, "--text", "wake up"]);
    assert_eq!((code, &*stdout), (0, ""));
    assert_eq!(
        stderr,
        format!("sent 7 octets to port {port} on link `uhf`")
    );
    let octets = app.recv(&mut datagram).unwrap();
    assert_eq!(&datagram[..octets], b"wake up");

    let content: Vec<u8> = (0..5_000_u32).map(|number| (number % 251) as u8).collect();
    let path = rig.config.with_file_name("message.bin");
    fs::write(&path, &content).unwrap();
    let (code, ..) = rig.run(&["send", "--port", &port, "--file", path.to_str().unwrap()]);
    assert_eq!(code, 0);
    let octets = app.recv(&mut datagram).unwrap();
    assert_eq!(datagram[..octets], content);
}

#[test]
fn a_file_that_cannot_be_sent_is_named_or_measured() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    let path = rig.config.with_file_name("message.bin");
    let send = || rig.run(&["send", "--port", "9", "--file", path.to_str().unwrap()]);
    assert_fails_with_one_line(send(), &["cannot read", "message.bin"]);
    fs::write(&path, vec![0; 70_000]).unwrap();
    assert_fails_with_one_line(send(), &["70000 octets", "65507"]);
}

// Listen.

#[test]
fn listening_prints_one_json_object_a_message_and_ends_after_so_many() {
    let rig = Rig::with_satellite();
    let listener = rig.start_listener(&["--count", "3", "--json"]);
    rig.downlink(b"one");
    listener.wait_for_stdout(1);
    rig.downlink(&[0xFF, 0xAD]);
    listener.wait_for_stdout(2);
    rig.downlink(b"three\n");
    let (code, stdout, _) = listener.finish();
    assert_eq!(code, 0);
    let port = rig.downlink_port;
    let expected = [
        format!(r#"{{"port":{port},"command_id":0,"bytes":3,"text":"one"}}"#),
        format!(r#"{{"port":{port},"command_id":0,"bytes":2,"hex":"ffad"}}"#),
        format!(r#"{{"port":{port},"command_id":0,"bytes":6,"text":"three\n"}}"#),
    ];
    assert_eq!(stdout.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn listening_ends_in_good_order_when_interrupted() {
    let rig = Rig::with_satellite();
    let listener = rig.start_listener(&[]);
    rig.downlink(b"hello");
    listener.wait_for_stdout(1);
    listener.signal(Signal::INT);
    let (code, stdout, stderr) = listener.finish();
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout, format!("port {}: hello", rig.downlink_port));
    assert!(stderr.contains("released"), "{stderr}");
}

// Sharing.

#[test]
fn two_listeners_and_a_query_share_one_link() {
    let rig = Rig::with_satellite();
    let service = Service::start(pong);
    let first = rig.start_listener(&["--count", "2"]);
    let second = rig.start_listener(&["--count", "2"]);
    rig.downlink(b"before");
    let (code, stdout, stderr) = rig.run(&["query", "--service", &service.argument(), "{ ping }"]);
    assert_eq!((code, &*stdout), (0, PONG), "{stderr}");
    rig.downlink(b"after");
    let port = rig.downlink_port;
    let expected = format!("port {port}: before\nport {port}: after");
    for listener in [first, second] {
        let (code, stdout, stderr) = listener.finish();
        assert_eq!((code, &*stdout), (0, &*expected), "{stderr}");
    }
}

#[test]
fn a_listener_goes_on_counting_when_the_holder_of_the_link_is_killed() {
    let rig = Rig::with_satellite();
    let mut holder = rig.start_listener(&[]);
    holder.wait_for_stderr("held by this process");
    let listener = rig.start_listener(&["--count", "2"]);
    rig.downlink(b"one");
    listener.wait_for_stdout(1);

    holder.kill();
    listener.wait_for_stderr("held by this process");
    wait_until("listening again", || {
        let lines = listener.stderr().into_iter();
        lines.filter(|line| line.contains("listening")).count() == 2
    });
    rig.downlink(b"two");
    let (code, stdout, stderr) = listener.finish();
    let port = rig.downlink_port;
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout, format!("port {port}: one\nport {port}: two"));
}

#[test]
fn a_query_under_way_fails_and_is_not_repeated_when_the_holder_is_killed() {
    let rig = Rig::with_satellite();
    let service = Service::start_held(pong);
    let mut holder = rig.start_listener(&[]);
    let query = rig.start(&["query", "--service", &service.argument(), "{ ping }"]);
    service.wait_for_requests(1);
    holder.kill();
    let text = "the process that held the link `uhf` ended";
    assert_fails_with_one_line(query.finish(), &[text]);
    service.release();
    assert_eq!(service.bodies().len(), 1);

    let (code, stdout, _) = rig.run(&["query", "--service", &service.argument(), "{ ping }"]);
    assert_eq!((code, &*stdout), (0, PONG));
}

#[test]
fn the_first_command_stays_for_the_second_and_hands_over_to_the_third() {
    let rig = Rig::with_satellite();
    let (quick, slow) = (Service::start_held(pong), Service::start_held(pong));
    let (quick_port, slow_port) = (quick.argument(), slow.argument());
    let mut first = rig.start(&["query", "--service", &quick_port, "{ first }"]);
    quick.wait_for_requests(1);
    let patient = ["--timeout", "60s"];
    let second = [
        &["query", "--service", &slow_port, "{ second }"],
        &patient[..],
    ]
    .concat();
    let second = rig.start(&second);
    slow.wait_for_requests(1);

    quick.release();
    first.wait_for_stdout(1);
    let third = [
        &["query", "--service", &quick_port, "{ third }"],
        &patient[..],
    ]
    .concat();
    let third = rig.start(&third);
    // It is not taken while the first only waits for the second.
    std::thread::sleep(Duration::from_millis(300));
    assert!(first.is_running());
    assert_eq!(quick.bodies().len(), 1);

    slow.release();
    for command in [second, first, third] {
        let (code, stdout, stderr) = command.finish();
        assert_eq!((code, &*stdout, &*stderr), (0, PONG, ""));
    }
    assert_eq!((quick.bodies().len(), slow.bodies().len()), (2, 1));
}

#[test]
fn twenty_queries_at_once_are_all_answered() {
    let rig = Rig::with_satellite();
    let services = [Service::start(str::to_owned), Service::start(str::to_owned)];
    let start = |number: usize| {
        let port = services[number % 2].argument();
        let query = format!("{{ number{number} }}");
        let timeout = ["--timeout", "60s"];
        rig.start(&[&["query", "--service", &port, &query], &timeout[..]].concat())
    };
    let commands: Vec<_> = (0..20).map(start).collect();
    for (number, command) in commands.into_iter().enumerate() {
        let (code, stdout, stderr) = command.finish();
        assert_eq!((code, &*stderr), (0, ""));
        assert_eq!(stdout, format!(r#"{{"query":"{{ number{number} }}"}}"#));
    }
    assert!(services.iter().all(|service| service.bodies().len() == 10));
}

#[test]
fn a_listener_that_does_not_read_loses_messages_and_is_told_how_many() {
    const MESSAGES: usize = 3_000;
    let rig = Rig::with_satellite();
    let quick = rig.start_listener(&[]);
    let slow = rig.start_listener(&[]);
    slow.signal(Signal::STOP);
    for sent in 1..=MESSAGES {
        rig.downlink(b"telemetry");
        // At a pace that the sockets of the rig can follow.
        if sent % 50 == 0 {
            quick.wait_for_stdout(sent);
        }
    }
    slow.signal(Signal::CONT);
    let lost = || -> usize {
        let lines = slow.stderr().into_iter();
        let lost = lines.filter_map(|line| line.strip_suffix(LOST)?.parse::<usize>().ok());
        lost.sum()
    };
    wait_until("all accounted for", || {
        slow.stdout().len() + lost() == MESSAGES
    });
    assert!(lost() > 0);
    quick.signal(Signal::INT);
    slow.signal(Signal::INT);
    assert_eq!((quick.finish().0, slow.finish().0), (0, 0));
}

#[test]
fn lock_and_socket_are_the_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let rig = Rig::with_satellite();
    let _listener = rig.start_listener(&[]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&rig.runtime_dir()), 0o700);
    let files: Vec<_> = fs::read_dir(rig.runtime_dir()).unwrap().collect();
    assert_eq!(files.len(), 2);
    for file in files {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[test]
fn a_suspended_holder_is_named() {
    let rig = Rig::with_satellite();
    let holder = rig.start_listener(&[]);
    holder.signal(Signal::STOP);
    let outcome = rig.run(&["query", "--service", "8020", "{ a }"]);
    assert_fails_with_one_line(outcome, &["`uhf` is held by another process", "("]);
}

// Configuration and usage.

#[test]
fn an_unknown_link_lists_the_known_ones() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    let outcome = rig.run(&["--link", "uhv", "query", "--service", "8020", "{ a }"]);
    assert_fails_with_one_line(outcome, &["`uhv`", "`uhf`", "config.toml"]);
}

#[test]
fn an_unknown_key_is_named() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    rig.configure("speed = 9600\n");
    let outcome = rig.run(&["listen"]);
    assert_fails_with_one_line(outcome, &["`speed`", "config.toml", "`uhf`"]);
}

#[test]
fn a_radio_that_somebody_else_has_is_one_line() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let text = fs::read_to_string(&rig.config).unwrap();
    let bind = text.lines().find(|line| line.starts_with("bind")).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fs::write(
        &rig.config,
        text.replace(bind, &format!("bind = '{address}'")),
    )
    .unwrap();
    let outcome = rig.run(&["query", "--service", "8020", "{ a }"]);
    assert_fails_with_one_line(outcome, &["radio of link `uhf`", &address]);
}

#[test]
fn a_usage_error_is_exit_code_2() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    assert_eq!(rig.run(&["query"]).0, 2);
    assert_eq!(rig.run(&["listen", "--timeout", "soon"]).0, 2);
    assert_eq!(rig.run(&["--help"]).0, 0);
}
