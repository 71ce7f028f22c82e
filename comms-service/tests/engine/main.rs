//! The engine of a link, both ends joined in memory on virtual time.

mod commands;
mod configuration;
mod datagrams;
mod downlink_options;
mod exchanges;
mod memory;
mod properties;
mod queries;
mod queue;
mod queue_properties;
mod rig;
mod segments;
mod shutdown;
mod submissions;
mod transmission;
