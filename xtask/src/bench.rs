//! `cargo xtask bench`: what the services take, beside the least that is possible.

use anyhow::Result;

use crate::referees;
use crate::setup;
use crate::step::Steps;
use crate::workspace::{cargo, root, run as start};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Passed on: `--only codecs,link`, `--quick`, `--json FILE`, `--plots DIR`, `--help`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<String>,
}

/// Builds the services as they are put on a board, and the bench with optimisation; runs
/// the bench. The plots go where the documentation shows them, unless it is told
/// otherwise.
pub(crate) fn run(steps: &mut Steps, arguments: &Arguments) -> Result<()> {
    setup::run(steps)?;
    steps.run("build", || {
        let services = [
            "ethernet-service",
            "link-service",
            "oort-agent",
            "ground-gateway",
        ];
        let services = services.map(|package| format!("--package={package}"));
        let mut build = cargo("build", &["--quiet", "--profile=flight"]);
        start(build.args(services))?;
        let bench = ["--quiet", "--release", "--package=heliograph-bench"];
        start(&mut cargo("build", &bench)).map(|()| "")
    })?;
    steps.run("bench", || {
        let bench = ["--quiet", "--release", "--package", "heliograph-bench"];
        let mut command = cargo("run", &bench);
        command.args(["--", "--default-plots"]);
        command.arg(root().join("docs/src/plots"));
        command.arg("--python").arg(referees::python());
        // One that is given later goes before it.
        command.arg("--binaries").arg(root().join("target/flight"));
        start(command.args(&arguments.passed_on)).map(|()| "")
    })
}
