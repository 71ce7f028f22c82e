//! Ready-made `read` and `write` for any radio of `radio-hal`.
//!
//! ```no_run
//! use std::sync::{Arc, Mutex};
//!
//! use comms_service::{CommsConfig, CommsControlBlock, CommsService, CommsTelemetry, radio};
//! use radio_hal::{RadioConfig, RadioConnection};
//!
//! # fn start(config: RadioConfig) -> Result<(), Box<dyn std::error::Error>> {
//! let connection: RadioConnection = config.open()?;
//! let controls = CommsControlBlock::new(
//!     Some(Arc::new(radio::read)),
//!     vec![Arc::new(radio::write)],
//!     connection.clone(),
//!     connection.clone(),
//!     CommsConfig::default(),
//! )?;
//! let telemetry = Arc::new(Mutex::new(CommsTelemetry::default()));
//! let service = CommsService::builder(controls)
//!     .radio_bytes_max(connection.packet_bytes_max())
//!     .read_timeout(connection.read_timeout())
//!     .start(telemetry)?;
//! # drop(service);
//! # Ok(())
//! # }
//! ```

use radio_hal::{RadioConnection, RadioError};

use crate::error::{CommsError, CommsResult};

/// Gives the next packet; an empty vector when none came within the connection's
/// read timeout. Frames that are not for us were dropped and counted there.
///
/// # Errors
/// [`CommsError::Radio`] when the radio failed.
pub fn read(connection: &RadioConnection) -> CommsResult<Vec<u8>> {
    connection.read().map_err(failed)
}

/// Frames a packet and hands it to the radio. A read that is waiting meanwhile
/// does not hold it up.
///
/// # Errors
/// [`CommsError::Radio`] when the radio failed or the packet is too large for it.
pub fn write(connection: &RadioConnection, packet: &[u8]) -> CommsResult<()> {
    connection.write(packet).map_err(failed)
}

fn failed(error: RadioError) -> CommsError {
    CommsError::Radio(error.to_string())
}
