//! The engine of a link, both ends joined in memory on virtual time.

mod admission;
mod answers_in_part;
mod command_journal;
mod command_memory;
mod commands;
mod configuration;
mod contact;
mod datagrams;
mod downlink_options;
mod exchanges;
mod link_control;
mod loss;
mod memory;
mod properties;
mod queries;
mod queue;
mod queue_properties;
mod reconfigure;
mod reply_windows;
mod rig;
mod security;
mod segments;
mod service_options;
mod shutdown;
mod submissions;
mod transmission;
