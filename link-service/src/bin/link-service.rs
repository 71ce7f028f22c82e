//! The binary `link-service`.

use std::process::ExitCode;

fn main() -> ExitCode {
    link_service::service::run(std::env::args_os())
}
