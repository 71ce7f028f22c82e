//! Dire Wolf at the other end: as a TNC of a communications service, and as the
//! referee of our HDLC bits.

mod bits;
mod satellite;
mod tnc;

use std::time::Duration;

/// Longer than anything here takes on a busy machine; only a failure waits it out.
const PATIENCE: Duration = Duration::from_secs(20);
