//! Boxes that are not on a disk of this machine: what is weaker there is said, and the journal
//! is not put there.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::folders::FileSystem;
use crate::names::AppId;
use crate::registry::Registry;

/// A box whose file system gives less than a disk does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) app: AppId,
    /// `inbox` or `outbox`.
    pub(super) side: &'static str,
    pub(super) file_system: FileSystem,
    path: PathBuf,
}

/// Those there are. The directories are there.
pub(super) fn of(registry: &Registry) -> Vec<Share> {
    let mut shares = Vec::new();
    for app in registry.apps() {
        for (side, path) in [("inbox", &app.inbox), ("outbox", &app.outbox)] {
            match FileSystem::of(path) {
                Ok(file_system) if file_system.is_degraded() => shares.push(Share {
                    app: app.id.clone(),
                    side,
                    file_system,
                    path: path.clone(),
                }),
                Ok(_) => {}
                // Whoever opens it says so.
                Err(error) => log::debug!("{side} of {}: {error}", app.id),
            }
        }
    }
    shares
}

/// Says what of `next` was not there in `now`.
pub(super) fn warn(now: &[Share], next: &[Share]) {
    for share in next.iter().filter(|share| !now.contains(share)) {
        let Share {
            app,
            side,
            file_system,
            path,
        } = share;
        log::warn!(
            "degraded: the {side} of {app} ({}) is on {file_system}, no disk of this machine that \
             is known: what a crash left there is compared octet by octet, a power cut of the \
             server may undo what it said was durable, and another client may put a file in the \
             moment between a look and a rename",
            path.display()
        );
    }
}

/// # Errors
/// The journal would be on a share, where a lock of a file may be none, and what was synced
/// may be lost.
pub(super) fn check_journal(journal: &Path) -> anyhow::Result<()> {
    let mut above = journal.ancestors().skip(1);
    let is_there = |path: &&Path| path.as_os_str().is_empty() || path.is_dir();
    let directory = match above.find(is_there) {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    let system = FileSystem::of(directory);
    let system = system.with_context(|| format!("the journal's {}", directory.display()))?;
    may_have_journal(system, journal)
}

fn may_have_journal(system: FileSystem, journal: &Path) -> anyhow::Result<()> {
    match system {
        FileSystem::Share(name) => bail!(
            "the journal {} is on a share ({name}): `journal` must name a file on a disk of this \
             machine",
            journal.display()
        ),
        FileSystem::Unknown(_) => {
            log::warn!(
                "the journal {} is on {system}: it must be on a disk of this machine",
                journal.display()
            );
            Ok(())
        }
        FileSystem::Disk(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_on_no_share() {
        let journal = Path::new("/mnt/share/link.redb");
        let refused = may_have_journal(FileSystem::Share("nfs"), journal);
        let text = format!("{:#}", refused.unwrap_err());
        assert!(text.contains("nfs") && text.contains("`journal`"), "{text}");
        for system in [FileSystem::Disk("ext4"), FileSystem::Unknown(0x6573_5546)] {
            may_have_journal(system, journal).unwrap();
        }
    }
}
