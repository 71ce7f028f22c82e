//! The binary `file-service`.

use std::process::ExitCode;

use service_host::arena;

fn main() -> ExitCode {
    arena::have_one();
    match file_delivery::service::run(std::env::args_os()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("file-service: {error:#}");
            ExitCode::FAILURE
        }
    }
}
