//! Programs that come as Debian packages.

use std::env;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A program the tests start, and the package it comes in.
struct Needed {
    program: &'static str,
    package: &'static str,
}

const NEEDED: [Needed; 2] = [
    Needed {
        program: "tshark",
        package: "tshark",
    },
    Needed {
        program: "python3",
        package: "python3",
    },
];

/// Installs the packages whose programs are not on the path; says whether
/// there were any.
pub(crate) fn install_missing() -> Result<bool> {
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|needed| !on_path(needed.program))
        .map(|needed| needed.package)
        .collect();
    if missing.is_empty() {
        return Ok(false);
    }
    install(&missing)?;
    Ok(true)
}

/// Installs `packages`, after an update of the package lists: on a fresh
/// machine these may be empty.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let listed = packages.join(" ");
    if !on_path("apt-get") {
        bail!("these Debian packages or their like are needed, and there is no apt-get: {listed}");
    }
    println!("installing {listed}");
    let failed = || format!("cannot install the Debian packages: {listed}");
    workspace::run(apt_get()?.arg("update")).with_context(failed)?;
    workspace::run(
        apt_get()?
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages),
    )
    .with_context(failed)
}

fn apt_get() -> Result<Command> {
    let mut command = if is_root()? {
        Command::new("env")
    } else if on_path("sudo") {
        // sudo clears the environment, so `env` sets it behind sudo.
        let mut sudo = Command::new("sudo");
        sudo.arg("env");
        sudo
    } else {
        bail!("apt-get needs root, and there is no sudo: run `cargo xtask setup` as root once");
    };
    command.args([
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "--quiet",
        "--option=Acquire::Retries=3",
        "--option=DPkg::Lock::Timeout=120",
    ]);
    Ok(command)
}

fn is_root() -> Result<bool> {
    let id = Command::new("id")
        .arg("-u")
        .output()
        .context("cannot start `id -u`")?;
    Ok(id.stdout.trim_ascii() == b"0")
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}
