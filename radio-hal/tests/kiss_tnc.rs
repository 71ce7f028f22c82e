//! A KISS TNC behind TCP that is restarted.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use radio_hal::kiss::{self, Command, Port};
use radio_hal::{RadioConfig, RadioConnection};

const LONG: Duration = Duration::from_secs(10);

fn kiss_frame(command: Command, payload: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    kiss::encode(Port::ZERO, command, payload, &mut octets);
    octets
}

fn config(tnc: &TcpListener) -> RadioConfig {
    let text = format!(
        "kind = 'kiss-tcp'\npeer = '{}'\nframing = 'kiss'\nread-timeout-ms = 50\n\
         duplex = 'half'\ntx-delay-ms = 300\ntx-tail-ms = 45\npersistence = 63\n\
         slot-time-ms = 100",
        tnc.local_addr().unwrap()
    );
    toml::from_str(&text).unwrap()
}

/// What the TNC is told: times in units of 10 ms, rounded up.
fn parameters() -> Vec<u8> {
    [
        kiss_frame(Command::TxDelay, &[30]),
        kiss_frame(Command::Persistence, &[63]),
        kiss_frame(Command::SlotTime, &[10]),
        kiss_frame(Command::TxTail, &[5]),
        kiss_frame(Command::FullDuplex, &[0]),
    ]
    .concat()
}

/// Waits for the radio to connect; it does so while it is read from.
fn accept(tnc: &TcpListener, radio: &RadioConnection) -> TcpStream {
    tnc.set_nonblocking(true).unwrap();
    let started = Instant::now();
    loop {
        match tnc.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).unwrap();
                stream.set_read_timeout(Some(LONG)).unwrap();
                return stream;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        assert!(started.elapsed() < LONG, "the radio does not connect");
        let _ = radio.read();
    }
}

fn read(stream: &mut TcpStream, octets: usize) -> Vec<u8> {
    let mut read = vec![0; octets];
    stream.read_exact(&mut read).unwrap();
    read
}

#[test]
fn a_tnc_is_told_its_parameters_first_on_every_connection() {
    let tnc = TcpListener::bind("127.0.0.1:0").unwrap();
    let radio = config(&tnc).open().unwrap();
    for round in 0..3 {
        let mut stream = accept(&tnc, &radio);
        let told = parameters();
        assert_eq!(read(&mut stream, told.len()), told, "connection {round}");

        let sent = kiss_frame(Command::Data, b"down");
        radio.write(b"down").unwrap();
        assert_eq!(read(&mut stream, sent.len()), sent);
        stream.write_all(&kiss_frame(Command::Data, b"up")).unwrap();
        let started = Instant::now();
        let mut packet = Vec::new();
        while packet.is_empty() && started.elapsed() < LONG {
            packet = radio.read().unwrap();
        }
        assert_eq!(packet, b"up");
        // The TNC ends within a frame.
        stream.write_all(b"\xC0\x00a part").unwrap();
    }
    assert_eq!(radio.statistics().delivered, 3);
}

#[test]
fn a_tnc_that_is_not_there_yet_is_named() {
    let tnc = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = config(&tnc);
    let address = tnc.local_addr().unwrap();
    drop(tnc);
    let error = config.open().unwrap_err();
    assert_eq!(error.kind(), radio_hal::ErrorKind::Unavailable);
    assert!(error.message().contains(&address.to_string()), "{error}");
}
