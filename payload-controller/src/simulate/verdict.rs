//! Which rules were broken.

use std::collections::BTreeSet;

use payload_interface::AppName;

use crate::core::{Notice, Rung, What};

/// What is held against payloads. The same twice is said once.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    broken: BTreeSet<String>,
    /// Those that are to shut down.
    pub(super) stopping: BTreeSet<AppName>,
    /// Those that said that they did.
    pub(super) stopped: BTreeSet<AppName>,
}

impl Verdict {
    /// A rule was broken.
    pub(super) fn broken(&mut self, app: &AppName, what: impl std::fmt::Display) {
        let line = format!("{app}: {what}");
        if self.broken.insert(line.clone()) {
            println!("BROKEN {line}");
        }
    }

    /// Something happened.
    pub(super) fn hear(&mut self, notice: &Notice) {
        let Some(app) = &notice.app else { return };
        let is_stopping = self.stopping.contains(app);
        match &notice.what {
            What::ShutDown { status } => {
                self.stopped.insert(app.clone());
                if *status != 0 {
                    self.broken(app, "it did not shut down orderly");
                }
                if !is_stopping {
                    self.broken(app, "it shut down without having been told to");
                }
            }
            What::Missed { why, .. } => self.broken(app, format!("a health check failed: {why}")),
            What::Refused { rpc, reason, .. } => {
                self.broken(app, format!("{rpc} had to be refused: {reason}"));
            }
            What::DeadLetter { rpc, .. } => {
                self.broken(app, format!("{rpc} could not be brought to it"));
            }
            What::Unasked { rpc } => self.broken(app, format!("{rpc} came without need")),
            What::DoneAfterEnd { .. } => self.broken(app, "it said of an ended run that it ends"),
            What::Rung { rung, why } if !(is_stopping && *rung == Rung::Shutdown) => {
                self.broken(app, format!("it had to be ended: {why}"));
            }
            _ => {}
        }
    }

    pub(super) fn is_good(&self) -> bool {
        self.broken.is_empty()
    }

    pub(super) fn print(&self) {
        match self.broken.len() {
            0 => println!("all rules were kept"),
            count => println!("{count} rules were broken:"),
        }
        for line in &self.broken {
            println!("  {line}");
        }
    }
}
