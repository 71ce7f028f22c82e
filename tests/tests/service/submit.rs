//! Acknowledged submit: a message to the ground, and word of what became of it.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::link::WhenFull;
use comms_service::options::{ClassOptions, QueueOptions, SubmitOptions};
use comms_service::submit::{Outgoing, State, SubmitClient};
use comms_service::{CommsError, LinkOptions};
use crossbeam_channel::Sender;
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::rig::{Radio, Satellite, Setup};

fn by_tcp() -> SubmitOptions {
    SubmitOptions {
        tcp: Some((Ipv4Addr::LOCALHOST, 0).into()),
        ..SubmitOptions::default()
    }
}

fn by_unix(path: &Path) -> SubmitOptions {
    SubmitOptions {
        unix: Some(path.to_path_buf()),
        ..SubmitOptions::default()
    }
}

fn with(submit: SubmitOptions) -> Setup {
    Setup {
        downlink_ports: Some(vec![0]),
        options: LinkOptions {
            submit: Some(submit),
            ..LinkOptions::default()
        },
        ..Setup::default()
    }
}

fn client(satellite: &Satellite) -> SubmitClient {
    let client = SubmitClient::connect_tcp(satellite.submit_addr()).expect("it listens");
    client.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    client
}

/// A service before a `write` that takes nothing until the other half is dropped.
fn stuck(setup: &Setup) -> (Satellite, Sender<()>) {
    let (radio, _) = Radio::pair();
    let (told, held) = crossbeam_channel::bounded::<()>(0);
    let write = move |_: &Radio, _: &[u8]| {
        let _ = held.recv();
        Ok(())
    };
    let controls = setup.controls(Some(Arc::new(Radio::read)), vec![Arc::new(write)], radio);
    (Satellite::start(setup.builder(controls)), told)
}

/// The states of the next receipts: id and state.
fn states(client: &mut SubmitClient, count: usize) -> Vec<(u64, State)> {
    let receipts = (0..count).map(|_| client.next_receipt().expect("a receipt"));
    receipts
        .map(|receipt| (receipt.id.expect("an id"), receipt.state))
        .collect()
}

#[test]
fn a_message_is_queued_and_sent_and_goes_down_whole() {
    let flight = with(by_tcp()).flight();
    let port = flight.satellite.downlink_port(0);
    let mut client = client(&flight.satellite);
    let payload: Vec<u8> = (0..65_507_u32).map(|at| at as u8).collect();
    let id = client.submit(&Outgoing::new(port, &payload)).expect("sent");
    let expected = [(id, State::Queued), (id, State::Sent)];
    assert_eq!(states(&mut client, 2), expected);
    let heard = flight.ground.heard();
    assert_eq!((heard.port, heard.payload), (port, payload));
}

#[test]
fn a_unix_socket_is_for_owner_and_group_and_gone_after_the_stop() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("submit.sock");
    let flight = with(by_unix(&path)).flight();
    let mode = path.metadata().expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let port = flight.satellite.downlink_port(0);
    let mut client = SubmitClient::connect_unix(&path).expect("it listens");
    let receipt = client.send(&Outgoing::new(port, b"x")).expect("a receipt");
    assert_eq!(receipt.state, State::Sent);
    flight.satellite.shut_down();
    assert!(!path.exists());
}

#[test]
fn what_a_service_left_behind_is_replaced_and_nothing_else_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("submit.sock");
    let setup = with(by_unix(&path));
    // Left behind: a file of a socket on which nobody listens.
    drop(UnixListener::bind(&path).expect("a socket"));
    let (satellite, _radio) = setup.with_radio();
    SubmitClient::connect_unix(&path).expect("it listens");

    let refused = |setup: &Setup| {
        let controls = setup.controls(
            Some(Arc::new(Radio::read)),
            vec![Arc::new(Radio::write)],
            Radio::pair().0,
        );
        match Satellite::try_start(setup.builder(controls)) {
            Err(error @ CommsError::Listen { .. }) => error.to_string(),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it starts"),
        }
    };
    let text = refused(&setup);
    assert!(text.contains("another process listens"), "{text}");
    SubmitClient::connect_unix(&path).expect("the first still listens");
    drop(satellite);

    std::fs::write(&path, "precious").expect("a file");
    let text = refused(&setup);
    assert!(text.contains("no socket"), "{text}");
    assert_eq!(std::fs::read(&path).expect("still there"), b"precious");
}

#[test]
fn a_class_that_refuses_says_try_again_and_one_that_drops_says_why() {
    for (when_full, refuses) in [(WhenFull::Refuse, true), (WhenFull::Newest, false)] {
        let mut setup = with(by_tcp());
        setup.options.queue = QueueOptions {
            telemetry: ClassOptions {
                messages_max: Some(1),
                when_full: Some(when_full),
                ..ClassOptions::default()
            },
            ..QueueOptions::default()
        };
        let (satellite, told) = stuck(&setup);
        let mut client = client(&satellite);
        let port = satellite.downlink_port(0);
        let first = client.submit(&Outgoing::new(port, b"1")).expect("sent");
        let second = client.submit(&Outgoing::new(port, b"2")).expect("sent");
        let receipts = states(&mut client, 2);
        assert_eq!(receipts[0], (first, State::Queued));
        match &receipts[1] {
            (
                id,
                State::Refused {
                    reason, try_again, ..
                },
            ) if refuses => {
                assert_eq!(
                    (*id, reason.as_str(), *try_again),
                    (second, "queue-full", true)
                );
            }
            (id, State::Dropped { reason }) if !refuses => {
                assert_eq!((*id, reason.as_str()), (second, "queue-full"));
            }
            other => panic!("{other:?}"),
        }
        drop(told);
        assert_eq!(states(&mut client, 1), [(first, State::Sent)]);
    }
}

#[test]
fn a_message_whose_time_is_over_is_told_expired() {
    let (satellite, told) = stuck(&with(by_tcp()));
    let mut client = client(&satellite);
    let port = satellite.downlink_port(0);
    let stuck = client.submit(&Outgoing::new(port, b"1")).expect("sent");
    satellite.wait_until(|all| all.packets_out.in_flight == 1);
    let mortal = Outgoing {
        ttl: Some(Duration::from_millis(1)),
        ..Outgoing::new(port, b"2")
    };
    let mortal = client.submit(&mortal).expect("sent");
    let expected = [
        (stuck, State::Queued),
        (mortal, State::Queued),
        (mortal, State::Expired),
    ];
    assert_eq!(states(&mut client, 3), expected);
    drop(told);
}

#[test]
fn every_open_submission_has_its_receipt_at_a_stop() {
    let (radio, _) = Radio::pair();
    let setup = Setup {
        timeout: Duration::from_millis(200),
        ..with(by_tcp())
    };
    let write = |_: &Radio, _: &[u8]| Err(CommsError::NotReady("always busy".to_string()));
    let controls = setup.controls(Some(Arc::new(Radio::read)), vec![Arc::new(write)], radio);
    let satellite = Satellite::start(setup.builder(controls));
    let mut client = client(&satellite);
    let port = satellite.downlink_port(0);
    for _ in 0..50 {
        client.submit(&Outgoing::new(port, b"x")).expect("sent");
    }
    let queued = states(&mut client, 50);
    assert!(queued.iter().all(|(_, state)| *state == State::Queued));
    satellite.shut_down();
    let mut told: Vec<u64> = states(&mut client, 50)
        .into_iter()
        .map(|(id, state)| match state {
            State::Dropped { reason } if ["shutdown", "write-failed"].contains(&&*reason) => id,
            other => panic!("{other:?}"),
        })
        .collect();
    told.sort_unstable();
    assert!(told.into_iter().eq(1..=50));
    let end = client.next_receipt().expect_err("closed");
    assert_eq!(end.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[test]
fn what_the_ground_reports_is_told() {
    let mut setup = with(by_tcp());
    setup.options.reception_report_ms = Some(10);
    let flight = setup.flight();
    let mut client = client(&flight.satellite);
    let listening = Outgoing {
        heard_within: Some(PATIENCE),
        ..Outgoing::new(flight.satellite.downlink_port(0), b"beacon")
    };
    let receipt = client.send(&listening).expect("a receipt");
    assert_eq!(receipt.state, State::Heard);
    assert_eq!(flight.ground.heard().payload, b"beacon");
}

#[test]
fn without_a_report_a_message_is_told_not_heard() {
    let flight = with(by_tcp()).flight();
    let mut client = client(&flight.satellite);
    let listening = Outgoing {
        heard_within: Some(Duration::from_millis(20)),
        ..Outgoing::new(flight.satellite.downlink_port(0), b"beacon")
    };
    let receipt = client.send(&listening).expect("a receipt");
    assert_eq!(receipt.state, State::NotHeard);
}

// The octets.

struct Raw {
    lines: BufReader<TcpStream>,
}

impl Raw {
    fn connect(satellite: &Satellite) -> Raw {
        let stream = TcpStream::connect(satellite.submit_addr()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        Raw {
            lines: BufReader::new(stream),
        }
    }

    fn write(&mut self, octets: &[u8]) {
        self.lines.get_mut().write_all(octets).expect("it listens");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line
    }

    fn json(&mut self) -> Value {
        serde_json::from_str(&self.line()).expect("JSON")
    }
}

#[test]
fn the_octets_are_as_the_book_says() {
    let flight = with(by_tcp()).flight();
    let port = flight.satellite.downlink_port(0);
    let mut raw = Raw::connect(&flight.satellite);
    // In two pieces, and with the next line behind it.
    raw.write(b"{\"submit\":{\"id\":7,\"po");
    raw.write(format!("rt\":{port},\"payload\":\"aGVsbG8=\"}}}}\n\n").as_bytes());
    assert_eq!(raw.line(), "{\"id\":7,\"state\":\"queued\"}\n");
    assert_eq!(raw.line(), "{\"id\":7,\"state\":\"sent\"}\n");
    assert_eq!(flight.ground.heard().payload, b"hello");
}

#[test]
fn a_line_that_makes_no_sense_is_refused_and_the_next_one_counts() {
    let mut setup = with(by_tcp());
    setup.options.message_bytes_max = Some(1_000);
    let flight = setup.flight();
    let port = flight.satellite.downlink_port(0);
    let mut raw = Raw::connect(&flight.satellite);
    let too_long = "x".repeat(3_000);
    for (line, id, reason) in [
        ("all well".to_string(), json!(null), "malformed"),
        (
            "{\"submit\":{\"id\":1}}".to_string(),
            json!(null),
            "malformed",
        ),
        (too_long, json!(null), "too-large"),
        (
            "{\"submit\":{\"id\":1,\"port\":1,\"payload\":\"\"}}".to_string(),
            json!(1),
            "unknown-port",
        ),
        (
            format!("{{\"submit\":{{\"id\":2,\"port\":{port},\"payload\":\"?\"}}}}"),
            json!(2),
            "malformed",
        ),
        (
            format!("{{\"submit\":{{\"id\":3,\"port\":{port},\"payload\":\"\",\"ttl\":1}}}}"),
            json!(null),
            "malformed",
        ),
    ] {
        raw.write(format!("{line}\n").as_bytes());
        let reply = raw.json();
        assert_eq!(reply["id"], id, "{reply}");
        assert_eq!(reply["state"], "refused", "{reply}");
        assert_eq!(reply["reason"], reason, "{reply}");
        assert_eq!(reply["try-again"], false, "{reply}");
    }
    let good = format!("{{\"submit\":{{\"id\":9,\"port\":{port},\"payload\":\"\"}}}}\n");
    raw.write(good.as_bytes());
    assert_eq!(raw.json(), json!({"id": 9, "state": "queued"}));
}

#[test]
fn an_id_that_is_open_is_refused_and_free_again_after_its_end() {
    let (satellite, told) = stuck(&with(by_tcp()));
    let port = satellite.downlink_port(0);
    let mut raw = Raw::connect(&satellite);
    let line = format!("{{\"submit\":{{\"id\":5,\"port\":{port},\"payload\":\"\"}}}}\n");
    raw.write(line.repeat(2).as_bytes());
    assert_eq!(raw.json()["state"], "queued");
    assert_eq!(raw.json()["reason"], "id-in-use");
    drop(told);
    assert_eq!(raw.json()["state"], "sent");
    raw.write(line.as_bytes());
    assert_eq!(raw.json()["state"], "queued");
}

#[test]
fn one_client_too_many_is_told_so() {
    let submit = SubmitOptions {
        clients_max: 1,
        ..by_tcp()
    };
    let flight = with(submit).flight();
    let port = flight.satellite.downlink_port(0);
    let mut first = client(&flight.satellite);
    first.send(&Outgoing::new(port, b"x")).expect("a receipt");
    let reply = Raw::connect(&flight.satellite).json();
    assert_eq!(reply["reason"], "clients-max");
    assert_eq!(reply["try-again"], true);
    first.send(&Outgoing::new(port, b"x")).expect("a receipt");
}

#[test]
fn a_client_that_does_not_read_its_receipts_is_cut_off_and_its_messages_go_down() {
    let flight = with(by_tcp()).flight();
    let port = flight.satellite.downlink_port(0);
    let mut raw = Raw::connect(&flight.satellite);
    let lines = format!("{{\"submit\":{{\"id\":1,\"port\":{port},\"payload\":\"aGk=\"}}}}\n");
    let lines = lines.repeat(1_000);
    // Until the service is fed up: then nothing can be written any more.
    let stream = raw.lines.get_mut();
    stream
        .set_write_timeout(Some(PATIENCE))
        .expect("a time-out");
    for _ in 0..1_000 {
        if stream.write_all(lines.as_bytes()).is_err() {
            break;
        }
    }
    let counted = flight
        .satellite
        .wait_until(|all| all.submitters_cut_off == 1);
    assert!(counted.errors.iter().any(|error| error.contains("cut off")));
    let drained = flight.satellite.wait_until_drained();
    assert_eq!(drained.messages_out.dropped.of(DropReason::Withdrawn), 0);
    assert!(drained.messages_out.delivered > 0);
    flight.ground.heard();
    // Another one is served.
    let mut other = client(&flight.satellite);
    other.send(&Outgoing::new(port, b"x")).expect("a receipt");
}

#[test]
fn a_client_that_only_closes_its_half_hears_to_the_end() {
    let (satellite, told) = stuck(&with(by_tcp()));
    let port = satellite.downlink_port(0);
    let mut raw = Raw::connect(&satellite);
    let line = |id| format!("{{\"submit\":{{\"id\":{id},\"port\":{port},\"payload\":\"\"}}}}\n");
    raw.write((line(1) + &line(2)).as_bytes());
    let half = std::net::Shutdown::Write;
    raw.lines.get_ref().shutdown(half).expect("connected");
    assert_eq!(
        [raw.json(), raw.json()].map(|reply| reply["state"].clone()),
        ["queued"; 2]
    );
    drop(told);
    assert_eq!(
        [raw.json(), raw.json()].map(|reply| reply["state"].clone()),
        ["sent"; 2]
    );
    assert_eq!(raw.line(), "", "then it is closed");
}

#[test]
fn what_a_client_that_is_gone_submitted_goes_down() {
    let (satellite, told) = stuck(&with(by_tcp()));
    let port = satellite.downlink_port(0);
    let mut gone = client(&satellite);
    gone.submit(&Outgoing::new(port, b"x")).expect("sent");
    assert_eq!(states(&mut gone, 1)[0].1, State::Queued);
    drop(gone);
    drop(told);
    assert_eq!(satellite.wait_until_drained().messages_out.delivered, 1);
}

#[test]
fn the_python_client_submits_and_is_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("submit.sock");
    let mut submit = by_unix(&path);
    submit.tcp = by_tcp().tcp;
    let mut setup = with(submit);
    setup.options.reception_report_ms = Some(10);
    let flight = setup.flight();
    let port = flight.satellite.downlink_port(0);
    let script = "import sys
sys.path.insert(0, sys.argv[1])
from heliograph_submit import Receipt, SubmitClient
port = int(sys.argv[3])
with SubmitClient.unix(sys.argv[2], timeout=20) as client:
    assert client.send(port, b'by unix').state == 'sent'
    first = client.submit(port, b'1')
    receipts = [client.receipt(), client.receipt()]
    assert receipts == [Receipt(first, 'queued'), Receipt(first, 'sent')], receipts
    assert client.send(port, b'2', heard_within_ms=20000).state == 'heard'
    refused = client.send(1, b'x')
    assert (refused.state, refused.reason, refused.try_again) == ('refused', 'unknown-port', False)
with SubmitClient.tcp(('127.0.0.1', int(sys.argv[4])), timeout=20) as client:
    assert client.send(port, bytes(range(256)), ttl_ms=60000).state == 'sent'
";
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/python");
    let output = Command::new("python3")
        .args(["-B", "-W", "error", "-c", script])
        .arg(&clients)
        .arg(&path)
        .arg(port.to_string())
        .arg(flight.satellite.submit_addr().port().to_string())
        .output()
        .expect("python3");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for expected in [b"by unix".to_vec(), b"1".to_vec(), b"2".to_vec()] {
        assert_eq!(flight.ground.heard().payload, expected);
    }
    assert_eq!(
        flight.ground.heard().payload,
        (0..=255).collect::<Vec<u8>>()
    );
}
