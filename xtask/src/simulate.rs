//! `cargo xtask simulate`: whole links on virtual time, many seeds or one.

use anyhow::Result;

use crate::step::Steps;
use crate::workspace::{cargo, run as start};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Passed on to the simulator: `--seeds N`, `--seed N --trace`, `--first N`, `--help`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<String>,
}

/// Builds the simulator with optimisation and runs it.
pub(crate) fn run(steps: &mut Steps, arguments: &Arguments) -> Result<()> {
    steps.run("simulate", || {
        let simulator = [
            "--quiet",
            "--release",
            "--package",
            "heliograph-simulation",
            "--",
        ];
        start(cargo("run", &simulator).args(&arguments.passed_on)).map(|()| "")
    })
}
