//! What outlives a restart: the journal of commands in the state directory.

use std::path::Path;
use std::time::Instant;

use crossbeam_channel::Receiver;

use super::config_error;
use crate::error::CommsResult;
use crate::journal::{self, Journal};
use crate::link::{JournalEntry, Link};
use crate::shell::storage::Storage;

/// What the storage thread works with.
pub(super) struct State {
    pub(super) journal: Journal,
    pub(super) entries: Receiver<JournalEntry>,
}

/// Opens the journal in `directory` and tells the engine what it holds.
pub(super) fn open(
    directory: &Path,
    commands_max: usize,
    link: &mut Link,
) -> CommsResult<(Storage, State)> {
    let opened = Journal::open(directory, commands_max).map_err(|error| {
        let what = match journal::is_open_elsewhere(&error) {
            true => "another process has it open: each link needs a directory of its own",
            false => "it must be a directory in which this service may write",
        };
        config_error(format!("state-dir = {directory:?}: {error}; {what}"))
    })?;
    if let Some(aside) = &opened.set_aside {
        link.handle_damaged_state(format!(
            "the journal of commands in {directory:?} was damaged; it is kept as {aside:?}, and a \
             new one is begun: a command from before now that comes again would run again"
        ));
    }
    let now = Instant::now();
    for command in opened.commands {
        link.restore_command(now, command);
    }
    let (storage, entries) = Storage::new();
    let journal = opened.journal;
    Ok((storage, State { journal, entries }))
}
