//! The engine of a link, both ends joined in memory on virtual time.

mod admission;
mod commands;
mod configuration;
mod contact;
mod datagrams;
mod exchanges;
mod memory;
mod properties;
mod queries;
mod reconfigure;
mod reply_windows;
mod rig;
mod segments;
mod service_options;
mod shutdown;
mod transmission;
