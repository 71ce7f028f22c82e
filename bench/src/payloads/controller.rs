//! The controller, as a process of its own.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use payload_controller::Service;
use service_host::config_file::ConfigFile;

use crate::child;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Its configuration.
    config: PathBuf,
}

/// Runs it until who started it has gone. The ready line names its port.
///
/// # Errors
/// When it does not start.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let file = ConfigFile::find(Some(&arguments.config))?;
    let service = Service::start(&file)?;
    let grpc = service.grpc.as_ref();
    let grpc = grpc.context("no payload of it calls by gRPC")?;
    child::ready(&[grpc.local_addr().port()])?;
    child::until_alone();
    Ok(())
}
