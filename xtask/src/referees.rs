//! The Python environment of the independent referees.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::output::{complain, say};
use crate::workspace::{self, shown};

/// What the referees import: an environment in which that fails is none.
const IMPORTS: &str = "import spacepackets, aioax25, kiss, cryptography, cfdppy, \
                       schemathesis, grpc_tools.protoc, grpc, sgp4, skyfield, erfa, \
                       openapi_python_client, httpx";

/// Whether the environment stands, as `tests/referees/requirements.txt` wants
/// it.
///
/// A stamp inside it holds the requirements it was made from, so that a changed
/// pin makes it anew and an interrupted run never counts as a whole one.
pub(crate) fn are_ready() -> Result<bool> {
    let wanted = read_requirements()?;
    let stamped = fs::read_to_string(stamp()).is_ok_and(|made_from| made_from == wanted);
    Ok(stamped && imports(&python()))
}

/// How far an environment is.
pub(crate) enum Begun {
    /// It is made, and empty.
    Made,
    /// It is to be made with the system's Python, once the packages are there.
    ToMake {
        /// What the first try said; nothing where there was no Python to try.
        first_try: String,
    },
}

/// Makes an empty environment. Where that fails since Debian splits `venv` off
/// its Python, adds the package to `packages`.
pub(crate) fn begin(packages: &mut Vec<&'static str>) -> Result<Begun> {
    let venv = workspace::referees();
    if let Some(parent) = venv.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    if packages.contains(&"python3") {
        packages.push("python3-venv");
        let first_try = String::new();
        return Ok(Begun::ToMake { first_try });
    }
    let first_try = match make("python3", &venv) {
        Ok(()) => return Ok(Begun::Made),
        Err(error) => format!("{error:#}"),
    };
    if lacks_venv(&first_try) {
        packages.push("python3-venv");
    }
    Ok(Begun::ToMake { first_try })
}

/// Fills the environment, after the packages are installed.
pub(crate) fn finish(begun: Begun) -> Result<()> {
    say("installing the Python referees");
    if let Begun::ToMake { first_try } = begun {
        // `python3-venv` serves Debian's own interpreter only.
        let made = make("/usr/bin/python3", &workspace::referees());
        if made.is_err() && !first_try.is_empty() {
            complain(&first_try);
        }
        made.context("cannot make a Python virtual environment")?;
    }
    let python = python();
    workspace::run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(["--disable-pip-version-check", "--no-input", "--requirement"])
            .arg(requirements()),
    )
    .context("cannot install the Python referees")?;
    ensure!(
        imports(&python),
        "the Python referees are installed, but `{} -c '{IMPORTS}'` fails",
        python.display()
    );
    let stamp = stamp();
    fs::write(&stamp, read_requirements()?)
        .with_context(|| format!("cannot write {}", stamp.display()))
}

fn requirements() -> PathBuf {
    workspace::root().join("tests/referees/requirements.txt")
}

fn read_requirements() -> Result<String> {
    let file = requirements();
    fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
}

fn stamp() -> PathBuf {
    workspace::referees().join("requirements.stamp")
}

pub(crate) fn python() -> PathBuf {
    workspace::referees().join("bin/python")
}

/// Makes an empty environment; an error holds all that Python said.
fn make(python: &str, venv: &Path) -> Result<()> {
    let mut command = Command::new(python);
    command.args(["-m", "venv", "--clear"]).arg(venv);
    let output = command
        .output()
        .with_context(|| format!("cannot start `{}`", shown(&command)))?;
    ensure!(
        output.status.success(),
        "`{}` ended with {}\n{}{}",
        shown(&command),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Whether Python says that a part of it is missing which `python3-venv` has.
/// The names alone do not tell: they stand in the command line of any failure.
fn lacks_venv(said: &str) -> bool {
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    said.contains("ensurepip is not available")
        || ["venv", "ensurepip"].iter().any(|module| {
            said.contains(&format!("No module named {module}"))
                || said.contains(&format!("No module named '{module}'"))
        })
}

/// An interpreter can be gone under an environment that still stands, and a
/// package in it be broken.
fn imports(python: &Path) -> bool {
    Command::new(python)
        .args(["-c", IMPORTS])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_without_venv_is_told_from_other_failures() {
        for said in [
            "The virtual environment was not created successfully because ensurepip is not\n\
             available.  On Debian/Ubuntu systems, you need to install the python3-venv\npackage",
            "/usr/bin/python3: No module named venv",
            "ModuleNotFoundError: No module named 'ensurepip'",
        ] {
            assert!(lacks_venv(said), "{said}");
        }
        assert!(!lacks_venv(
            "`python3 -m venv --clear target/referees` ended with exit status: 1\n\
             Error: [Errno 28] No space left on device"
        ));
    }
}
