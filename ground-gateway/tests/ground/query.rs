//! `ground query`.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::rig::{Child, Rig, Service};
use crate::{PONG, assert_fails_with_one_line, pong};

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
fn a_query_is_read_from_a_file_or_standard_input() {
    let rig = Rig::with_satellite();
    let service = Service::start(pong);
    let port = service.argument();
    // More than a command line takes.
    let query = format!("{{ ping }} # {}", "x".repeat(200_000));
    let path = rig.config.with_file_name("query.graphql");
    fs::write(&path, &query).unwrap();
    for file in [path.to_str().unwrap(), "-"] {
        let mut command = rig.command(&["query", "--service", &port, "--file", file]);
        command.stdin(fs::File::open(&path).unwrap());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    let expected = format!(r#"{{"query":"{query}"}}"#);
    assert_eq!(service.bodies(), [expected.clone(), expected]);
}

#[test]
fn a_file_that_is_no_query_is_refused() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    rig.configure("[link.comms]\nmessage-bytes-max = 1000\n");
    let path = rig.config.with_file_name("query.graphql");
    let run = |file: &str| {
        let mut command = rig.command(&["query", "--service", "8020", "--file", file]);
        if path.exists() {
            command.stdin(fs::File::open(&path).unwrap());
        }
        let output = command.output().unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        let code = output.status.code().unwrap();
        (code, text(output.stdout), text(output.stderr))
    };
    let file = path.to_str().unwrap();
    assert_fails_with_one_line(run(file), &["cannot read", "query.graphql"]);
    fs::write(&path, "x".repeat(1500)).unwrap();
    assert_fails_with_one_line(run(file), &["1500 octets", "at most 1000"]);
    assert_fails_with_one_line(run("-"), &["standard input", "1000 octets"]);
    fs::write(&path, " \n").unwrap();
    assert_fails_with_one_line(run(file), &["query.graphql", "empty"]);
    fs::write(&path, [0xFF]).unwrap();
    assert_fails_with_one_line(run(file), &["query.graphql", "UTF-8"]);
}

#[test]
fn waiting_for_standard_input_can_be_interrupted() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rig = Rig::with_socket(&silent);
    let (input, _kept) = std::io::pipe().unwrap();
    let mut command = rig.command(&["query", "--service", "8020", "--file", "-"]);
    let query = Child::start_reading_from(&mut command, input.into());
    thread::sleep(Duration::from_secs(1));
    query.signal(Signal::INT);
    assert_fails_with_one_line(query.finish(), &["interrupted"]);
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
fn the_older_packet_formats_carry_queries_too() {
    let service = Service::start(pong);
    let port = service.argument();
    for options in [
        "format = 'kubos'\n".to_owned(),
        format!("format = 'udp'\nhttp-ports = [{port}]\n"),
    ] {
        let rig = Rig::with_options(&options);
        let (code, stdout, stderr) = rig.run(&["query", "--service", &port, "{ ping }"]);
        assert_eq!((code, &*stdout, &*stderr), (0, PONG, ""), "{options}");
    }
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
    let text = "no answer from port 8020 within 400 ms after each of 4 tries on link `uhf`";
    assert_fails_with_one_line(outcome, &[text]);
    assert!(took >= Duration::from_millis(1600), "{took:?}");
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
