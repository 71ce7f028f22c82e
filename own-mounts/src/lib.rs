//! For tests: small, strange or doubled file systems, mounted where nobody else sees them, in a
//! mount namespace of a child process. No rights are needed for that, but not every system has
//! such namespaces: there, nothing is tested, and that is said on standard error.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Says to a test that it is the child.
const CHILD: &str = "HELIOGRAPH_OWN_MOUNTS";

/// Runs the test `me`, by its whole path, once more as a child with mounts of its own; there,
/// runs `test`.
///
/// # Panics
/// The child's test fails, or none is called `me`.
pub fn in_own_namespace(me: &str, test: impl FnOnce()) {
    if env::var_os(CHILD).is_some() {
        return test();
    }
    let program = match env::current_exe() {
        Ok(program) => program,
        Err(error) => return not_tested(&error.to_string()),
    };
    let mut child = namespace();
    child.arg(program).args([me, "--exact", "--nocapture"]);
    let output = match child.env(CHILD, me).output() {
        Ok(output) => output,
        Err(error) => return not_tested(&format!("unshare: {error}")),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if !said.contains("running ") {
        return not_tested(&errors);
    }
    let is_passed = output.status.success() && said.contains(" 1 passed;");
    assert!(is_passed, "{me}, with mounts of its own: {said}{errors}");
    eprint!("{errors}");
}

/// Mounts something: what `mount` is told, before the place. None where that is not possible.
#[must_use]
pub fn mount(arguments: &[&str], at: &Path) -> Option<Mounted> {
    let mounted = Command::new("mount").args(arguments).arg(at).status();
    match mounted {
        Ok(status) if status.success() => Some(Mounted(at.to_owned())),
        other => {
            not_tested(&format!("mount {arguments:?}: {other:?}"));
            None
        }
    }
}

/// It is there until this is dropped.
#[derive(Debug)]
pub struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        // Where somebody is in it still, it goes with the namespace.
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// A command that mounts something by a line of shell, in a namespace of its own, and becomes
/// the program that its first argument names. None where that is not possible.
#[must_use]
pub fn command(mount: &str) -> Option<Command> {
    let tried = namespace().args(["sh", "-c", mount]).output();
    match tried {
        Ok(output) if output.status.success() => {}
        other => {
            not_tested(&format!("{mount}: {other:?}"));
            return None;
        }
    }
    let mut command = namespace();
    command.args(["sh", "-c", &format!("{mount} && exec \"$0\" \"$@\"")]);
    Some(command)
}

fn namespace() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount"]);
    command
}

fn not_tested(why: &str) {
    eprintln!("not tested, for want of mounts of its own: {why}");
}
