//! Ready-made wiring for any radio of `radio-hal`.
//!
//! ```no_run
//! use std::sync::{Arc, Mutex};
//!
//! use comms_service::{CommsConfig, CommsTelemetry, LinkOptions, radio};
//! use radio_hal::RadioConfig;
//!
//! # fn start(config: RadioConfig) -> Result<(), Box<dyn std::error::Error>> {
//! let connection = config.open()?;
//! let telemetry = Arc::new(Mutex::new(CommsTelemetry::default()));
//! let service = radio::builder(connection, CommsConfig::default(), LinkOptions::default())?
//!     .start(telemetry)?;
//! # drop(service);
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;

use radio_hal::{ErrorKind, FrameBuffer, Radio, RadioConnection, RadioError};

use crate::config::CommsConfig;
use crate::control::{CommsControlBlock, ReadFn, WriteFn};
use crate::error::{CommsError, CommsResult};
use crate::options::{LinkOptions, RadioPace};
use crate::service::{CommsService, CommsServiceBuilder};

/// A service on `connection`, which says itself how large its packets may be, how
/// fast it sends and how long [`read`] waits.
///
/// # Errors
/// [`CommsError::Address`] where an address of `config` is no IPv4 address;
/// [`CommsError::Config`] where `options` name another read timeout than that of
/// the connection, which was fixed when it was opened.
pub fn builder(
    connection: RadioConnection,
    config: CommsConfig,
    options: LinkOptions,
) -> CommsResult<CommsServiceBuilder<RadioConnection>> {
    let radio_bytes_max = connection.packet_bytes_max();
    let read_timeout = connection.read_timeout();
    let radio_pace = RadioPace {
        bit_rate_bps: connection.properties().bit_rate_bps,
        credits: Some(connection.properties().frames_in_flight_max),
        frame_overhead_bytes: connection.frame_overhead_bytes(),
        is_bit_stuffed: connection.is_bit_stuffed(),
        tx_delay: connection.properties().tx_delay,
    };
    if options.read_timeout_ms.is_some() && options.read_timeout() != read_timeout {
        return Err(CommsError::Config(format!(
            "read-timeout-ms is {} ms, but the radio was opened with {} ms: open it with RadioConfig::with_read_timeout",
            options.read_timeout().as_millis(),
            read_timeout.as_millis()
        )));
    }
    let packets_max = connection.properties().credits_max();
    let controls = CommsControlBlock::new(
        Some(Arc::new(read)),
        vec![Arc::new(write)],
        connection.clone(),
        connection,
        config,
    )?;
    Ok(CommsService::builder(controls)
        .read_many(Arc::new(read_many))
        .write_many(0, packets_max, Arc::new(write_many))
        .options(options)
        .radio_bytes_max(radio_bytes_max)
        .radio_pace(radio_pace)
        .read_timeout(read_timeout))
}

/// Gives the next packet; an empty vector when none came within the connection's
/// read timeout. Frames that are not for us were dropped and counted there.
///
/// # Errors
/// [`CommsError::NotReady`] when the radio is gone for now,
/// [`CommsError::Radio`] when it failed otherwise.
pub fn read(connection: &RadioConnection) -> CommsResult<Vec<u8>> {
    Ok(connection.read()?)
}

/// Frames a packet and hands it to the radio. A read that is waiting meanwhile
/// does not hold it up.
///
/// # Errors
/// [`CommsError::NotReady`] while the radio is busy or gone;
/// [`CommsError::Radio`] when it failed or the packet is too large for it.
pub fn write(connection: &RadioConnection, packet: &[u8]) -> CommsResult<()> {
    Ok(connection.write(packet)?)
}

/// Gives all packets that are there; none when none came within the connection's read
/// timeout. Otherwise as [`read`].
///
/// # Errors
/// As there.
pub fn read_many(connection: &RadioConnection, packets: &mut FrameBuffer) -> CommsResult<()> {
    Ok(connection.read_all(packets)?)
}

/// Frames packets from the front and hands them to the radio, as many as it has room
/// for; gives how many. Otherwise as [`write()`].
///
/// # Errors
/// As there, of the first packet.
pub fn write_many(connection: &RadioConnection, packets: &FrameBuffer) -> CommsResult<usize> {
    Ok(connection.write_all(packets)?)
}

/// A radio of a `read` and a `write` function, so that what `radio-hal` has for
/// radios is there for them too: its conformance kit, its wrappers.
pub fn from_functions<Connection: Clone + Send + 'static>(
    read: Arc<ReadFn<Connection>>,
    write: Arc<WriteFn<Connection>>,
    connection: Connection,
) -> Radio {
    let write_connection = connection.clone();
    let read = move || match read(&connection) {
        Err(CommsError::NoData) => Ok(Vec::new()),
        Err(error) => {
            let kind = match error {
                CommsError::NotReady(_) => ErrorKind::Unavailable,
                _ => ErrorKind::Io,
            };
            Err(RadioError::new(kind, error.to_string()))
        }
        Ok(packet) => Ok(packet),
    };
    let write = move |packet: &[u8]| {
        write(&write_connection, packet).map_err(|error| {
            let kind = match error {
                CommsError::NotReady(_) => ErrorKind::Full,
                _ => ErrorKind::Io,
            };
            RadioError::new(kind, error.to_string())
        })
    };
    Radio::from_functions(read, write)
}
