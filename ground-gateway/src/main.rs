//! The command `ground`. See the library of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    ground_gateway::run(std::env::args_os())
}
