//! The agent.

mod crash;
mod intake;
mod items;
mod link;
mod mounts;
mod original;
mod power_cuts;
mod pump;
mod queue;
mod rig;
mod room;
mod setbacks;
mod telemetry;
mod up;
mod uploads;
mod weaknesses;
