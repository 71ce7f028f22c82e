//! Each app has one process, in a group of its own: its children are killed with it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use payload_interface::AppName;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};

use super::began::began;
use super::group::signal_group;
use crate::core::{Event, Process};
use crate::shell::Door;

/// Between two looks at a process where the system cannot tell of its end.
const LOOK: Duration = Duration::from_secs(1);

/// How an app is begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppProcess {
    /// The program and its arguments; no shell reads them.
    pub command: Vec<OsString>,
    /// Where it begins.
    pub directory: Option<PathBuf>,
}

/// The processes of all apps.
#[derive(Debug)]
pub struct Processes {
    apps: BTreeMap<AppName, AppProcess>,
    running: BTreeMap<AppName, Process>,
    door: Door,
}

impl Processes {
    /// Those of these apps. What becomes of them is told by the door.
    pub fn new(apps: BTreeMap<AppName, AppProcess>, door: Door) -> Self {
        Processes {
            apps,
            running: BTreeMap::new(),
            door,
        }
    }

    /// Begins an app's process.
    pub fn start(&mut self, app: &AppName) {
        match self.try_to_start(app) {
            Ok(process) => {
                self.running.insert(app.clone(), process);
                self.door.event(Event::Started(app.clone(), process));
            }
            Err(error) => {
                let why = error.to_string();
                self.door.event(Event::StartFailed(app.clone(), why));
            }
        }
    }

    fn try_to_start(&self, app: &AppName) -> io::Result<Process> {
        let no_command = || io::Error::other("no `command` is configured for it");
        let process = self.apps.get(app).ok_or_else(no_command)?;
        let (program, arguments) = process.command.split_first().ok_or_else(no_command)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .process_group(0);
        if let Some(directory) = &process.directory {
            command.current_dir(directory);
        }
        let mut child = command.spawn()?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        // Nobody takes its number as long as it is not waited for.
        let began = began(pid).unwrap_or_default();
        let of_app = app.clone();
        let door = self.door.clone();
        let waiting = thread::Builder::new().name(format!("payload-{pid}"));
        let waiting = waiting.spawn(move || {
            let how = match wait(&mut child) {
                Ok(how) => how,
                Err(error) => format!("nobody knows how: {error}"),
            };
            door.event(Event::Exited(of_app, how));
        });
        if let Err(error) = waiting {
            // What is not looked after is not let run.
            signal_group(Process { pid, began }, Signal::KILL);
            return Err(error);
        }
        Ok(Process { pid, began })
    }

    /// Looks after a process that an earlier run of the controller began.
    pub fn attach(&mut self, app: &AppName, process: Process) {
        self.running.insert(app.clone(), process);
        let of_app = app.clone();
        let door = self.door.clone();
        let waiting = thread::Builder::new().name(format!("payload-{}", process.pid));
        let waiting = waiting.spawn(move || {
            wait_for_another(process);
            door.event(Event::Exited(of_app, "it is no more".to_owned()));
        });
        if let Err(error) = waiting {
            log::error!("{app}: no thread looks after its process: {error}");
        }
    }

    /// Kills an app's process, with its children.
    pub fn kill(&mut self, app: &AppName) {
        if let Some(process) = self.running.get(app) {
            signal_group(*process, Signal::KILL);
        }
    }
}

fn wait(child: &mut Child) -> io::Result<String> {
    let status = child.wait()?;
    Ok(status.to_string())
}

/// Waits until a process that is not our child has ended.
fn wait_for_another(process: Process) {
    let is_there = || began(process.pid) == Some(process.began);
    let handle: Option<OwnedFd> =
        Pid::from_raw(process.pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    while is_there() {
        match &handle {
            Some(handle) => {
                let mut fds = [PollFd::new(handle, PollFlags::IN)];
                let long = Timespec {
                    tv_sec: 60,
                    tv_nsec: 0,
                };
                // Whatever it says, it is looked again.
                let _ = poll(&mut fds, Some(&long));
            }
            None => thread::sleep(LOOK),
        }
    }
}
