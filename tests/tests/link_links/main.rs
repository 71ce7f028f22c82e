//! Files between apps and what is elsewhere, through the binaries: down to the ground, and up.

mod downlink;
mod site;
mod uplink;

use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
