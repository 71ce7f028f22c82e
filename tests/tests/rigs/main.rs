//! The rigs do what they say.

mod http_service;
mod programs;
mod referees;
mod sockets;
mod sound;

use std::time::Duration;

/// Longer than anything here takes on a busy machine; only a failure waits it out.
const PATIENCE: Duration = Duration::from_secs(20);
