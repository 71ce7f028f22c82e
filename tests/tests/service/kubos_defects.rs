//! Defects of the KubOS communications service that no other file here has a test
//! for, in the default format. `docs/src/kubos-defects.md` lists all of them by
//! number, each with its test.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::options::ReplyWindowOption;
use comms_service::{CommsConfig, LinkOptions, radio};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::udp::UdpPeer;
use heliograph_tests::workspace;
use radio_hal::kiss::{self, Command, Port};
use radio_hal::{
    FrameBuffer, FrameDrop, FramingConfig, Medium, Radio, RadioConnection, RadioError,
    RadioProperties, RadioReceiver, RadioTransmitter,
};

use crate::PATIENCE;
use crate::rig::{Flight, READ_TIMEOUT, Satellite, Setup, query};

/// A serial line: what is sent into it comes out in the same pieces.
struct Line(Receiver<Vec<u8>>);

impl RadioReceiver for Line {
    fn receive(&mut self, received: &mut FrameBuffer, wait: Duration) -> Result<(), RadioError> {
        match self.0.recv_timeout(wait) {
            Ok(piece) => received.push(&piece),
            Err(RecvTimeoutError::Timeout) => {}
            // The test is over.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(wait),
        }
        Ok(())
    }
}

/// Nobody listens.
struct Space;

impl RadioTransmitter for Space {
    fn transmit(&mut self, _: &[u8]) -> Result<(), RadioError> {
        Ok(())
    }
}

/// A service on a serial line with KISS, and an HTTP service behind it.
struct SerialLine {
    service: HttpService,
    satellite: Satellite,
    connection: RadioConnection,
    line: Sender<Vec<u8>>,
}

impl SerialLine {
    fn start() -> Self {
        let (line, receives) = unbounded();
        let properties = RadioProperties::new(Medium::Stream);
        let serial = Radio::new(properties, Line(receives), Space);
        let connection = RadioConnection::new(serial, FramingConfig::kiss(), READ_TIMEOUT);
        let connection = connection.expect("it fits");
        let config = CommsConfig {
            handler_port_min: 0,
            handler_port_max: 0,
            ..CommsConfig::default()
        };
        let builder = radio::builder(connection.clone(), config, LinkOptions::default());
        SerialLine {
            service: HttpService::always(Reply::ok("pong")),
            satellite: Satellite::start(builder.expect("it fits")),
            connection,
            line,
        }
    }

    /// Query number `count`, in a KISS frame for `port`.
    fn frame(&self, count: u16, port: u8) -> Vec<u8> {
        let head = Head {
            payload_type: PayloadType::GraphQl,
            class: Class::Standard,
            security: None,
            command_id: u64::from(count) + 1,
            port: self.service.port(),
        };
        let (mut packet, mut frame) = (Vec::new(), Vec::new());
        let body = query(usize::from(count));
        let format = Setup::default().format(End::Ground);
        let built = format.build(&head, &body, 0, count, &mut packet);
        built.expect("the format carries it");
        let port = Port::new(port).expect("a port");
        kiss::encode(port, Command::Data, &packet, &mut frame);
        frame
    }

    fn send(&self, octets: impl Into<Vec<u8>>) {
        self.line.send(octets.into()).expect("the service reads");
    }

    /// The queries that the service behind was asked, once there are so many.
    fn asked(&self, count: u64) -> Vec<Vec<u8>> {
        self.satellite
            .wait_until(|all| all.messages_in.delivered >= count);
        let requests = self.service.requests();
        requests
            .iter()
            .map(|request| request.body.clone())
            .collect()
    }
}

// C1-4: the frame behind a wrong escape was given again by every read.
#[test]
fn one_corrupt_kiss_frame_does_not_run_the_next_command_again_and_again() {
    let line = SerialLine::start();
    let mut octets = vec![0xC0, 0x00, 0xDB, 0x11, 0xC0];
    octets.extend(line.frame(0, 0));
    line.send(octets);
    assert_eq!(line.asked(1), [query(0)]);
    // Had the first come again, it would have come before this one.
    for count in 1..20 {
        line.send(line.frame(count, 0));
    }
    let expected: Vec<_> = (0..20).map(query).collect();
    let asked: BTreeSet<_> = line.asked(20).into_iter().collect();
    assert_eq!(line.service.requests().len(), 20);
    assert_eq!(asked, expected.into_iter().collect());
    assert_eq!(
        line.connection.statistics().dropped_for(FrameDrop::Escape),
        1
    );
}

// C3-29: the second of two frames with one FEND between them was lost.
#[test]
fn frames_that_share_a_frame_end_are_both_run() {
    let line = SerialLine::start();
    let mut octets = line.frame(0, 0);
    // The FEND that ends the first begins the second.
    octets.extend_from_slice(&line.frame(1, 0)[1..]);
    line.send(octets);
    let asked: BTreeSet<_> = line.asked(2).into_iter().collect();
    assert_eq!(asked, BTreeSet::from([query(0), query(1)]));
}

// C3-29: what was for another port was ignored and counted nowhere.
#[test]
fn a_frame_for_another_kiss_port_is_counted() {
    let line = SerialLine::start();
    line.send(line.frame(0, 3));
    line.send(line.frame(1, 0));
    assert_eq!(line.asked(1), [query(1)]);
    let radio = line.connection.statistics();
    assert_eq!(radio.dropped_for(FrameDrop::KissPort), 1);
}

// C3-29: noise before a frame was kept for ever, and decoded anew for each octet.
#[test]
fn noise_on_the_line_costs_neither_memory_nor_the_next_command() {
    let line = SerialLine::start();
    for _ in 0..1000 {
        line.send(vec![0x55; 1000]);
    }
    line.send(line.frame(0, 0));
    assert_eq!(line.asked(1), [query(0)]);
    let all = line.satellite.wait_until_drained();
    assert_eq!(all.memory_bytes_used, all.answer_bytes_remembered);
}

// C2-11: it opened a socket and started a thread for each.
#[test]
fn five_hundred_datagrams_leave_from_one_socket() {
    let service = UdpPeer::bind();
    let flight = Flight::start();
    let mut sources = BTreeSet::new();
    for number in 0..500_u32 {
        flight.ground.send(service.port(), &number.to_be_bytes());
        sources.insert(service.expect(PATIENCE).from);
    }
    assert_eq!(sources.len(), 1, "{sources:?}");
}

// C3-16: what a service replied to a datagram came to a socket that was gone.
#[test]
fn a_service_answers_a_datagram_within_its_reply_window() {
    let service = UdpPeer::bind();
    let setup = Setup {
        options: LinkOptions {
            reply_windows: vec![ReplyWindowOption {
                port: service.port(),
                window_ms: 60_000,
                messages_max: None,
            }],
            ..LinkOptions::default()
        },
        ..Setup::default()
    };
    let flight = setup.flight();
    flight.ground.send(service.port(), b"ls");
    let asked = service.expect(PATIENCE);
    for line in [b"one", b"two"] {
        service.send_to(asked.from.port(), line);
    }
    for line in [b"one", b"two"] {
        let heard = flight.ground.heard();
        assert_eq!((heard.port, &*heard.payload), (service.port(), &line[..]));
    }
}

// C3-18: it took them for text, and cut what became of it to the old length.
#[test]
fn an_answer_that_is_no_text_comes_down_octet_for_octet() {
    let flight = Flight::start();
    for answer in [vec![0xE9; 4], vec![0xFF, 0xFE, 0x00, 0x80, 0x81, 0x82]] {
        let service = HttpService::always(Reply::ok(answer.clone()));
        assert_eq!(flight.ground.query(service.port(), b"{}"), answer);
    }
}

// C3-24: it said that it took them, and failed in the radio.
#[test]
fn answers_and_datagrams_around_64_kib_come_down_whole() {
    let flight = Setup {
        downlink_ports: Some(vec![0]),
        ..Setup::default()
    }
    .flight();
    for size in [65_526, 70_000] {
        let answer: Vec<u8> = (0..size).map(|at: usize| (at / 7) as u8).collect();
        let service = HttpService::always(Reply::ok(answer.clone()));
        assert!(
            flight.ground.query(service.port(), b"{}") == answer,
            "{size}"
        );
    }
    let app = UdpPeer::bind();
    for size in [65_491, 65_492, 65_507] {
        app.send_to(flight.satellite.downlink_port(0), &vec![0x42; size]);
        assert_eq!(flight.ground.heard().payload.len(), size);
    }
}

// C3-23: its length field was one too large, so that whoever reads packets from a
// stream lost one octet with each.
#[test]
fn packets_in_a_stream_are_found_by_their_own_lengths() {
    let app = UdpPeer::bind();
    let setup = Setup {
        downlink_ports: Some(vec![0]),
        ..Setup::default()
    };
    let (satellite, radio) = setup.with_radio();
    let sizes = [0, 1, 60, 1000];
    for size in sizes {
        app.send_to(satellite.downlink_port(0), &vec![0x42; size]);
    }
    let sent = satellite.wait_until(|all| all.messages_out.delivered == sizes.len() as u64);
    let packets = sent.packets_out.delivered;
    let stream: Vec<u8> = (0..packets).flat_map(|_| radio.expect()).collect();
    let (mut rest, mut found) = (stream.as_slice(), 0);
    while !rest.is_empty() {
        // CCSDS 133.0-B-2 §4.1.3: version 0, type 0 (telemetry), no secondary header.
        assert_eq!(rest[0] >> 3, 0, "packet {found}");
        let length = usize::from(u16::from_be_bytes([rest[4], rest[5]])) + 7;
        rest = &rest[length..];
        found += 1;
    }
    assert_eq!(found, packets);
}

// C3-22: it took a first segment for the whole message.
#[test]
fn the_first_segment_of_a_query_is_not_posted_without_the_others() {
    let service = HttpService::always(Reply::ok("pong"));
    let setup = Setup::default();
    let (satellite, radio) = setup.with_radio();
    let format = setup.format(End::Ground);
    let head = Head {
        payload_type: PayloadType::GraphQl,
        class: Class::Standard,
        security: None,
        command_id: 7,
        port: service.port(),
    };
    let long = vec![b' '; 600];
    let mut packet = Vec::new();
    for (index, body) in [(0, long.as_slice()), (0, b"{}")] {
        let count = u16::from(body == b"{}");
        let built = format.build(&head, body, index, count, &mut packet);
        built.expect("the format carries it");
        radio.send(packet.clone());
    }
    satellite.wait_until(|all| all.messages_in.delivered == 1);
    let requests = service.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].body, b"{}");
}

// C3-26: the same packet three times was run three times. What somebody else sends
// again later is for the security layer.
#[test]
fn a_packet_that_a_repeater_sends_three_times_is_run_once() {
    let line = SerialLine::start();
    for _ in 0..3 {
        line.send(line.frame(0, 0));
    }
    line.send(line.frame(1, 0));
    let asked: BTreeSet<_> = line.asked(2).into_iter().collect();
    assert_eq!(asked, BTreeSet::from([query(0), query(1)]));
    assert_eq!(line.service.requests().len(), 2);
}

// C4-33: an example in its documentation was no TOML.
#[test]
fn every_toml_example_of_the_documentation_is_toml() {
    let mut pages = vec![workspace().join("README.md")];
    let book = fs::read_dir(workspace().join("docs/src")).expect("the book");
    pages.extend(book.map(|entry| entry.expect("an entry").path()));
    let mut examples = 0;
    for page in pages.iter().filter(|page| page.extension().is_some()) {
        let text = fs::read_to_string(page).expect("a page");
        for block in text.split("\n```toml").skip(1) {
            let block = block.split("\n```").next().unwrap_or_default();
            let read: Result<toml::Table, _> = block.parse();
            assert!(read.is_ok(), "{}: {}", page.display(), read.unwrap_err());
            examples += 1;
        }
    }
    assert!(examples >= 5, "{examples}");
}

/// The words in backticks of a row's last column.
fn tests_of(row: &str) -> Vec<&str> {
    let column = row.trim_end_matches(" |").rsplit(" | ").next();
    column
        .unwrap_or_default()
        .split('`')
        .skip(1)
        .step_by(2)
        .collect()
}

fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push_str(&fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

#[test]
fn every_defect_has_its_row_and_the_tests_in_it_exist() {
    let page = fs::read_to_string(workspace().join("docs/src/kubos-defects.md")).expect("a page");
    let mut all = String::new();
    for package in [
        "tests",
        "comms-service",
        "radio-hal",
        "ground-gateway",
        "service-host",
    ] {
        sources(&workspace().join(package), &mut all);
    }
    for number in 1..=34 {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| {number} |")));
        let row = row.unwrap_or_else(|| panic!("no row {number}"));
        assert!(!tests_of(row).is_empty(), "{number}: no test");
        for test in tests_of(row) {
            assert!(
                all.contains(&format!("fn {test}()")),
                "{number}: no test {test}"
            );
        }
    }
}
