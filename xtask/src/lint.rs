//! `cargo xtask lint`: formatting, clippy, rustdoc.

use std::process::Stdio;

use anyhow::{Result, ensure};

use crate::step::Steps;
use crate::workspace::{cargo, run as start};

/// Runs the three linters over the whole workspace.
pub(crate) fn run(steps: &mut Steps) -> Result<()> {
    steps.run("fmt", || {
        need("fmt", "rustfmt")?;
        start(&mut cargo("fmt", &["--all", "--check"])).map(|()| "")
    })?;
    steps.run("clippy", || {
        need("clippy", "clippy")?;
        let all = ["--workspace", "--all-targets", "--", "-D", "warnings"];
        start(&mut cargo("clippy", &all)).map(|()| "")
    })?;
    steps.run("rustdoc", || {
        let all = ["--workspace", "--no-deps"];
        start(cargo("doc", &all).env("RUSTDOCFLAGS", "-D warnings")).map(|()| "")
    })
}

/// Says which component of the toolchain `cargo <subcommand>` comes in, where it
/// is not installed.
fn need(subcommand: &str, component: &str) -> Result<()> {
    let version = cargo(subcommand, &["--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ensure!(
        version.is_ok_and(|status| status.success()),
        "`cargo {subcommand}` is missing: install it by `rustup component add {component}`"
    );
    Ok(())
}
