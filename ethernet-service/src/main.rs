//! The binary `ethernet-service`.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_host::arena::have_one();
    match ethernet_service::run(std::env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ethernet-service: {error:#}");
            ExitCode::FAILURE
        }
    }
}
