//! The controller, as its program runs it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use payload_controller::Service;
use service_host::config_file::ConfigFile;

use crate::child;

/// What it runs with.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    config: PathBuf,
}

/// Runs it until who started it has gone. The ready line names its port for plain text.
///
/// # Errors
/// When it does not start.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let service = Service::start(&ConfigFile::read(&arguments.config)?)?;
    let addr = service.grpc.local_plain_addr();
    child::ready(&[addr.context("it has no plain text")?.port()])?;
    child::until_alone();
    Ok(())
}
