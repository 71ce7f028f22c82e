//! The agent.

mod crash;
mod intake;
mod items;
mod mounts;
mod original;
mod power_cuts;
mod pump;
mod queue;
mod rig;
mod room;
mod telemetry;
mod up;
mod uploads;
mod weaknesses;
