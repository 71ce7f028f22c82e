//! The binary `oort-agent`.

use std::process::ExitCode;

use service_host::arena;

fn main() -> ExitCode {
    arena::have_one();
    oort_agent::run(std::env::args_os())
}
