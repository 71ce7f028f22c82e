//! Where the keeper of a call and the controller tell each other: a directory of the call.
//!
//! | file | who writes it | what it says |
//! |---|---|---|
//! | `claim` | whoever is first | the keeper that makes the call; or the controller, so that nobody does |
//! | `began` | the keeper | the process of `payload_exec` |
//! | `kill` | the controller | whoever ends now was to end |
//! | `ended` | the keeper | how it ended |
//!
//! Each is there whole, or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::core::{Process, Step, StepEnd, WindowId};
use crate::process::began;

/// Whose the call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Claim {
    /// This keeper makes it.
    Keeper(Process),
    /// It is not made.
    Nobody,
}

/// The directory of a call.
#[derive(Clone, Debug)]
pub(super) struct Call(PathBuf);

/// The directory of a window's calls.
pub(super) fn of_window(root: &Path, window: &WindowId) -> PathBuf {
    root.join(window.as_str())
}

impl Call {
    /// That of a window's step.
    pub(super) fn of(root: &Path, window: &WindowId, step: Step) -> Call {
        Call(of_window(root, window).join(step.name()))
    }

    pub(super) fn at(path: PathBuf) -> Call {
        Call(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes its directory.
    pub(super) fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.0)
    }

    /// Takes the call. False where it is taken already.
    pub(super) fn claim(&self, claim: Claim) -> io::Result<bool> {
        let part = self.part("claim");
        written(&part, &claim)?;
        let claimed = fs::hard_link(&part, self.0.join("claim"));
        fs::remove_file(&part)?;
        match claimed {
            Ok(()) => {
                self.sync()?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whose it is, if anybody's.
    pub(super) fn claimed(&self) -> Option<Claim> {
        self.said("claim")
    }

    pub(super) fn say_began(&self, process: Process) -> io::Result<()> {
        self.say("began", &process)
    }

    /// The process of `payload_exec`.
    pub(super) fn process(&self) -> Option<Process> {
        self.said("began")
    }

    /// Whoever ends from here on was to end.
    pub(super) fn say_kill(&self) -> io::Result<()> {
        self.say("kill", &true)
    }

    pub(super) fn is_to_end(&self) -> bool {
        self.0.join("kill").exists()
    }

    pub(super) fn say_ended(&self, end: &StepEnd) -> io::Result<()> {
        self.say("ended", end)
    }

    /// How it ended, once it has.
    pub(super) fn ended(&self) -> Option<StepEnd> {
        self.said("ended")
    }

    fn part(&self, name: &str) -> PathBuf {
        self.0.join(format!(".{name}.{}", std::process::id()))
    }

    fn say(&self, name: &str, what: &impl Serialize) -> io::Result<()> {
        let part = self.part(name);
        written(&part, what)?;
        fs::rename(&part, self.0.join(name))?;
        self.sync()
    }

    fn said<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let text = fs::read(self.0.join(name)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

fn written(path: &Path, what: &impl Serialize) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(&serde_json::to_vec(what)?)?;
    file.sync_all()
}

/// Whether a process is there.
pub(super) fn is_there(process: Process) -> bool {
    began(process.pid) == Some(process.began)
}
