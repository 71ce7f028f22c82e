//! The command `link-service`.

mod arguments;
#[cfg(all(target_os = "linux", feature = "buckets"))]
mod buckets;
#[cfg(all(target_os = "linux", not(feature = "buckets")))]
#[path = "no_buckets.rs"]
mod buckets;
#[cfg(target_os = "linux")]
mod downlink;
#[cfg(target_os = "linux")]
mod endpoint;
mod explain;
#[cfg(target_os = "linux")]
mod links;
#[cfg(target_os = "linux")]
mod metrics;
#[cfg(target_os = "linux")]
mod operator;
#[cfg(target_os = "linux")]
mod peers;
#[cfg(target_os = "linux")]
mod quotas;
#[cfg(target_os = "linux")]
mod reload;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod shares;
#[cfg(target_os = "linux")]
mod site;
#[cfg(target_os = "linux")]
mod staging;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// The question or the configuration is wrong, so that there is no answer; what clap says
/// for the arguments.
const EXIT_USAGE: u8 = 2;

/// Runs the command. `arguments` begin with the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = Arguments::parse_from(arguments);
    match arguments.command.unwrap_or(Command::Run(arguments.run)) {
        Command::Explain(explain) => explain::run(&explain).unwrap_or_else(|error| {
            eprintln!("link-service: {error}");
            ExitCode::from(EXIT_USAGE)
        }),
        #[cfg(target_os = "linux")]
        Command::Run(host) => match run::run(&host) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("link-service: {error:#}");
                ExitCode::FAILURE
            }
        },
        #[cfg(not(target_os = "linux"))]
        Command::Run(_) => {
            eprintln!("link-service: it runs on Linux only");
            ExitCode::FAILURE
        }
    }
}
