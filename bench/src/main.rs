//! The command `bench`: figures of the services, each beside the least that the same
//! sockets, octets and crates allow.
//!
//! What is measured runs in processes of its own: this binary again, by one of the
//! [roles](Role) it has for that. Nothing is asserted of time: a missed goal is said
//! in the table and is no failure, a section that could not run is.

mod agent;
mod alternate;
mod child;
mod codecs;
mod cpu;
mod engines;
mod figure;
mod files;
mod graphql;
mod ground;
mod growth;
mod inboxes;
mod link;
mod memory;
mod passthrough;
mod payloads;
mod progress;
mod section;
mod table;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use section::{Run, Section};

/// Measures the services beside the least that is possible.
#[derive(Parser)]
#[command(name = "bench", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Only these sections, divided by commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Section>,
    /// Fewer and shorter rounds, to see that everything runs.
    #[arg(long)]
    quick: bool,
    /// Writes the figures to this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes the plots of the section `growth` to this folder.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Where they go if `--plots` is not given; nowhere with `--quick`.
    #[arg(long, hide = true)]
    default_plots: Option<PathBuf>,
    /// Octets of the large file of the section `inboxes`; 20 GB by default, 200 MB with
    /// `--quick`.
    #[arg(long, value_name = "OCTETS")]
    large_bytes: Option<u64>,
    /// The folder with the binaries of the services; by default this one's.
    #[arg(long, value_name = "DIR", overrides_with = "binaries")]
    binaries: Option<PathBuf>,
    /// The Python that has `cfdp-py`.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "target/referees/bin/python"
    )]
    python: PathBuf,
}

/// What this binary is when it started itself.
#[derive(Subcommand)]
#[command(hide = true)]
enum Role {
    /// The bare forwarder: one thread, `recv_from` and `send_to`.
    #[command(hide = true)]
    Forwarder(passthrough::forwarder::Arguments),
    /// A communications service over a UDP radio.
    #[command(hide = true)]
    Service(passthrough::service::Arguments),
    /// A payload's HTTP server.
    #[command(hide = true)]
    HttpServer,
    /// The controller of payloads.
    #[command(hide = true)]
    PayloadController(payloads::controller::Arguments),
    /// The bare server of gRPC.
    #[command(hide = true)]
    GrpcServer(payloads::bare::Arguments),
    /// The packet archive of the ground.
    #[command(hide = true)]
    PacketArchive(ground::archive::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let succeeded = match arguments.role {
        Some(Role::Forwarder(arguments)) => passthrough::forwarder::run(&arguments),
        Some(Role::Service(arguments)) => passthrough::service::run(&arguments),
        Some(Role::HttpServer) => graphql::server::run(),
        Some(Role::PayloadController(arguments)) => payloads::controller::run(&arguments),
        Some(Role::GrpcServer(arguments)) => payloads::bare::run(&arguments),
        Some(Role::PacketArchive(arguments)) => ground::archive::run(&arguments),
        None => measure(arguments),
    };
    match succeeded {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress::say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs the sections one after the other, then shows what they found.
fn measure(arguments: Arguments) -> Result<()> {
    let own = env::current_exe().context("the path of this binary is not known")?;
    let beside = own.parent().map(PathBuf::from).unwrap_or_default();
    let default_plots = arguments.default_plots.filter(|_| !arguments.quick);
    let run = Run {
        is_quick: arguments.quick,
        plots: arguments.plots.or(default_plots),
        large_bytes: arguments.large_bytes,
        binaries: arguments.binaries.unwrap_or(beside),
        python: arguments.python,
    };
    let found = section::run(&arguments.only, &run);
    table::show(&found.figures);
    if let Some(file) = &arguments.json {
        table::write_json(file, &found.figures)?;
    }
    found.outcome()
}
