//! The client in C.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread;

use crate::clients::succeeds;
use crate::site::{PATIENCE, Site};
use heliograph_tests::binaries::ChildGuard;
use heliograph_tests::c_client::CClient;
use heliograph_tests::wait::eventually;
use heliograph_tests::workspace;

/// A program with the library, which is built once for all tests.
#[track_caller]
fn program(source: &Path) -> PathBuf {
    static LIBRARY: OnceLock<CClient> = OnceLock::new();
    LIBRARY.get_or_init(CClient::build).program(source)
}

fn example() -> PathBuf {
    CClient::sources().join("example.c")
}

fn source(name: &str) -> PathBuf {
    workspace().join("tests/tests/oort_agent").join(name)
}

#[test]
fn all_that_the_agent_does_is_asked_in_c() {
    let program = program(&source("ours.c"));
    let site = Site::new();
    let agent = site.start(&[]);
    succeeds(
        Command::new(program)
            .arg(agent.port.to_string())
            .args([site.path("payload"), site.path("work")]),
    );
}

#[test]
fn the_example_in_c_ends_once_its_file_is_collected() {
    let program = program(&example());
    let site = Site::new();
    let agent = site.start(&[]);
    let file = site.file("image.raw", "octets");
    let mut example = Command::new(program);
    example.arg(&file).arg("images").arg(agent.port.to_string());
    let mut example = ChildGuard::spawn(&mut example);
    let id = eventually(PATIENCE, || {
        let (_, page) = agent.get("/sdk/v2/files");
        Some(page["files"][0]["uuid"].as_str()?.to_owned())
    });
    let name = format!("{id}.data.oort");
    let from = site.path("work/transfers").join(&name);
    fs::rename(from, site.path("payload").join(name)).unwrap();
    example.wait_for_line(&format!("{id} is collected"), PATIENCE);
    assert!(example.wait_for_exit(PATIENCE).success());
}

/// What the client says of an agent that answers so; of none, it says nothing.
fn asked(program: &Path, answer: Option<&[u8]>, wait_ms: u32) -> String {
    let doors = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = doors.local_addr().unwrap().port();
    let mut asks = Command::new(program);
    asks.args([port.to_string(), wait_ms.to_string()]);
    thread::scope(|scope| {
        let asks = scope.spawn(move || asks.output().unwrap());
        let (mut client, _) = doors.accept().unwrap();
        read_request(&mut client);
        if let Some(answer) = answer {
            // A client that has enough goes away.
            let _ = client.write_all(answer);
            drop(client);
        }
        let output = asks.join().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    })
}

fn read_request(client: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        client.read_exact(&mut octet).unwrap();
        request.extend(octet);
    }
    String::from_utf8(request).unwrap()
}

fn answer(kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn json(body: &str) -> Vec<u8> {
    answer("application/json", body)
}

const ITEM: &str = r#"{"uuid":"u","state":"failed","handed_over":1,"size":2,"topic":"t\u00e9\ud83d\ude80","reason":"#;

#[test]
fn answers_that_are_none_are_told_from_an_agent_that_is_not_there() {
    let program = program(&source("asks.c"));
    let is = |said: &str, answer: &[u8]| {
        let got = asked(&program, Some(answer), 60_000);
        let shown = String::from_utf8_lossy(answer);
        let shown: String = shown.chars().take(200).collect();
        assert!(got.starts_with(said), "{got:?} of {shown:?}");
    };
    is(
        "done; 200; \nt\u{e9}\u{1f680}, a\n",
        &json(&format!("{ITEM}\"a\"}}")),
    );
    let broken = json(&format!("{ITEM}\"a\"}}"));
    is(
        "the agent does not answer; 200;",
        &broken[..broken.len() - 1],
    );
    is("the agent does not answer; 0;", b"");
    let none = "what came is no answer of an agent;";
    is(none, b"220 mail.example ESMTP\r\n");
    is(none, b"HTTP/1.1\r\n\r\n");
    is(none, &answer("text/html", &format!("{ITEM}\"a\"}}")));
    for body in [
        "",
        "{",
        "[]",
        "\"",
        "\"\\",
        "{\"uuid\"",
        "{\"uuid\":}",
        "{\"uuid\":1}",
        "{\"uuid\":\"u\",\"state\":\"s\",\"handed_over\":1e999,\"size\":\"2\",\"topic\":\"t\"}",
        "{\"uuid\":\"longer than any identifier that there ever was\"}",
        &ITEM.replace("t\\u00e9", "\\ud83d"),
        &ITEM.replace("\\u00e9", "\\u0000"),
        &format!("{ITEM}\"a\"}}x"),
        &format!("{ITEM}\"a\0\"}}").replace("\"topic\":\"t", "\"topic\":\"\0"),
        &"[".repeat(60_000),
        &"{\"a\":".repeat(10_000),
    ] {
        is(none, &json(body));
    }
    // A reason that is none is left out.
    is(
        "done; 200; \nt\u{e9}\u{1f680}, \n",
        &json(&format!("{ITEM}\"\\x\"}}")),
    );
    is(
        "too long; 0;",
        &json(&format!("{ITEM}\"{}\"}}", "a".repeat(70_000))),
    );
    let refused =
        b"HTTP/1.0 507 None\r\nContent-Type: application/json\r\n\r\n{\"message\":\"full\"}";
    is("the agent refused; 507; full\n", refused);
    let long = format!(
        "HTTP/1.0 400 None\r\nContent-Type: application/json\r\n\r\n{{\"message\":\"{}\"}}",
        "m".repeat(9_000)
    );
    is(
        &format!("the agent refused; 400; {}\n", "m".repeat(255)),
        long.as_bytes(),
    );
}

#[test]
fn an_agent_that_says_nothing_is_not_waited_for_longer_than_was_said() {
    let program = program(&source("asks.c"));
    let said = asked(&program, None, 100);
    assert!(said.starts_with("the agent does not answer; 0;"), "{said}");
    assert!(said.contains("timed out"), "{said}");
}

#[test]
fn an_answer_that_is_lost_makes_no_second_request_in_c() {
    let program = program(&example());
    let site = Site::new();
    let doors = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = doors.local_addr().unwrap().port();
    let mut example = Command::new(program);
    example
        .arg(site.file("a", "a"))
        .arg("images")
        .arg(port.to_string());
    let _example = ChildGuard::spawn(&mut example);
    let keys = [0; 2].map(|_| {
        let (mut client, _) = doors.accept().unwrap();
        let request = read_request(&mut client);
        let key = request
            .lines()
            .find(|line| line.starts_with("Idempotency-Key: "));
        key.expect("a key").to_owned()
    });
    assert_eq!(keys[0], keys[1]);
}
