//! Where the workspace stands, and how its `cargo` is called.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, ensure};

/// The workspace's root folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// The virtual environment of the Python referees. It does not follow
/// `CARGO_TARGET_DIR`: the tests look for it here.
pub(crate) fn referees() -> PathBuf {
    root().join("target").join("referees")
}

/// A call of the `cargo` that runs this program, from the workspace's root. In
/// continuous integration, which sets `CI`, `Cargo.lock` must stay as it is.
pub(crate) fn cargo(subcommand: &str, arguments: &[&str]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root()).arg(subcommand);
    // `cargo fmt` resolves nothing, and does not know the option.
    if subcommand != "fmt" && env::var_os("CI").is_some_and(|ci| !ci.is_empty()) {
        command.arg("--locked");
    }
    command.args(arguments);
    command
}

/// Runs `command` with this program's own input and output, and makes an
/// unsuccessful end an error that shows the command line.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    succeeded(command, status)
}

/// Makes an unsuccessful end of `command` an error that shows the command line.
pub(crate) fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    ensure!(status.success(), "`{}` ended with {status}", shown(command));
    Ok(())
}

/// The command line as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
