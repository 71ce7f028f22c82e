//! The Python environment of the independent referees.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::{debian, workspace};

/// Makes the virtual environment of `tests/referees/requirements.txt` unless
/// it stands already; says whether it had to.
///
/// A stamp inside it holds the requirements it was made from, so that a changed
/// pin makes it anew and an interrupted run never counts as a whole one.
pub(crate) fn install() -> Result<bool> {
    let requirements = workspace::root().join("tests/referees/requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let venv = workspace::referees();
    let stamp = venv.join("requirements.stamp");
    let python = venv.join("bin/python");

    let stamped = fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == wanted);
    if stamped && starts(&python) {
        return Ok(false);
    }
    println!("installing the Python referees");
    create(&venv)?;
    workspace::run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(["--disable-pip-version-check", "--no-input", "--requirement"])
            .arg(&requirements),
    )
    .context("cannot install the Python referees")?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(true)
}

/// Debian splits `venv` off its Python: there the first try may fail until
/// `python3-venv` is installed, which serves Debian's own interpreter only.
fn create(venv: &Path) -> Result<()> {
    if let Some(parent) = venv.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    let first = venv_command("python3", venv)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if first.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    debian::install(&["python3-venv"])?;
    workspace::run(&mut venv_command("/usr/bin/python3", venv))
        .context("cannot make a Python virtual environment")
}

fn venv_command(python: &str, venv: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "venv", "--clear"]).arg(venv);
    command
}

/// An interpreter can be gone under a virtual environment that still stands.
fn starts(python: &Path) -> bool {
    Command::new(python)
        .args(["-c", ""])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
