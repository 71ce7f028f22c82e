//! Format `udp`: the radio carries whole UDP datagrams, whose destination port
//! names the service.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::message::PayloadType;
use comms_service::{LinkOptions, PacketFormat};
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::udp::UdpPeer;

use crate::PATIENCE;
use crate::rig::{Flight, READ_TIMEOUT, Radio, Satellite, Setup, error_document, free_udp_range};

/// Where the ground's datagrams come from, and answers go to.
const ASKER: u16 = 9001;
/// Where the datagrams of apps go to.
const GROUND_PORT: u16 = 9002;
const GROUND_IP: Ipv4Addr = Ipv4Addr::new(192, 168, 8, 1);

fn setup(http_ports: &[u16]) -> Setup {
    Setup {
        handlers: 4,
        downlink_ports: Some(vec![0]),
        ground_port: Some(GROUND_PORT),
        ground_ip: GROUND_IP,
        options: LinkOptions {
            format: PacketFormat::Udp,
            http_ports: http_ports.to_vec(),
            ..LinkOptions::default()
        },
        ..Setup::default()
    }
}

fn start() -> (Satellite, Radio) {
    setup(&[]).with_radio()
}

/// A datagram with its header, between the ground and 127.0.0.1.
fn datagram(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16 + 8;
    let mut datagram = Vec::new();
    for field in [source, destination, length, 0] {
        datagram.extend(field.to_be_bytes());
    }
    datagram.extend_from_slice(payload);
    let checksum = !sum(&datagram);
    datagram[6..8].copy_from_slice(&checksum.to_be_bytes());
    datagram
}

/// The one's complement sum of RFC 768, pseudo header included.
fn sum(datagram: &[u8]) -> u16 {
    let mut covered = Vec::new();
    covered.extend(GROUND_IP.octets());
    covered.extend(Ipv4Addr::LOCALHOST.octets());
    covered.extend([0, 17]);
    covered.extend((datagram.len() as u16).to_be_bytes());
    covered.extend_from_slice(datagram);
    if covered.len() % 2 == 1 {
        covered.push(0);
    }
    covered.chunks(2).fold(0, |sum: u16, pair| {
        let (sum, carry) = sum.overflowing_add(u16::from_be_bytes([pair[0], pair[1]]));
        sum + u16::from(carry)
    })
}

/// A datagram taken apart, its length and its checksum checked.
#[track_caller]
fn taken_apart(datagram: &[u8]) -> (u16, u16, &[u8]) {
    let field = |at: usize| u16::from_be_bytes([datagram[at], datagram[at + 1]]);
    assert_eq!(usize::from(field(4)), datagram.len());
    assert_eq!(sum(datagram), 0xFFFF, "its checksum is wrong");
    (field(0), field(2), &datagram[8..])
}

#[test]
fn the_answer_of_a_service_comes_down_with_the_ports_swapped() {
    let service = UdpPeer::bind();
    let (_satellite, radio) = start();
    radio.send(datagram(ASKER, service.port(), b"{ping}"));
    let asked = service.expect(PATIENCE);
    assert_eq!(asked.payload, b"{ping}");
    service.send_to(asked.from.port(), b"{\"data\":{\"ping\":\"pong\"}}");
    let answer = radio.expect();
    let expected = &b"{\"data\":{\"ping\":\"pong\"}}"[..];
    assert_eq!(taken_apart(&answer), (service.port(), ASKER, expected));
}

#[test]
fn an_answer_of_odd_length_has_the_right_checksum() {
    let service = UdpPeer::bind();
    let (_satellite, radio) = start();
    radio.send(datagram(ASKER, service.port(), b"abc"));
    let asked = service.expect(PATIENCE);
    service.send_to(asked.from.port(), b"xyz");
    assert_eq!(taken_apart(&radio.expect()).2, b"xyz");
}

#[test]
fn requests_leave_from_the_handler_ports() {
    let service = UdpPeer::bind();
    let ports = free_udp_range(8);
    let (_satellite, radio) = Setup {
        handler_ports: ports.clone(),
        ..setup(&[])
    }
    .with_radio();
    for _ in 0..4 {
        radio.send(datagram(ASKER, service.port(), b"{ping}"));
        let from = service.expect(PATIENCE).from.port();
        assert!(ports.contains(&from), "{from} is not of {ports:?}");
        service.send_to(from, b"pong");
        radio.expect();
    }
}

#[test]
fn fewer_handler_ports_than_handlers_are_enough() {
    let service = UdpPeer::bind();
    let (satellite, radio) = Setup {
        handler_ports: free_udp_range(2),
        ..setup(&[])
    }
    .with_radio();
    assert_eq!(satellite.handler_addrs().len(), 2);
    for asker in [9001, 9003, 9004] {
        radio.send(datagram(asker, service.port(), b"{ping}"));
    }
    for _ in 0..3 {
        let asked = service.expect(PATIENCE);
        service.send_to(asked.from.port(), b"pong");
        radio.expect();
    }
}

// As many ports as handlers, which is the default: one of them is for datagrams.
#[test]
fn every_request_of_a_long_pass_reaches_its_service() {
    let service = UdpPeer::bind();
    let (_satellite, radio) = Setup {
        handler_ports: free_udp_range(4),
        ..setup(&[])
    }
    .with_radio();
    for number in 0..50_u16 {
        radio.send(datagram(ASKER, service.port(), &number.to_be_bytes()));
        let asked = service.expect(PATIENCE);
        assert_eq!(asked.payload, number.to_be_bytes());
        service.send_to(asked.from.port(), b"pong");
        radio.expect();
    }
}

#[test]
fn answers_reach_their_askers_whatever_their_order() {
    let service = UdpPeer::bind();
    let (_satellite, radio) = start();
    let askers = [9001, 9005, 9003, 9004];
    for asker in askers {
        radio.send(datagram(asker, service.port(), &asker.to_be_bytes()));
    }
    let mut asked = askers.map(|_| service.expect(PATIENCE));
    asked.reverse();
    for asked in asked {
        service.send_to(asked.from.port(), &asked.payload);
        let answer = radio.expect();
        let (_, asker, payload) = taken_apart(&answer);
        assert_eq!(asker.to_be_bytes(), payload);
    }
}

#[test]
fn more_requests_than_sockets_wait_for_one() {
    let service = UdpPeer::bind();
    let (_satellite, radio) = start();
    for number in 0..20_u16 {
        radio.send(datagram(ASKER + number, service.port(), b"{ping}"));
    }
    for _ in 0..20 {
        let asked = service.expect(PATIENCE);
        service.send_to(asked.from.port(), b"pong");
        radio.expect();
    }
}

#[test]
fn a_service_that_does_not_answer_is_counted_and_not_answered_for() {
    let (mute, service) = (UdpPeer::bind(), UdpPeer::bind());
    let (satellite, radio) = Setup {
        timeout: Duration::from_millis(200),
        ..setup(&[])
    }
    .with_radio();
    radio.send(datagram(ASKER, mute.port(), b"{ping}"));
    let timed_out = DropReason::ServiceTimeout;
    let counted = satellite.wait_until(|all| all.messages_in.dropped.of(timed_out) == 1);
    assert_eq!(counted.messages_out.offered, 0);
    radio.send(datagram(ASKER, service.port(), b"{ping}"));
    let asked = service.expect(PATIENCE);
    service.send_to(asked.from.port(), b"pong");
    assert_eq!(taken_apart(&radio.expect()).0, service.port());
}

#[test]
fn an_answer_that_comes_too_late_is_nobodys() {
    let service = UdpPeer::bind();
    let (satellite, radio) = Setup {
        timeout: Duration::from_millis(200),
        handlers: 1,
        ..setup(&[])
    }
    .with_radio();
    radio.send(datagram(ASKER, service.port(), b"first"));
    let late = service.expect(PATIENCE);
    satellite.wait_until(|all| all.messages_in.dropped.total() == 1);
    service.send_to(late.from.port(), b"late");
    radio.send(datagram(ASKER, service.port(), b"second"));
    let asked = service.expect(PATIENCE);
    assert_eq!(asked.payload, b"second");
    service.send_to(asked.from.port(), b"in time");
    assert_eq!(taken_apart(&radio.expect()).2, b"in time");
}

#[test]
fn a_stranger_cannot_answer_for_a_service() {
    let (service, stranger) = (UdpPeer::bind(), UdpPeer::bind());
    let (_satellite, radio) = start();
    radio.send(datagram(ASKER, service.port(), b"{ping}"));
    let asked = service.expect(PATIENCE);
    stranger.send_to(asked.from.port(), b"forged");
    service.send_to(asked.from.port(), b"pong");
    assert_eq!(taken_apart(&radio.expect()).2, b"pong");
}

/// A socket at an address of this host that is not the services'.
fn from_elsewhere() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).expect("a free UDP port")
}

#[test]
fn datagrams_from_elsewhere_are_told() {
    let (satellite, _radio) = start();
    let sent = from_elsewhere().send_to(b"forged", satellite.handler_addrs()[1]);
    sent.expect("the datagram is sent");
    let told = satellite.wait_until(|all| !all.errors.is_empty()).errors;
    assert!(told[0].contains("the last from 127.0.0.2:"), "{told:?}");
}

// An event tells of a change only: what one turn leaves unread, no event tells of.
#[test]
fn an_answer_after_a_burst_of_datagrams_is_not_left_unread() {
    let service = UdpPeer::bind();
    let stranger = from_elsewhere();
    let (_satellite, radio) = start();
    for _ in 0..20 {
        radio.send(datagram(ASKER, service.port(), b"{ping}"));
        let asked = service.expect(PATIENCE);
        for _ in 0..200 {
            let sent = stranger.send_to(b"forged", asked.from);
            sent.expect("the datagram is sent");
        }
        service.send_to(asked.from.port(), b"pong");
        assert_eq!(taken_apart(&radio.expect()).2, b"pong");
    }
}

/// Threads that send datagrams as fast as they can.
struct Flood {
    done: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Flood {
    fn start(target: SocketAddr) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let run = move |done: Arc<AtomicBool>| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free UDP port");
            while !done.load(Ordering::Relaxed) {
                let _ = socket.send_to(b"unasked", target);
            }
        };
        let start = |_| {
            thread::spawn({
                let done = Arc::clone(&done);
                move || run(done)
            })
        };
        Flood {
            threads: (0..3).map(start).collect(),
            done,
        }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[test]
fn a_service_stops_in_time_while_datagrams_pour_in() {
    let (satellite, _radio) = Setup {
        timeout: Duration::from_millis(500),
        ..setup(&[])
    }
    .with_radio();
    let _flood = Flood::start(satellite.handler_addrs()[1]);
    satellite.wait_until(|all| !all.errors.is_empty());
    assert_eq!(satellite.shut_down().report.detached, [""; 0]);
}

#[test]
fn a_port_of_http_ports_is_posted_to() {
    let service = HttpService::always(Reply::ok("pong"));
    let (_satellite, radio) = setup(&[service.port()]).with_radio();
    radio.send(datagram(ASKER, service.port(), b"{ping}"));
    let answer = radio.expect();
    assert_eq!(taken_apart(&answer), (service.port(), ASKER, &b"pong"[..]));
    assert_eq!(service.requests()[0].body, b"{ping}");
}

#[test]
fn an_http_service_that_fails_is_answered_for_with_an_error_document() {
    let service = HttpService::always(Reply::hang_up());
    let (_satellite, radio) = setup(&[service.port()]).with_radio();
    radio.send(datagram(ASKER, service.port(), b"{ping}"));
    let answer = radio.expect();
    let (code, _) = error_document(taken_apart(&answer).2);
    assert_eq!(code, "heliograph/service-error");
}

#[test]
fn a_datagram_of_an_app_goes_to_the_ground_port() {
    let app = UdpPeer::bind();
    let (satellite, radio) = start();
    let port = satellite.downlink_port(0);
    app.send_to(port, b"beacon");
    let beacon = radio.expect();
    assert_eq!(taken_apart(&beacon), (port, GROUND_PORT, &b"beacon"[..]));
}

#[test]
fn datagrams_with_a_wrong_or_missing_checksum_are_counted() {
    let service = UdpPeer::bind();
    let (satellite, radio) = start();
    let good = datagram(ASKER, service.port(), b"{ping}");
    for at in [0, 3, 7, 9] {
        let mut flipped = good.clone();
        flipped[at] ^= 0x04;
        radio.send(flipped);
    }
    let mut missing = good.clone();
    missing[6..8].fill(0);
    radio.send(missing);
    radio.send(good);
    let asked = service.expect(PATIENCE);
    service.send_to(asked.from.port(), b"pong");
    radio.expect();
    let counted = satellite.wait_until_drained().packets_in;
    assert_eq!(counted.dropped.of(DropReason::ErrorControl), 5);
    assert_eq!(counted.delivered, 1);
}

#[test]
fn an_operator_can_ask_and_listen() {
    let (service, app) = (UdpPeer::bind(), UdpPeer::bind());
    let Flight { satellite, ground } = setup(&[]).flight();
    let id = ground.command(PayloadType::UdpExchange, service.port(), b"{ping}");
    let asked = service.expect(PATIENCE);
    service.send_to(asked.from.port(), b"pong");
    assert_eq!(ground.answer_to(id), b"pong");
    app.send_to(satellite.downlink_port(0), b"beacon");
    assert_eq!(ground.heard().payload, b"beacon");
}

#[test]
fn the_stop_takes_no_longer_than_the_time_outs_even_when_they_are_short() {
    let service = UdpPeer::bind();
    let (satellite, radio) = Setup {
        timeout: Duration::from_millis(50),
        ..setup(&[])
    }
    .with_radio();
    // Whether or not it is in time, the reply thread hears of it.
    service.send_to(satellite.handler_addrs()[1].port(), b"unasked");
    satellite.wait_until(|all| !all.errors.is_empty());
    drop(radio);
    assert_eq!(satellite.shut_down().report.detached, [""; 0]);
}

#[test]
fn a_service_stops_in_time_while_requests_are_open() {
    let mute = UdpPeer::bind();
    let timeout = Duration::from_secs(2);
    let (satellite, radio) = Setup {
        timeout,
        ..setup(&[])
    }
    .with_radio();
    for number in 0..10 {
        radio.send(datagram(ASKER + number, mute.port(), b"{ping}"));
    }
    satellite.wait_until(|all| all.messages_in.offered == 10);
    let landing = satellite.shut_down();
    assert_eq!(landing.report.detached, [""; 0]);
    assert!(landing.took < READ_TIMEOUT + Duration::from_millis(500));
    let counted = landing.report.statistics;
    assert_eq!(counted.messages_in.dropped.of(DropReason::Shutdown), 10);
    assert_eq!(counted.memory_bytes_used, 0);
}
