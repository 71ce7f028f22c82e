//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use payload_interface::AppName;
use service_host::arguments::HostArguments;

use crate::signalling::doctor::Doctor;
use crate::signalling::keeper::Keep;

/// The spacecraft's side of hosted payloads.
#[derive(Debug, Parser)]
#[command(
    name = "payload-controller",
    version,
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Arguments {
    /// Of `run`, which is meant where no command is named.
    #[command(flatten)]
    pub(crate) run: HostArguments,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs until SIGINT or SIGTERM; payloads go on without it, and the next one finds them
    Run(HostArguments),
    /// Says whether the configuration can be run with, and what is wrong if not
    Check(Check),
    Provision(Provision),
    Simulate(Simulate),
    Doctor(Doctor),
    /// Makes one call of payload_exec for the controller, and outlives it
    #[command(hide = true)]
    Keep(Keep),
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Configuration file [default: ./config.toml, then /etc/heliograph/config.toml]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Makes the certificates, the cookie and the files of the SDK that an app is run with
///
/// What is there already stays, so that it may be called again. The files of the app are in
/// the directory that is named at the end.
#[derive(Debug, Args)]
pub(crate) struct Provision {
    /// Configuration file [default: ./config.toml, then /etc/heliograph/config.toml]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The app, as the configuration names it
    #[arg(value_name = "APP")]
    pub(crate) app: AppName,

    /// Make the app's certificate and cookie anew
    #[arg(long)]
    pub(crate) renew: bool,

    /// Make the controller's certificate anew: all apps need their files again then
    #[arg(long)]
    pub(crate) renew_controller: bool,
}

/// Plays the spacecraft for those who write a payload
///
/// The file is a configuration with [[payload-controller.apps]] and a [simulation] that says
/// what is ordered of them. The exit code is 0 if the payloads kept all rules.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}
