//! Windows of payloads that are called through `payload_exec`.

mod chance;
mod clocks;
mod orders;
mod restart;
mod rig;
mod setbacks;
mod way;
