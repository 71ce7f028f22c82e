//! A radio on a serial line, such as a KISS TNC: 8 data bits. A line that was
//! unplugged is opened again when it is back.

use std::io::{self, Read, Write};
use std::time::Duration;

use serialport::{DataBits, SerialPort};

use crate::error::{ErrorKind, RadioError};
use crate::radio::Radio;
use crate::serial_config::{FlowControl, Parity, SerialConfig};
use crate::stream::{self, StreamDevice, StreamReader, StreamWriter};

/// Octets handed to the line at a time.
const WRITE_PART_BYTES_MAX: usize = 256;

/// Opens radios on serial lines.
#[derive(Debug)]
pub struct SerialRadio(());

impl SerialRadio {
    /// Opens the line. The device is held exclusively where the system can do
    /// so.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if the device cannot be opened or does not
    /// take the settings. Once it is open, the radio opens it again itself.
    pub fn open(config: &SerialConfig) -> Result<Radio, RadioError> {
        Self::open_greeting(config, Vec::new())
    }

    /// As [`open`](Self::open); `greeting` is sent first whenever the line is
    /// opened, such as the parameters of a TNC.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_greeting(config: &SerialConfig, greeting: Vec<u8>) -> Result<Radio, RadioError> {
        stream::open(Line(config.clone()), greeting)
    }
}

struct Line(SerialConfig);

impl StreamDevice for Line {
    type Reader = LineReader;
    type Writer = LineWriter;

    fn open(&self) -> Result<(LineReader, LineWriter), RadioError> {
        let config = &self.0;
        let unavailable = |error: serialport::Error| {
            let SerialConfig { device, baud, .. } = config;
            RadioError::new(
                ErrorKind::Unavailable,
                format!(
                    "serial device {device:?} cannot be opened at {baud} baud: {error}; \
                     check its name, your permission and that nothing else uses it"
                ),
            )
        };
        let builder = serialport::new(&config.device, config.baud)
            .data_bits(DataBits::Eight)
            .parity(match config.parity {
                Parity::None => serialport::Parity::None,
                Parity::Even => serialport::Parity::Even,
                Parity::Odd => serialport::Parity::Odd,
            })
            .stop_bits(match config.stop_bits {
                2 => serialport::StopBits::Two,
                _ => serialport::StopBits::One,
            })
            .flow_control(match config.flow_control {
                FlowControl::None => serialport::FlowControl::None,
                FlowControl::Hardware => serialport::FlowControl::Hardware,
                FlowControl::Software => serialport::FlowControl::Software,
            });
        let port = open_port(&builder).map_err(unavailable)?;
        let reader = LineReader(port.try_clone().map_err(unavailable)?);
        Ok((reader, LineWriter(port)))
    }

    fn name(&self) -> String {
        format!("serial device {:?}", self.0.device)
    }
}

/// A line whose writes take what there is room for. As the crate opens it, a
/// write waits until all of it is taken, for ever if the line stalls.
#[cfg(unix)]
fn open_port(builder: &serialport::SerialPortBuilder) -> serialport::Result<Box<dyn SerialPort>> {
    use std::os::fd::AsRawFd;

    use nix::fcntl::{FcntlArg, OFlag, fcntl};

    let port = builder.clone().open_native()?;
    fcntl(port.as_raw_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(io::Error::from)?;
    Ok(Box::new(port))
}

#[cfg(not(unix))]
fn open_port(builder: &serialport::SerialPortBuilder) -> serialport::Result<Box<dyn SerialPort>> {
    builder.clone().open()
}

struct LineReader(Box<dyn SerialPort>);

impl StreamReader for LineReader {
    fn read(&mut self, chunk: &mut [u8], timeout: Duration) -> io::Result<usize> {
        // Each half has its own timeout, kept in the process, so this costs no
        // system call and does not reach the transmitter.
        self.0.set_timeout(timeout)?;
        self.0.read(chunk)
    }
}

struct LineWriter(Box<dyn SerialPort>);

impl StreamWriter for LineWriter {
    fn write(&mut self, octets: &[u8], timeout: Duration) -> io::Result<usize> {
        self.0.set_timeout(timeout)?;
        let part = octets.get(..WRITE_PART_BYTES_MAX).unwrap_or(octets);
        self.0.write(part)
    }
}
