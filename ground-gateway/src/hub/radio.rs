//! How the holder of a link writes to its radio.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use comms_service::{CommsError, CommsResult};
use radio_hal::{ErrorKind, RadioConnection};

/// A radio that is gone may take so long to come back. Then commands fail, and say
/// why: somebody sits there and waits.
const GONE_MAX: Duration = Duration::from_secs(5);

/// A `write` that waits for a radio that is busy as long as that takes, and for one
/// that is gone up to [`GONE_MAX`].
pub(super) fn write() -> impl Fn(&RadioConnection, &[u8]) -> CommsResult<()> + Send + Sync {
    let gone_since = Mutex::new(None);
    move |connection, packet| {
        let written = connection.write(packet);
        let mut gone_since = gone_since.lock().unwrap_or_else(PoisonError::into_inner);
        let Err(error) = written else {
            *gone_since = None;
            return Ok(());
        };
        let gone = [ErrorKind::Disconnected, ErrorKind::Unavailable];
        if !gone.contains(&error.kind()) {
            *gone_since = None;
            return Err(error.into());
        }
        let since = *gone_since.get_or_insert_with(Instant::now);
        match since.elapsed() < GONE_MAX {
            true => Err(error.into()),
            false => Err(CommsError::Radio(error.to_string())),
        }
    }
}
