//! A radio on a serial line, such as a KISS TNC: 8 data bits, no parity, one
//! stop bit, no flow control.

use std::io::{self, Read, Write};
use std::time::Duration;

use serialport::{DataBits, FlowControl, Parity, SerialPort, StopBits};

use crate::radio::{ErrorKind, Medium, Radio, RadioError, RadioReceiver, RadioTransmitter};

/// The most octets that one `receive` appends.
pub const SERIAL_CHUNK_BYTES_MAX: usize = 4096;

/// How long the line may take no octet at all before a transmission fails.
pub const SERIAL_STALL_TIMEOUT_MS: u64 = 2000;

/// Octets handed to the line at a time. The line is asked for room before each
/// part, so a line that stalls is noticed within a frame.
const WRITE_PART_BYTES_MAX: usize = 256;

/// Opens radios on serial lines.
#[derive(Debug)]
pub struct SerialRadio(());

impl SerialRadio {
    /// Opens the serial device `path` (such as `/dev/ttyUSB0`) at `baud` bits
    /// per second. The device is held exclusively where the system can do so.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the device cannot be opened or does not
    /// take the settings.
    pub fn open(path: &str, baud: u32) -> Result<Radio, RadioError> {
        let unavailable = |error: serialport::Error| {
            RadioError::new(
                ErrorKind::Unavailable,
                format!(
                    "serial device {path:?} cannot be opened at {baud} baud: {error}; \
                     check its name, your permission and that nothing else uses it"
                ),
            )
        };
        let port = serialport::new(path, baud)
            .data_bits(DataBits::Eight)
            .parity(Parity::None)
            .stop_bits(StopBits::One)
            .flow_control(FlowControl::None)
            .timeout(Duration::from_millis(SERIAL_STALL_TIMEOUT_MS))
            .open()
            .map_err(unavailable)?;
        let receiver = SerialReceiver {
            port: port.try_clone().map_err(unavailable)?,
            chunk: vec![0; SERIAL_CHUNK_BYTES_MAX].into_boxed_slice(),
        };
        Ok(Radio::new(receiver, SerialTransmitter { port }))
    }
}

struct SerialReceiver {
    port: Box<dyn SerialPort>,
    chunk: Box<[u8]>,
}

impl RadioReceiver for SerialReceiver {
    fn receive(&mut self, buffer: &mut Vec<u8>, timeout: Duration) -> Result<usize, RadioError> {
        // Each half has its own timeout, kept in the process, so this costs no
        // system call and does not reach the transmitter.
        self.port
            .set_timeout(timeout)
            .map_err(|error| line_error("read", &error.into()))?;
        match self.port.read(&mut self.chunk) {
            Ok(0) => Err(RadioError::new(
                ErrorKind::Disconnected,
                "the serial line was closed by its other end",
            )),
            Ok(octets) => {
                buffer.extend_from_slice(self.chunk.get(..octets).unwrap_or_default());
                Ok(octets)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::TimedOut
                | io::ErrorKind::WouldBlock
                | io::ErrorKind::Interrupted => Ok(0),
                _ => Err(line_error("read", &error)),
            },
        }
    }

    fn medium(&self) -> Medium {
        Medium::Stream
    }
}

struct SerialTransmitter {
    port: Box<dyn SerialPort>,
}

impl RadioTransmitter for SerialTransmitter {
    fn transmit(&mut self, octets: &[u8]) -> Result<(), RadioError> {
        octets
            .chunks(WRITE_PART_BYTES_MAX)
            .try_for_each(|part| self.port.write_all(part))
            .map_err(|error| line_error("written", &error))
    }

    fn frame_bytes_max(&self) -> Option<usize> {
        None
    }
}

fn line_error(verb: &str, error: &io::Error) -> RadioError {
    let kind = match error.kind() {
        io::ErrorKind::TimedOut => ErrorKind::Timeout,
        io::ErrorKind::BrokenPipe | io::ErrorKind::NotFound => ErrorKind::Disconnected,
        _ => ErrorKind::Io,
    };
    RadioError::new(kind, format!("serial line could not be {verb}: {error}"))
}
