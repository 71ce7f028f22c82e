//! The binary `payload-controller`.

use std::process::ExitCode;

use service_host::arena;

fn main() -> ExitCode {
    arena::have_one();
    payload_controller::run(std::env::args_os())
}
