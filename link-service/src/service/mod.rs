//! The command `link-service`.

mod arguments;
mod explain;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

/// The question or the configuration is wrong, so that there is no answer; what clap says
/// for the arguments.
const EXIT_USAGE: u8 = 2;

/// Runs the command. `arguments` begin with the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let result = match Arguments::parse_from(arguments).command {
        Command::Explain(explain) => explain::run(&explain),
    };
    result.unwrap_or_else(|error| {
        eprintln!("link-service: {error}");
        ExitCode::from(EXIT_USAGE)
    })
}
