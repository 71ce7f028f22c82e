//! `cargo xtask lint`: formatting, clippy, rustdoc.

use anyhow::Result;

use crate::step::Steps;
use crate::workspace::{cargo, run as start};

/// Runs the three linters over the whole workspace.
pub(crate) fn run(steps: &mut Steps) -> Result<()> {
    steps.run("fmt", || {
        start(&mut cargo(["fmt", "--all", "--check"])).map(|()| "")
    })?;
    steps.run("clippy", || {
        start(&mut cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
        .map(|()| "")
    })?;
    steps.run("rustdoc", || {
        start(cargo(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
            .map(|()| "")
    })
}
