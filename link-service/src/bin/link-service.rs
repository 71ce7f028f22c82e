//! The binary `link-service`.

use std::process::ExitCode;

use service_host::arena;

fn main() -> ExitCode {
    arena::have_one();
    link_service::service::run(std::env::args_os())
}
