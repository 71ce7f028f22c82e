//! `cargo xtask soak`: a real service for many minutes, millions of hostile frames, and a
//! thousand files from a payload to its buckets.

use anyhow::Result;

use crate::setup;
use crate::step::Steps;
use crate::workspace::{cargo, run as start};

/// The test that is run with more files, and what says how many.
const DELIVERY: &str =
    "passes::each_file_is_in_its_bucket_once_whatever_passes_loss_and_reboots_there_are";
const FILES: &str = "HELIOGRAPH_SOAK_FILES";
/// How many, where nobody says it.
const FILES_USUAL: u32 = 1_000;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only the files, and so many, go from a payload through short passes to their buckets:
    /// 200 to 9000. Without any option, 1000 of them follow the frames.
    // Of more, the services on board remember too few for the end of the test.
    #[arg(long, conflicts_with = "passed_on", value_parser = clap::value_parser!(u32).range(200..=9_000))]
    files: Option<u32>,
    /// Only the frames: `--minutes N`, `--frames N`, `--seed N`, `--help`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    passed_on: Vec<String>,
}

/// Builds what is needed and runs the soak.
pub(crate) fn run(steps: &mut Steps, arguments: &Arguments) -> Result<()> {
    if let Some(files) = arguments.files {
        return deliver(steps, files);
    }
    soak(steps, &arguments.passed_on)?;
    match arguments.passed_on.is_empty() {
        true => deliver(steps, FILES_USUAL),
        false => Ok(()),
    }
}

/// Service and soak with optimisation.
fn soak(steps: &mut Steps, passed_on: &[String]) -> Result<()> {
    steps.run("build", || {
        let packages = ["ethernet-service", "heliograph-soak"];
        let packages = packages.map(|name| format!("--package={name}"));
        start(cargo("build", &["--quiet", "--release"]).args(packages)).map(|()| "")
    })?;
    steps.run("soak", || {
        let soak = ["--quiet", "--release", "--package", "heliograph-soak", "--"];
        start(cargo("run", &soak).args(passed_on)).map(|()| "")
    })
}

/// The test of delivery, with more files.
fn deliver(steps: &mut Steps, files: u32) -> Result<()> {
    setup::run(steps)?;
    steps.run("build", || {
        let packages = ["link-service", "oort-agent", "ground-gateway"];
        let packages = packages.map(|name| format!("--package={name}"));
        start(cargo("build", &["--quiet", "--bins"]).args(packages)).map(|()| "")
    })?;
    steps.run("deliver", || {
        let test = ["--quiet", "--package=heliograph-tests", "--test=delivery"];
        let one = ["--", "--exact", DELIVERY, "--nocapture"];
        let mut command = cargo("test", &test);
        start(command.args(one).env(FILES, files.to_string())).map(|()| "")
    })
}
