//! The communications service as its users see it: a radio in front of it,
//! services and mission apps behind it, and an operator on the ground.

mod rig;

mod answers;
mod capacity;
mod connections;
mod downlink;
mod downlink_map;
mod failing_services;
mod files;
mod garbage;
mod kubos_defects;
mod kubos_format;
mod own_format;
mod passthrough;
mod pdus;
mod quick_radio;
mod radio_faults;
mod radio_hal;
mod reconfigure;
mod security;
mod shutdown;
mod start_errors;
mod submit;
mod telemetry;
mod threads;
mod udp_format;
mod use_cases;

use std::time::Duration;

/// Longer than anything here takes on a busy machine; only a failure waits it out.
const PATIENCE: Duration = Duration::from_secs(20);
