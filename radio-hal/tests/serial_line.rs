//! A radio on a serial line: frames cut anywhere, and a line that is unplugged.

#![cfg(all(feature = "serial", unix))]

use std::thread;
use std::time::{Duration, Instant};

use radio_hal::conformance::{Bench, FarEnd, PtyBench, Setup};
use radio_hal::kiss::{self, Command, Port};
use radio_hal::{
    FlowControl, FramingConfig, Parity, RadioConnection, SerialConfig, SerialRadio, slip,
};

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(10);

/// A line with these settings: our end, and the far one.
fn line(settings: SerialConfig) -> (RadioConnection, Box<dyn FarEnd>) {
    let setup = Setup::stream(FramingConfig::kiss());
    let link = PtyBench::new(setup, move |device| {
        SerialRadio::open(&SerialConfig {
            device: device.to_owned(),
            ..settings.clone()
        })
    })
    .connect()
    .unwrap();
    let connection = RadioConnection::new(link.radio, FramingConfig::kiss(), SHORT);
    (connection.unwrap(), link.far)
}

fn kiss_data(packet: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    kiss::encode(Port::ZERO, Command::Data, packet, &mut octets);
    octets
}

/// Reads, over errors too, until a packet comes.
fn next_packet(connection: &RadioConnection) -> Vec<u8> {
    let started = Instant::now();
    while started.elapsed() < LONG {
        match connection.read() {
            Ok(packet) if !packet.is_empty() => return packet,
            Ok(_) => {}
            Err(_) => thread::sleep(SHORT / 10),
        }
    }
    panic!("no packet within {LONG:?}");
}

/// Everything that comes at the far end until nothing does.
fn all_of(far: &mut dyn FarEnd) -> Vec<u8> {
    let mut octets = Vec::new();
    loop {
        let more = far.receive(4 * SHORT);
        if more.is_empty() {
            return octets;
        }
        octets.extend(more);
    }
}

#[test]
fn frames_cut_at_every_octet_cross_a_line_of_any_settings() {
    let settings = |baud, parity, stop_bits, flow_control| SerialConfig {
        parity,
        stop_bits,
        flow_control,
        ..SerialConfig::new("", baud)
    };
    for settings in [
        settings(1200, Parity::None, 1, FlowControl::None),
        settings(9600, Parity::None, 2, FlowControl::None),
        settings(57_600, Parity::Even, 1, FlowControl::None),
        settings(115_200, Parity::None, 1, FlowControl::Hardware),
        settings(921_600, Parity::Odd, 1, FlowControl::None),
    ] {
        let (connection, mut far) = line(settings);
        let packet = b"\xC0 begins it, \xDB is in it, \x00\xFF\xDB\xDC ends it \xC0";
        let frame = kiss_data(packet);
        for cut in 1..frame.len() {
            let (head, tail) = frame.split_at(cut);
            far.send(head).unwrap();
            thread::sleep(Duration::from_millis(1));
            far.send(tail).unwrap();
            assert_eq!(next_packet(&connection), packet, "cut at {cut}");
        }
        assert_eq!(connection.statistics().dropped, 0);
        connection.write(packet).unwrap();
        assert_eq!(all_of(far.as_mut()), frame);
    }
}

#[test]
fn unplugged_and_plugged_in_again_nothing_is_merged_and_nothing_invented() {
    let (connection, mut far) = line(SerialConfig::new("", 9600));
    for round in 0..6_usize {
        let before = format!("before {round}").into_bytes();
        let cut = kiss_data(format!("cut in round {round}").as_bytes());
        let after = format!("after {round}").into_bytes();
        far.send(&kiss_data(&before)).unwrap();
        assert_eq!(next_packet(&connection), before);

        // A part of a frame, another in each round, then the rest on a new line.
        let (head, tail) = cut.split_at(1 + 3 * round);
        far.send(head).unwrap();
        if round % 2 == 0 {
            assert!(connection.read().unwrap().is_empty());
        }
        far.cut();
        if round % 3 == 0 {
            assert!(connection.read().is_err(), "the loss is told");
        }
        far.restore().unwrap();
        far.send(tail).unwrap();
        far.send(&kiss_data(&after)).unwrap();
        assert_eq!(next_packet(&connection), after, "in round {round}");
    }
    assert_eq!(connection.statistics().delivered, 12);
}

#[test]
fn what_is_written_while_unplugged_is_refused_and_arrives_once_when_offered_again() {
    let (connection, mut far) = line(SerialConfig::new("", 9600));
    far.cut();
    let started = Instant::now();
    let refused = loop {
        match connection.write(b"again") {
            Err(error) => break error,
            Ok(()) => assert!(started.elapsed() < LONG, "a line that is gone takes frames"),
        }
    };
    assert!(refused.kind().may_be_tried_again(), "{refused}");

    far.restore().unwrap();
    let started = Instant::now();
    while let Err(error) = connection.write(b"again") {
        assert!(error.kind().may_be_tried_again(), "{error}");
        assert!(started.elapsed() < LONG, "{error}");
    }
    connection.write(b"next").unwrap();
    let expected = [kiss_data(b"again"), kiss_data(b"next")].concat();
    let arrived = all_of(far.as_mut());
    // A frame of which a part may have been sent is given up first.
    let arrived = arrived.strip_prefix(&slip::ABORT).unwrap_or(&arrived);
    assert_eq!(arrived, expected);
}
