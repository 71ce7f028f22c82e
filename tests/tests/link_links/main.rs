//! Files between apps and what is elsewhere, through the binaries: down to the ground, up,
//! and across to another spacecraft.

mod app;
mod crosslink;
mod downlink;
mod relay;
mod site;
mod uplink;

use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
