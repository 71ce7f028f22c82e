//! `cargo xtask soak`: a real service for many minutes, or millions of hostile frames.

use anyhow::Result;

use crate::step::Steps;
use crate::workspace::{cargo, run as start};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Passed on: `--minutes N`, `--frames N`, `--seed N`, `--help`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<String>,
}

/// Builds service and soak with optimisation and runs the soak.
pub(crate) fn run(steps: &mut Steps, arguments: &Arguments) -> Result<()> {
    steps.run("build", || {
        let packages = ["ethernet-service", "heliograph-soak"];
        let packages = packages.map(|name| format!("--package={name}"));
        start(cargo("build", &["--quiet", "--release"]).args(packages)).map(|()| "")
    })?;
    steps.run("soak", || {
        let soak = ["--quiet", "--release", "--package", "heliograph-soak", "--"];
        start(cargo("run", &soak).args(&arguments.passed_on)).map(|()| "")
    })
}
