//! A driver made of two functions: KISS on a serial line, as its author writes it.

use std::io::{ErrorKind as IoErrorKind, Read, Write};
use std::time::Duration;

use radio_hal::conformance::{self, Outcome, PtyBench, Rule, Setup};
use radio_hal::kiss::{self, Command, Decoder, Port};
use radio_hal::{ErrorKind, FramingConfig, Medium, Radio, RadioError};

const WAIT: Duration = Duration::from_millis(200);

fn failed(error: impl std::fmt::Display) -> RadioError {
    RadioError::new(ErrorKind::Io, error.to_string())
}

/// A `read` and a `write` of whole packets.
fn open(device: &str) -> Result<Radio, RadioError> {
    let builder = serialport::new(device, 9600).timeout(WAIT);
    let mut reader = builder.open().map_err(failed)?;
    let mut writer = reader.try_clone().map_err(failed)?;
    writer.set_timeout(Duration::from_secs(1)).map_err(failed)?;
    let mut decoder = Decoder::new(1024);
    let read = move || loop {
        while let Some(frame) = decoder.next_frame() {
            match frame {
                Ok(frame) if frame.command == Command::Data => return Ok(frame.payload.to_vec()),
                _ => {}
            }
        }
        let mut chunk = [0; 256];
        match reader.read(&mut chunk) {
            Ok(octets) => decoder.push(&chunk[..octets]),
            Err(error) if error.kind() == IoErrorKind::TimedOut => return Ok(Vec::new()),
            Err(error) => {
                decoder.reset();
                return Err(failed(error));
            }
        }
    };
    let write = move |packet: &[u8]| {
        let mut frame = Vec::new();
        kiss::encode(Port::ZERO, Command::Data, packet, &mut frame);
        writer.write_all(&frame).map_err(failed)
    };
    Ok(Radio::from_functions(read, write))
}

#[test]
fn a_driver_of_two_functions_is_checked_on_a_serial_line() {
    let setup = Setup::functions(Medium::Stream, FramingConfig::kiss(), WAIT);
    let report = conformance::check(PtyBench::new(setup, open));
    println!("{report}");
    for rule in [Rule::ReceivesAgain, Rule::TransmitsAgain] {
        let outcome = report.outcome(rule).unwrap();
        assert!(
            matches!(outcome, Outcome::NotApplicable(why) if why.contains("not claim")),
            "{report}"
        );
    }
    report.assert_passed();
}
