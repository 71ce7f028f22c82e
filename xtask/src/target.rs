//! Machines that are not this one.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::output::say;
use crate::workspace::shown;

/// Whether the toolchain has the standard library of a target.
pub(crate) fn has_std(triple: &str) -> Result<bool> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--print", "target-libdir", "--target", triple]);
    let output = command
        .output()
        .with_context(|| format!("cannot start `{}`", shown(&command)))?;
    ensure!(
        output.status.success(),
        "`{}` ended with {}",
        shown(&command),
        output.status
    );
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(Path::new(folder.trim()).is_dir())
}

/// The same, after a try to get it from rustup.
pub(crate) fn has_or_gets_std(triple: &str) -> Result<bool> {
    if has_std(triple)? {
        return Ok(true);
    }
    say(format_args!("installing the standard library of {triple}"));
    let added = Command::new("rustup")
        .args(["target", "add", triple])
        .stdin(Stdio::null())
        .status();
    Ok(added.is_ok_and(|status| status.success()) && has_std(triple)?)
}

/// A variable of the environment that is of one target: `CC_aarch64_unknown_linux_gnu`.
pub(crate) fn variable(name: &str, triple: &str) -> String {
    format!("{name}_{}", triple.replace('-', "_"))
}

/// Whether a program starts.
pub(crate) fn starts(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
