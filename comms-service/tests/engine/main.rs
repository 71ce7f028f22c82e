//! The engine of a link, both ends joined in memory on virtual time.

mod commands;
mod configuration;
mod datagrams;
mod exchanges;
mod memory;
mod properties;
mod queries;
mod rig;
mod security;
mod segments;
mod shutdown;
mod transmission;
