//! Radios of every kind, through the connection that services use.

use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use radio_hal::ax25::{Digipeater, UiRepr};
use radio_hal::kiss::{self, Command, Port};
use radio_hal::{
    Ax25Config, Callsign, ErrorKind, FrameBuffer, FrameDrop, FramingConfig, LoopbackRadio, Medium,
    Radio, RadioConfig, RadioConnection, RadioError, RadioProperties, RadioReceiver,
    RadioTransmitter, UdpRadio,
};

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(5);

fn call(text: &str) -> Callsign {
    text.parse().unwrap()
}

fn flight_ax25() -> Ax25Config {
    Ax25Config::new(call("SAT1-1"), call("GND-2"))
}

fn ground_ax25() -> Ax25Config {
    Ax25Config::new(call("GND-2"), call("SAT1-1"))
}

fn connect(radio: Radio, framing: FramingConfig, read_timeout: Duration) -> RadioConnection {
    RadioConnection::new(radio, framing, read_timeout).unwrap()
}

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn udp_pair() -> (Radio, Radio) {
    let flight = UdpRadio::bind(any_port()).unwrap();
    let ground = UdpRadio::bind(any_port()).unwrap();
    let (flight_address, ground_address) = (flight.local_address(), ground.local_address());
    (
        flight.with_peer(ground_address).unwrap(),
        ground.with_peer(flight_address).unwrap(),
    )
}

/// A radio, and a plain socket as its peer.
fn udp_radio_and_socket() -> (Radio, UdpSocket) {
    let socket = UdpSocket::bind(any_port()).unwrap();
    let radio = UdpRadio::bind(any_port()).unwrap();
    socket.connect(radio.local_address()).unwrap();
    let radio = radio.with_peer(socket.local_addr().unwrap()).unwrap();
    (radio, socket)
}

fn ui_frame(destination: &str, source: &str, path: &[(&str, bool)], info: &[u8]) -> Vec<u8> {
    let path = path.iter().map(|(callsign, repeated)| Digipeater {
        callsign: call(callsign),
        repeated: *repeated,
    });
    let mut octets = Vec::new();
    UiRepr::new(call(destination), call(source), path.collect())
        .unwrap()
        .emit(info, &mut octets);
    octets
}

fn kiss_data(payload: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    kiss::encode(Port::ZERO, Command::Data, payload, &mut octets);
    octets
}

#[track_caller]
fn carries_packets_both_ways(flight: &RadioConnection, ground: &RadioConnection) {
    let up: Vec<u8> = (0..=255).collect();
    ground.write(&up).unwrap();
    ground.write(b"second").unwrap();
    flight.write(b"down").unwrap();
    assert_eq!(flight.read().unwrap(), up);
    assert_eq!(flight.read().unwrap(), b"second");
    assert_eq!(ground.read().unwrap(), b"down");
    assert_eq!(ground.statistics().transmitted, 2);
    assert_eq!(flight.statistics().delivered, 2);
    assert_eq!(flight.statistics().dropped, 0);
}

#[track_caller]
fn a_waiting_read_does_not_delay_a_write(connection: &RadioConnection, other: &RadioConnection) {
    let reader = thread::spawn({
        let connection = connection.clone();
        move || connection.read()
    });
    thread::sleep(SHORT);
    let started = Instant::now();
    connection.write(b"urgent").unwrap();
    assert!(started.elapsed() < LONG / 10);
    assert!(!reader.is_finished());
    assert_eq!(other.read().unwrap(), b"urgent");
    other.write(b"at last").unwrap();
    assert_eq!(reader.join().unwrap().unwrap(), b"at last");
}

#[test]
fn udp_carries_every_framing_both_ways() {
    for (flight_framing, ground_framing) in [
        (FramingConfig::raw(), FramingConfig::raw()),
        (FramingConfig::kiss(), FramingConfig::kiss()),
        (
            FramingConfig::ax25(flight_ax25()),
            FramingConfig::ax25(ground_ax25()),
        ),
        (
            FramingConfig::kiss_ax25(flight_ax25()),
            FramingConfig::kiss_ax25(ground_ax25()),
        ),
    ] {
        let (flight, ground) = udp_pair();
        carries_packets_both_ways(
            &connect(flight, flight_framing, LONG),
            &connect(ground, ground_framing, LONG),
        );
    }
}

#[test]
fn loopback_carries_packets_both_ways() {
    let (flight, ground) = LoopbackRadio::pair();
    carries_packets_both_ways(
        &connect(flight, FramingConfig::kiss_ax25(flight_ax25()), LONG),
        &connect(ground, FramingConfig::kiss_ax25(ground_ax25()), LONG),
    );
}

#[test]
fn a_waiting_read_delays_a_write_on_neither_udp_nor_loopback() {
    for (flight, ground) in [udp_pair(), LoopbackRadio::pair()] {
        a_waiting_read_does_not_delay_a_write(
            &connect(flight, FramingConfig::raw(), LONG),
            &connect(ground, FramingConfig::raw(), LONG),
        );
    }
}

#[test]
fn a_read_gives_an_empty_vector_when_nothing_came_in_time() {
    let (flight, _ground) = udp_pair();
    let flight = connect(flight, FramingConfig::raw(), SHORT);
    let started = Instant::now();
    assert!(flight.read().unwrap().is_empty());
    assert!(started.elapsed() >= SHORT - Duration::from_millis(5));
    assert!(started.elapsed() < LONG);
    assert_eq!(flight.statistics().received, 0);
}

#[test]
fn frames_that_are_dropped_do_not_prolong_a_read() {
    let (radio, socket) = udp_radio_and_socket();
    let connection = connect(radio, FramingConfig::ax25(flight_ax25()), 2 * SHORT);
    let flood = thread::spawn(move || {
        let started = Instant::now();
        while started.elapsed() < 20 * SHORT {
            let _ = socket.send(b"garbage");
            thread::sleep(Duration::from_millis(1));
        }
    });
    let started = Instant::now();
    assert!(connection.read().unwrap().is_empty());
    assert!(started.elapsed() < 10 * SHORT);
    flood.join().unwrap();
}

#[test]
fn a_peer_that_is_not_there_is_no_error() {
    let nobody = UdpSocket::bind(any_port()).unwrap();
    let peer = nobody.local_addr().unwrap();
    drop(nobody);
    let radio = UdpRadio::open(any_port(), peer).unwrap();
    let connection = connect(radio, FramingConfig::raw(), SHORT);
    for _ in 0..3 {
        connection.write(b"anyone?").unwrap();
        assert!(connection.read().unwrap().is_empty());
    }
}

#[test]
fn a_udp_peer_that_cannot_be_sent_to_is_refused() {
    for peer in ["0.0.0.0:9000", "127.0.0.1:0", "[::1]:9000"] {
        let error = UdpRadio::open(any_port(), peer.parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(error.message().contains(peer), "{error}");
    }
}

#[test]
fn an_address_in_use_is_named() {
    let taken = UdpRadio::bind(any_port()).unwrap();
    let error = UdpRadio::bind(taken.local_address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains(&taken.local_address().to_string()));
}

#[test]
fn every_drop_of_a_kiss_tnc_is_counted_by_its_reason_and_the_sum_adds_up() {
    let (radio, socket) = udp_radio_and_socket();
    let ax25 = Ax25Config {
        n1: 64,
        broadcast: vec![call("CQ")],
        ..flight_ax25()
    };
    let connection = connect(radio, FramingConfig::kiss_ax25(ax25), SHORT);

    let good = ui_frame("SAT1-1", "GND-2", &[], b"good");
    let mut address = good.clone();
    address.insert(13, 0x40);
    let mut callsign = good.clone();
    callsign[0] = b'a' << 1;
    let mut not_ui = good.clone();
    not_ui[14] = 0x3F;
    let mut pid = good.clone();
    pid[15] = 0xCC;
    let mut port_1 = Vec::new();
    kiss::encode(Port::new(1).unwrap(), Command::Data, &good, &mut port_1);
    let mut tx_delay = Vec::new();
    kiss::encode(Port::ZERO, Command::TxDelay, &[50], &mut tx_delay);
    let elsewhere = ui_frame("OTHER", "GND-2", &[], b"x");
    let unrepeated = ui_frame("SAT1-1", "GND-2", &[("RPT", false)], b"x");

    let bad = [
        (FrameDrop::Noise, [b"noise", &kiss_data(&good)[..]].concat()),
        (FrameDrop::Escape, b"\xC0\x00\xDB\x00\xC0".to_vec()),
        (FrameDrop::KissPort, port_1),
        (FrameDrop::KissCommand, tx_delay),
        (FrameDrop::Oversize, kiss_data(&[0x40; 200])),
        (
            FrameDrop::Empty,
            kiss_data(&ui_frame("SAT1-1", "GND-2", &[], b"")),
        ),
        (FrameDrop::Truncated, kiss_data(&good[..14])),
        (FrameDrop::Address, kiss_data(&address)),
        (FrameDrop::Callsign, kiss_data(&callsign)),
        (FrameDrop::NotUi, kiss_data(&not_ui)),
        (FrameDrop::Pid, kiss_data(&pid)),
        (
            FrameDrop::InfoTooLong,
            kiss_data(&ui_frame("SAT1-1", "GND-2", &[], &[1; 65])),
        ),
        (
            FrameDrop::OwnEcho,
            kiss_data(&ui_frame("CQ", "SAT1-1", &[("RPT", true)], b"x")),
        ),
        (FrameDrop::NotAddressedToUs, kiss_data(&elsewhere)),
        (FrameDrop::NotYetRepeated, kiss_data(&unrepeated)),
    ];
    for (_, datagram) in &bad {
        socket.send(datagram).unwrap();
    }
    let stranger = UdpSocket::bind(any_port()).unwrap();
    stranger
        .send_to(&kiss_data(&good), socket.peer_addr().unwrap())
        .unwrap();
    socket
        .send(&kiss_data(&ui_frame(
            "CQ",
            "GND-2",
            &[("RPT", true)],
            b"all",
        )))
        .unwrap();

    assert_eq!(connection.read().unwrap(), b"good");
    assert_eq!(connection.read().unwrap(), b"all");
    assert!(connection.read().unwrap().is_empty());

    let statistics = connection.statistics();
    let expected = bad.iter().map(|(reason, _)| *reason);
    let expected: Vec<_> = expected.chain([FrameDrop::ForeignSource]).collect();
    for (reason, count) in statistics.drops() {
        assert_eq!(count, u64::from(expected.contains(&reason)), "{reason}");
    }
    assert_eq!(statistics.delivered, 2);
    assert_eq!(statistics.dropped, expected.len() as u64);
    assert_eq!(
        statistics.received,
        statistics.delivered + statistics.dropped
    );
}

#[test]
fn a_packet_too_long_or_empty_is_refused_before_anything_is_sent() {
    let (flight, ground) = LoopbackRadio::pair();
    let flight = connect(flight, FramingConfig::kiss_ax25(flight_ax25()), SHORT);
    let ground = connect(ground, FramingConfig::kiss_ax25(ground_ax25()), SHORT);
    assert_eq!(flight.packet_bytes_max(), Some(256));
    let too_long = flight.write(&[0; 257]).unwrap_err();
    assert_eq!(too_long.kind(), ErrorKind::PacketTooLong);
    assert!(too_long.message().contains("257") && too_long.message().contains("256"));
    assert_eq!(
        flight.write(b"").unwrap_err().kind(),
        ErrorKind::PacketEmpty
    );
    assert_eq!(flight.statistics().transmit_failures, 2);
    assert!(ground.read().unwrap().is_empty());
    assert_eq!(ground.statistics().received, 0);
}

#[test]
fn a_full_loopback_and_one_whose_other_end_is_gone_are_typed_errors() {
    let (flight, ground) = LoopbackRadio::pair_with_room(1);
    let flight = connect(flight, FramingConfig::raw(), SHORT);
    flight.write(b"fits").unwrap();
    assert_eq!(flight.write(b"full").unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(flight.statistics().transmit_failures, 0, "nothing is lost");
    drop(ground);

    let (flight, ground) = LoopbackRadio::pair_with_room(1);
    let flight = connect(flight, FramingConfig::raw(), SHORT);
    drop(ground);
    let gone = |error: RadioError| assert_eq!(error.kind(), ErrorKind::Disconnected);
    gone(flight.write(b"gone").unwrap_err());
    gone(flight.read().unwrap_err());
}

#[test]
fn a_configuration_opens_a_working_radio() {
    let socket = UdpSocket::bind(any_port()).unwrap();
    let peer = socket.local_addr().unwrap();
    let connection = RadioConfig::udp(any_port(), peer, FramingConfig::raw())
        .unwrap()
        .with_read_timeout(SHORT)
        .unwrap()
        .open()
        .unwrap();
    connection.write(b"hello").unwrap();
    let mut buffer = [0; 16];
    let (octets, from) = socket.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..octets], b"hello");
    socket.send_to(b"answer", from).unwrap();
    assert_eq!(connection.read().unwrap(), b"answer");
}

/// A driver that panics on its first reception.
struct PanicsOnce(bool);

impl RadioReceiver for PanicsOnce {
    fn receive(&mut self, received: &mut FrameBuffer, _: Duration) -> Result<(), RadioError> {
        if !std::mem::replace(&mut self.0, true) {
            panic!("a bug in the driver");
        }
        received.push(b"alive");
        Ok(())
    }
}

impl RadioTransmitter for PanicsOnce {
    fn transmit(&mut self, _: &[u8]) -> Result<(), RadioError> {
        Ok(())
    }
}

#[test]
fn a_driver_that_panicked_does_not_take_the_next_reader_along() {
    let properties = RadioProperties::new(Medium::Datagrams);
    let radio = Radio::new(properties, PanicsOnce(false), PanicsOnce(true));
    let connection = connect(radio, FramingConfig::raw(), SHORT);
    let first = thread::spawn({
        let connection = connection.clone();
        move || connection.read()
    });
    assert!(first.join().is_err());
    assert_eq!(connection.read().unwrap(), b"alive");
    connection.write(b"too").unwrap();
}

#[cfg(all(feature = "serial", unix))]
mod serial {
    use super::*;
    use radio_hal::{SerialConfig, SerialRadio};
    use serialport::{SerialPort, TTYPort};
    use std::io::{Read, Write};

    /// A serial line: its far end as a plain port, its near end as a radio.
    fn line() -> (TTYPort, Radio) {
        let (mut far, near) = TTYPort::pair().unwrap();
        far.set_timeout(LONG).unwrap();
        let radio = SerialRadio::open(&SerialConfig::new(near.name().unwrap(), 9600)).unwrap();
        (far, radio)
    }

    #[test]
    fn frames_cross_a_noisy_serial_line_in_pieces() {
        let (mut far, radio) = line();
        let flight = connect(radio, FramingConfig::kiss_ax25(flight_ax25()), LONG);
        let packet: Vec<u8> = (0..=255).collect();
        let frame = kiss_data(&ui_frame("SAT1-1", "GND-2", &[], &packet));
        let (head, tail) = frame.split_at(100);
        far.write_all(b"\x00\xFFnoise").unwrap();
        far.write_all(head).unwrap();
        let writer = thread::spawn({
            let tail = [tail, b"\xDB", &frame].concat();
            move || {
                thread::sleep(SHORT);
                far.write_all(&tail).unwrap();
                far
            }
        });
        assert_eq!(flight.read().unwrap(), packet);
        assert_eq!(flight.read().unwrap(), packet);
        let statistics = flight.statistics();
        assert_eq!(statistics.dropped_for(FrameDrop::Noise), 1);
        assert_eq!(statistics.dropped_for(FrameDrop::Escape), 1);
        drop(writer.join().unwrap());
    }

    #[test]
    fn a_waiting_read_does_not_delay_a_write_on_a_serial_line() {
        let (mut far, radio) = line();
        let connection = connect(radio, FramingConfig::kiss(), LONG);
        let reader = thread::spawn({
            let connection = connection.clone();
            move || connection.read()
        });
        thread::sleep(SHORT);
        let started = Instant::now();
        connection.write(b"urgent").unwrap();
        let mut octets = [0; 9];
        far.read_exact(&mut octets).unwrap();
        assert!(started.elapsed() < LONG / 10);
        assert_eq!(octets, kiss_data(b"urgent")[..]);
        assert!(!reader.is_finished());
        far.write_all(&kiss_data(b"at last")).unwrap();
        assert_eq!(reader.join().unwrap().unwrap(), b"at last");
    }

    #[test]
    fn silence_is_empty_and_a_lost_line_is_an_error() {
        let (far, radio) = line();
        let connection = connect(radio, FramingConfig::kiss(), SHORT);
        assert!(connection.read().unwrap().is_empty());
        drop(far);
        assert_eq!(
            connection.read().unwrap_err().kind(),
            ErrorKind::Disconnected
        );
    }

    #[test]
    fn a_line_that_nobody_reads_fails_the_write_instead_of_hanging() {
        let (_far, radio) = line();
        let connection = connect(radio, FramingConfig::kiss(), SHORT);
        let error = (0..64)
            .find_map(|_| connection.write(&[0x55; 4096]).err())
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }

    #[test]
    fn a_framing_without_borders_is_refused_on_a_serial_line() {
        let (_far, radio) = line();
        let error = RadioConnection::new(radio, FramingConfig::raw(), SHORT).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    }

    #[test]
    fn a_device_that_is_not_there_is_named() {
        let error = SerialRadio::open(&SerialConfig::new("/dev/no-such-line", 9600)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("/dev/no-such-line"));
    }
}
