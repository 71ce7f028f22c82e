//! The binary `ethernet-service`.

use std::process::ExitCode;

use service_host::arena;

fn main() -> ExitCode {
    arena::have_one();
    match ethernet_service::run(std::env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ethernet-service: {error:#}");
            ExitCode::FAILURE
        }
    }
}
