//! The engine of a link, both ends joined in memory on virtual time.

mod answers_in_part;
mod command_journal;
mod command_memory;
mod commands;
mod configuration;
mod datagrams;
mod exchanges;
mod link_control;
mod loss;
mod memory;
mod properties;
mod queries;
mod rig;
mod segments;
mod shutdown;
mod transmission;
