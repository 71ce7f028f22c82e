//! Programs that come as Debian packages.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::output::{complain, say};
use crate::workspace::shown;

/// Programs the tests start, and the package of each. `direwolf` brings `gen_packets` and
/// `atest`.
const PROGRAMS: [(&str, &str); 5] = [
    ("tshark", "tshark"),
    ("direwolf", "direwolf"),
    ("python3", "python3"),
    ("ssh", "openssh-client"),
    ("sshd", "openssh-server"),
];
/// Where daemons are, which is not on everybody's path.
const DAEMONS: &str = "/usr/sbin";

/// A fresh machine updates itself for a while after its first start.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(120);
const LOCK_PAUSE: Duration = Duration::from_secs(3);

/// The packages whose programs are not on the path.
pub(crate) fn missing() -> Vec<&'static str> {
    let missing = PROGRAMS
        .into_iter()
        .filter(|(program, _)| !is_there(program));
    missing.map(|(_, package)| package).collect()
}

/// Installs `packages`, after an update of the package lists: on a fresh
/// machine these may be empty.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let listed = packages.join(" ");
    if !on_path("apt-get") {
        bail!("these Debian packages or their like are needed, and there is no apt-get: {listed}");
    }
    say(format_args!("installing {listed}"));
    let install = ["install", "--yes", "--no-install-recommends"];
    apt_get(&["update"])
        .and_then(|()| apt_get(&[&install, packages].concat()))
        .with_context(|| format!("cannot install the Debian packages: {listed}"))
}

/// Runs `apt-get` until it is not another one that holds a lock. Its own
/// option to wait does not cover the lock of the package lists.
fn apt_get(arguments: &[&str]) -> Result<()> {
    let give_up = Instant::now() + LOCK_WAIT_MAX;
    loop {
        let mut command = apt_get_command()?;
        command.args(arguments).stderr(Stdio::piped());
        let started = format!("cannot start `{}`", shown(&command));
        let mut child = command.spawn().context(started)?;
        let mut locked = false;
        if let Some(errors) = child.stderr.take() {
            for line in BufReader::new(errors).split(b'\n') {
                let line = line.context("cannot read the output of apt-get")?;
                let line = String::from_utf8_lossy(&line);
                complain(&line);
                locked |= names_a_lock(&line);
            }
        }
        let status = child.wait()?;
        if status.success() {
            return Ok(());
        }
        let again = locked && Instant::now() + LOCK_PAUSE < give_up;
        ensure!(again, "`{}` ended with {status}", shown(&command));
        say("another program is installing packages: waiting for it");
        thread::sleep(LOCK_PAUSE);
    }
}

fn apt_get_command() -> Result<Command> {
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
        // For `names_a_lock`.
        "LC_ALL=C",
        "apt-get",
        "--quiet",
        "--option=Acquire::Retries=3",
        "--option=DPkg::Lock::Timeout=120",
    ]);
    Ok(command)
}

fn names_a_lock(line: &str) -> bool {
    ["Could not get lock", "Unable to lock"]
        .iter()
        .any(|words| line.contains(words))
}

fn is_root() -> Result<bool> {
    let id = Command::new("id")
        .arg("-u")
        .output()
        .context("cannot start `id -u`")?;
    Ok(id.stdout.trim_ascii() == b"0")
}

fn is_there(program: &str) -> bool {
    on_path(program) || Path::new(DAEMONS).join(program).is_file()
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}
