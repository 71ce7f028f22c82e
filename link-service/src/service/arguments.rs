//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;
use service_host::arguments::HostArguments;

use crate::policy::Party;
use crate::request::{LinkType, Priority};

/// Files between apps, other spacecraft and the ground.
#[derive(Debug, Parser)]
#[command(name = "link-service", version, args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    /// Of `run`, which is meant where no command is named.
    #[command(flatten)]
    pub(super) run: HostArguments,

    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs the service until SIGINT or SIGTERM; what is done where no command is named
    Run(HostArguments),
    Explain(Explain),
}

/// Says which rule of the policy decides about a file
///
/// Exit code 0: it is allowed. 1: it is denied. 2: the arguments or the configuration are wrong.
///
/// Example: link-service explain --from camera --to ground --size 5000000
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Configuration file [default: ./config.toml, then /etc/heliograph/config.toml]
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Who sends: APP, APP@NODE or ground
    #[arg(long, value_name = "WHO")]
    pub(super) from: Party,

    /// Who is to have it: APP, APP@NODE or ground
    #[arg(long, value_name = "WHO")]
    pub(super) to: Party,

    /// app2app, downlink, uplink or crosslink [default: what goes between these two]
    #[arg(long = "type", value_name = "TYPE", value_parser = word::<LinkType>)]
    pub(super) link_type: Option<LinkType>,

    /// Octets of the file
    #[arg(long, value_name = "OCTETS", default_value_t = 0)]
    pub(super) size: u64,

    /// low, medium, high or critical
    #[arg(long, value_name = "PRIORITY", default_value_t, value_parser = word::<Priority>)]
    pub(super) priority: Priority,

    /// Answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// A word as requests and the configuration have it.
fn word<'de, T: Deserialize<'de>>(text: &str) -> Result<T, Error> {
    let text: serde::de::value::StringDeserializer<Error> = text.to_owned().into_deserializer();
    T::deserialize(text)
}
