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

    /// Hands in `entry`, without waiting; gives it back once the thread has ended.
    pub(crate) fn enter(&self, entry: JournalEntry) -> Result<(), JournalEntry> {
        self.0.send(entry).map_err(|refused| refused.0)
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
    if let Some(aside) = journal.take_set_aside() {
        let text = format!(
            "the journal of commands was damaged while it was in use; it is kept as {aside:?}, \
             and a new one is begun: after a restart, a command from before now that comes \
             again would run again"
        );
        shell.with(|link, _| link.handle_damaged_state(text));
    }
    for entry in batch {
        if let JournalEntry::Started { record, .. } = entry {
            let result = written.clone();
            shell.with(|link, now| link.handle_recorded(now, record, result));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use crossbeam_channel::bounded;

    use super::*;
    use crate::accounting::DropReason;
    use crate::link::{
        Action, CommandMemoryConfig, HandlerId, Link, LinkConfig, RecordId, ServiceFailure,
    };
    use crate::message::{Class, End, Head, PayloadType};
    use crate::options::{Addresses, LinkOptions};
    use crate::packet::{LinkPacket, SpacePacketFormat};
    use crate::shell::Perform;

    const WAIT_MAX: Duration = Duration::from_secs(20);

    /// Notes entries; a thread that is to post for port 2 waits until it may.
    struct Notes {
        entries: Mutex<Vec<JournalEntry>>,
        posted: Sender<HandlerId>,
        may_go_on: Receiver<()>,
    }

    impl Perform for Notes {
        fn perform(&self, _: &Shell, action: Action) {
            match action {
                Action::Post { handler, port, .. } => {
                    self.posted.send(handler).unwrap();
                    if port == 2 {
                        self.may_go_on.recv_timeout(WAIT_MAX).unwrap();
                    }
                }
                Action::Journal(entry) => self.entries.lock().unwrap().push(entry),
                _ => {}
            }
        }

        fn enter(&self, entry: JournalEntry) -> Result<(), JournalEntry> {
            self.entries.lock().unwrap().push(entry);
            Ok(())
        }
    }

    fn hears(shell: &Shell, command_id: u64, port: u16, count: u16) {
        let head = Head {
            payload_type: PayloadType::GraphQl,
            class: Class::Standard,
            security: None,
            command_id,
            port,
        };
        let mut packet = Vec::new();
        let ground = SpacePacketFormat::new(End::Ground);
        ground
            .build(&head, b"mutation { fire }", 0, count, &mut packet)
            .unwrap();
        shell.with(|link, now| link.handle_packet(now, packet));
    }

    #[test]
    fn a_command_forgotten_by_one_thread_is_not_erased_after_its_retry_was_entered_by_another() {
        let addresses = Addresses {
            ground_ip: Ipv4Addr::LOCALHOST,
            satellite_ip: Ipv4Addr::LOCALHOST,
            ground_port: None,
        };
        let format = LinkOptions::default().packet_format(End::Satellite, None, addresses);
        let config = LinkConfig {
            handlers_max: 1,
            command_memory: Some(CommandMemoryConfig::default()),
            records_commands: true,
            ..LinkConfig::new(End::Satellite)
        };
        let (posted, posts) = bounded(9);
        let (go_on, may_go_on) = bounded(9);
        let notes = Arc::new(Notes {
            entries: Mutex::default(),
            posted,
            may_go_on,
        });
        let link = Link::new(config, format.unwrap());
        let shell = Shell::new(link, 1, Arc::clone(&notes) as _).0;

        hears(&shell, 7, 1, 0);
        shell.with(|link, now| link.handle_recorded(now, RecordId(0), Ok(())));
        let handler = posts.recv_timeout(WAIT_MAX).unwrap();
        // Waits for the only handler.
        hears(&shell, 0, 2, 1);
        std::thread::scope(|scope| {
            let shell = &shell;
            scope.spawn(move || {
                let unreachable = ServiceFailure {
                    reason: DropReason::ServiceUnreachable,
                    message: String::new(),
                };
                shell.with(|link, _| link.handle_answer(handler, Err(unreachable)));
            });
            posts.recv_timeout(WAIT_MAX).unwrap();
            hears(shell, 7, 1, 2);
            go_on.send(()).unwrap();
        });

        let entries = notes.entries.lock().unwrap();
        let kinds = entries.iter().map(|entry| match entry {
            JournalEntry::Started { .. } => "started",
            JournalEntry::Finished(_) => "finished",
            JournalEntry::Forgotten(_) => "forgotten",
        });
        let kinds: Vec<_> = kinds.collect();
        assert_eq!(kinds, ["started", "forgotten", "started"]);
    }
}
