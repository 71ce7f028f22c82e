//! The agent.

mod crash;
mod intake;
mod items;
mod pump;
mod queue;
mod rig;
mod room;
mod telemetry;
mod up;
mod uploads;
mod weaknesses;
