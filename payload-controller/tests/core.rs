//! What the core decides, in virtual time.

#[path = "core/commands.rs"]
mod commands;
#[path = "core/counts.rs"]
mod counts;
#[path = "core/files.rs"]
mod files;
#[path = "core/health.rs"]
mod health;
#[path = "core/interface.rs"]
mod interface;
#[path = "core/mission.rs"]
mod mission;
#[path = "core/power.rs"]
mod power;
#[path = "core/registration.rs"]
mod registration;
#[path = "core/restart.rs"]
mod restart;
#[path = "core/rig.rs"]
mod rig;
#[path = "core/runs.rs"]
mod runs;
#[path = "core/shutdown.rs"]
mod shutdown;
#[path = "core/telemetry.rs"]
mod telemetry;
#[path = "core/thermal.rs"]
mod thermal;
#[path = "core/windows/mod.rs"]
mod windows;
