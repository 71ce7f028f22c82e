//! The storage thread: what is to outlive a restart goes to the disk here, so that
//! no other thread ever waits for it.
//!
//! All that wait go into one transaction, so that many commands cost one write to
//! the disk.

use crossbeam_channel::{Receiver, Sender, select, unbounded};

use super::Shell;
use crate::journal::Journal;
use crate::link::JournalEntry;

/// Entries of one transaction at most.
const BATCH_ENTRIES_MAX: usize = 1024;

/// Where entries for the storage thread are handed in. The engine bounds how many
/// mutations there are at once, and so the entries.
#[derive(Clone)]
pub(crate) struct Storage(Sender<JournalEntry>);

impl Storage {
    pub(crate) fn new() -> (Storage, Receiver<JournalEntry>) {
        let (sender, receiver) = unbounded();
        (Storage(sender), receiver)
    }

    /// Hands in `entry`, without waiting.
    pub(crate) fn enter(&self, shell: &Shell, entry: JournalEntry) {
        if let Err(refused) = self.0.send(entry)
            && let JournalEntry::Started { record, .. } = refused.0
        {
            let error = Err("the storage thread has ended".to_string());
            shell.with(|link, now| link.handle_recorded(now, record, error));
        }
    }
}

/// The thread's loop. It ends when the link does, with everything on the disk.
pub(crate) fn run(shell: &Shell, journal: &mut Journal, entries: &Receiver<JournalEntry>) {
    loop {
        select! {
            recv(entries) -> entry => match entry {
                Ok(entry) => write(shell, journal, entry, entries),
                Err(_) => break,
            },
            recv(shell.end().requested()) -> _ => break,
        }
    }
    while let Ok(entry) = entries.try_recv() {
        write(shell, journal, entry, entries);
    }
    if let Err(error) = journal.sync() {
        log::error!("the last ends of commands are not on the disk: {error}");
    }
}

/// Writes `first` and all that wait behind it.
fn write(
    shell: &Shell,
    journal: &mut Journal,
    first: JournalEntry,
    entries: &Receiver<JournalEntry>,
) {
    let mut batch = vec![first];
    batch.extend(entries.try_iter().take(BATCH_ENTRIES_MAX - 1));
    let written = journal.write(&batch).map_err(|error| error.to_string());
    if let Err(error) = &written {
        log::error!("commands are not recorded: {error}");
    }
    for entry in batch {
        if let JournalEntry::Started { record, .. } = entry {
            let result = written.clone();
            shell.with(|link, now| link.handle_recorded(now, record, result));
        }
    }
}
