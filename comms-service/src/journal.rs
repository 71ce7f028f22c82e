//! The journal of commands: which mutations were started, so that none runs twice
//! even when the computer restarts in between.
//!
//! One `redb` database, `commands.redb` in the state directory. What is entered is
//! on the disk when [`Journal::write`] returns; all entries of one call share one
//! transaction. It is bounded in commands; finished ones give way first.

use std::path::{Path, PathBuf};

use kept_database::DatabaseFile;
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageError,
    TableDefinition,
};

use crate::link::{CommandKey, JournalEntry, RecordedCommand};
use crate::message::PayloadType;

/// The database's name in the state directory.
pub(crate) const FILE_NAME: &str = "commands.redb";
/// Octets of the database's cache in memory.
const CACHE_BYTES: usize = 256 * 1024;
/// Octets of a key: station (0 none, else 1 and the number), payload type, port, id.
const KEY_BYTES: usize = 13;
/// Octets of an entry: hash, 1 started or 2 finished, place in the order.
const ENTRY_BYTES: usize = 25;

const COMMANDS: TableDefinition<[u8; KEY_BYTES], [u8; ENTRY_BYTES]> =
    TableDefinition::new("commands");
/// Place in the order → key.
const ORDER: TableDefinition<u64, [u8; KEY_BYTES]> = TableDefinition::new("order");

/// The database, open or to be opened again.
pub(crate) struct Journal {
    file: DatabaseFile,
    commands_max: u64,
}

/// What was found at the start.
pub(crate) struct Opened {
    pub(crate) journal: Journal,
    /// Oldest first.
    pub(crate) commands: Vec<RecordedCommand>,
    /// Where a damaged database is kept now.
    pub(crate) set_aside: Option<PathBuf>,
}

/// Why the journal could not do what it was to do.
pub(crate) type JournalError = redb::Error;

impl Journal {
    /// Opens the journal in `directory`, which is made where it does not exist. A
    /// damaged database is kept aside, and a new one begun.
    ///
    /// # Errors
    /// When the directory or the file cannot be made or read, or another process
    /// has it open.
    pub(crate) fn open(directory: &Path, commands_max: usize) -> Result<Opened, JournalError> {
        let path = directory.join(FILE_NAME);
        let mut file = DatabaseFile::open(&path, CACHE_BYTES, prepare)?;
        Ok(Opened {
            commands: file.with(read)?,
            set_aside: file.take_set_aside(),
            journal: Journal {
                file,
                commands_max: commands_max as u64,
            },
        })
    }

    /// Where a database is kept that was found damaged by [`write`](Self::write): a new
    /// one was begun. Said once.
    pub(crate) fn take_set_aside(&mut self) -> Option<PathBuf> {
        self.file.take_set_aside()
    }

    /// Enters everything, in one transaction. It is on the disk when this returns,
    /// unless nothing but ends of commands was entered: these may wait for what is
    /// entered next.
    ///
    /// # Errors
    /// Nothing is certain of what was to be entered. The next call opens the
    /// database again; if it is damaged, it is kept aside, and a new one begun, so
    /// that mutations are not refused for ever.
    pub(crate) fn write(&mut self, entries: &[JournalEntry]) -> Result<(), JournalError> {
        let is_start = |entry: &JournalEntry| !matches!(entry, JournalEntry::Finished(_));
        let durability = match entries.iter().any(is_start) {
            true => Durability::Immediate,
            false => Durability::None,
        };
        self.enter(entries, durability)
    }

    /// Everything entered so far is on the disk when this returns.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        self.enter(&[], Durability::Immediate)
    }

    fn enter(
        &mut self,
        entries: &[JournalEntry],
        durability: Durability,
    ) -> Result<(), JournalError> {
        let commands_max = self.commands_max;
        self.file
            .with(|database| transact(database, entries, durability, commands_max))
    }
}

fn transact(
    database: &Database,
    entries: &[JournalEntry],
    durability: Durability,
    commands_max: u64,
) -> Result<(), JournalError> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(durability)?;
    {
        let mut commands = transaction.open_table(COMMANDS)?;
        let mut order = transaction.open_table(ORDER)?;
        for entry in entries {
            match entry {
                JournalEntry::Started { command, .. } => {
                    let key = key_octets(&command.key);
                    if let Some(before) = commands.get(key)? {
                        order.remove(place_of(&before.value()))?;
                    }
                    let last = order.last()?.map(|(place, _)| place.value());
                    let place = last.map_or(0, |last| last + 1);
                    order.insert(place, key)?;
                    commands.insert(key, entry_octets(command, place))?;
                    if commands.len()? > commands_max {
                        let gone = oldest(&order, &commands, key)?;
                        if let Some((place, key)) = gone {
                            order.remove(place)?;
                            commands.remove(key)?;
                        }
                    }
                }
                JournalEntry::Finished(key) => {
                    let key = key_octets(key);
                    let found = commands.get(key)?.map(|entry| entry.value());
                    if let Some(mut entry) = found {
                        set_finished(&mut entry);
                        commands.insert(key, entry)?;
                    }
                }
                JournalEntry::Forgotten(key) => {
                    let found = commands.remove(key_octets(key))?.map(|entry| entry.value());
                    if let Some(entry) = found {
                        order.remove(place_of(&entry))?;
                    }
                }
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Which command gives way to `newest`: the oldest finished datagram, else the oldest
/// finished mutation, else the oldest.
fn oldest(
    order: &impl ReadableTable<u64, [u8; KEY_BYTES]>,
    commands: &impl ReadableTable<[u8; KEY_BYTES], [u8; ENTRY_BYTES]>,
    newest: [u8; KEY_BYTES],
) -> Result<Option<(u64, [u8; KEY_BYTES])>, JournalError> {
    let (mut oldest, mut finished) = (None, None);
    for found in order.iter()? {
        let (place, key) = found.map(|(place, key)| (place.value(), key.value()))?;
        let is_datagram = key.get(KIND_AT) == Some(&DATAGRAM);
        if key == newest || (finished.is_some() && !is_datagram) {
            continue;
        }
        let entry = commands.get(key)?.map(|entry| entry.value());
        if entry.is_none_or(|entry| is_finished(&entry)) {
            if is_datagram {
                return Ok(Some((place, key)));
            }
            finished.get_or_insert((place, key));
        }
        oldest.get_or_insert((place, key));
    }
    Ok(finished.or(oldest))
}

/// Makes the tables, and reads all of them.
fn prepare(database: &Database) -> Result<(), JournalError> {
    let transaction = database.begin_write()?;
    transaction.open_table(COMMANDS)?;
    transaction.open_table(ORDER)?;
    transaction.commit()?;
    read(database).map(|_| ())
}

/// All commands, the oldest first.
fn read(database: &Database) -> Result<Vec<RecordedCommand>, JournalError> {
    let transaction = database.begin_read()?;
    let (commands, order) = (
        transaction.open_table(COMMANDS)?,
        transaction.open_table(ORDER)?,
    );
    let mut recorded = Vec::new();
    for found in order.iter()? {
        let key = found.map(|(_, key)| key.value())?;
        let entry = commands.get(key)?.map(|entry| entry.value());
        let damaged = || StorageError::Corrupted("an entry of the order has no command".into());
        recorded.push(recorded_command(&key, &entry.ok_or_else(damaged)?));
    }
    if recorded.len() as u64 != commands.len()? {
        let text = "a command is not in the order".to_string();
        return Err(StorageError::Corrupted(text).into());
    }
    Ok(recorded)
}

// Octets.

fn key_octets(key: &CommandKey) -> [u8; KEY_BYTES] {
    let (has_station, station) = key.station.map_or((0, 0), |station| (1, station));
    let [p0, p1] = key.port.to_be_bytes();
    let [i0, i1, i2, i3, i4, i5, i6, i7] = key.command_id.to_be_bytes();
    let kind = match key.payload_type {
        PayloadType::Udp => DATAGRAM,
        _ => 0,
    };
    [
        has_station,
        station,
        kind,
        p0,
        p1,
        i0,
        i1,
        i2,
        i3,
        i4,
        i5,
        i6,
        i7,
    ]
}

fn entry_octets(command: &RecordedCommand, place: u64) -> [u8; ENTRY_BYTES] {
    let mut octets = [0; ENTRY_BYTES];
    let state = if command.finished { FINISHED } else { STARTED };
    let parts = command.hash.into_iter().chain([state]);
    let parts = parts.chain(place.to_be_bytes());
    octets
        .iter_mut()
        .zip(parts)
        .for_each(|(to, from)| *to = from);
    octets
}

/// Where the payload type stands in a key, and what it is of a datagram.
const KIND_AT: usize = 2;
const DATAGRAM: u8 = 1;
const STARTED: u8 = 1;
const FINISHED: u8 = 2;
/// Where the state stands in an entry.
const STATE_AT: usize = 16;

fn is_finished(entry: &[u8; ENTRY_BYTES]) -> bool {
    entry.get(STATE_AT) == Some(&FINISHED)
}

fn set_finished(entry: &mut [u8; ENTRY_BYTES]) {
    if let Some(state) = entry.get_mut(STATE_AT) {
        *state = FINISHED;
    }
}

fn place_of(entry: &[u8; ENTRY_BYTES]) -> u64 {
    entry
        .last_chunk()
        .map_or(0, |place| u64::from_be_bytes(*place))
}

fn recorded_command(key: &[u8; KEY_BYTES], entry: &[u8; ENTRY_BYTES]) -> RecordedCommand {
    let [has_station, station, kind, p0, p1, id @ ..] = *key;
    let mut hash = [0; 16];
    hash.iter_mut()
        .zip(entry)
        .for_each(|(to, from)| *to = *from);
    RecordedCommand {
        key: CommandKey {
            station: (has_station == 1).then_some(station),
            payload_type: match kind {
                1 => PayloadType::Udp,
                _ => PayloadType::GraphQl,
            },
            port: u16::from_be_bytes([p0, p1]),
            command_id: u64::from_be_bytes(id),
        },
        hash,
        finished: is_finished(entry),
    }
}

/// For an error of the start: whether somebody else has the database.
pub(crate) fn is_open_elsewhere(error: &JournalError) -> bool {
    matches!(
        error,
        JournalError::DatabaseAlreadyOpen | JournalError::LockProtocolMismatch
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::link::RecordId;

    fn command(command_id: u64) -> RecordedCommand {
        RecordedCommand {
            key: CommandKey {
                station: command_id.is_multiple_of(2).then_some(7),
                payload_type: match command_id % 3 {
                    0 => PayloadType::Udp,
                    _ => PayloadType::GraphQl,
                },
                port: 8020,
                command_id,
            },
            hash: [command_id as u8; 16],
            finished: false,
        }
    }

    fn started(ids: impl IntoIterator<Item = u64>) -> Vec<JournalEntry> {
        ids.into_iter()
            .map(|id| JournalEntry::Started {
                record: RecordId(id),
                command: command(id),
            })
            .collect()
    }

    fn open(directory: &Path, commands_max: usize) -> Opened {
        Journal::open(directory, commands_max).unwrap()
    }

    /// Id and whether it is finished, oldest first, after opening again.
    fn found(directory: &Path) -> Vec<(u64, bool)> {
        let opened = open(directory, 10);
        assert_eq!(opened.set_aside, None);
        let one = |found: &RecordedCommand| {
            let finished = found.finished;
            let expected = RecordedCommand {
                finished,
                ..command(found.key.command_id)
            };
            assert_eq!(*found, expected);
            (found.key.command_id, finished)
        };
        opened.commands.iter().map(one).collect()
    }

    #[test]
    fn what_was_started_is_known_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let mut opened = open(directory.path(), 10);
        assert!(opened.commands.is_empty());
        opened.journal.write(&started([5, 3, 9])).unwrap();
        opened
            .journal
            .write(&[JournalEntry::Finished(command(3).key)])
            .unwrap();
        opened
            .journal
            .write(&[JournalEntry::Forgotten(command(5).key)])
            .unwrap();
        // The end of a command that is not known is nothing.
        opened
            .journal
            .write(&[JournalEntry::Finished(command(4).key)])
            .unwrap();
        opened.journal.sync().unwrap();
        drop(opened);
        assert_eq!(found(directory.path()), [(3, true), (9, false)]);
    }

    #[test]
    fn the_oldest_that_is_finished_gives_way_first() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = open(directory.path(), 3).journal;
        journal.write(&started([1, 2, 3])).unwrap();
        journal
            .write(&[JournalEntry::Finished(command(2).key)])
            .unwrap();
        journal.write(&started([4])).unwrap();
        journal.write(&started([5])).unwrap();
        // One that is started again is the newest.
        journal.write(&started([3])).unwrap();
        drop(journal);
        let left = [(4, false), (5, false), (3, false)];
        assert_eq!(found(directory.path()), left);
    }

    #[test]
    fn datagrams_give_way_before_mutations() {
        let directory = tempfile::tempdir().unwrap();
        let mut journal = open(directory.path(), 3).journal;
        for id in [1, 3, 6, 9, 12] {
            journal.write(&started([id])).unwrap();
            let finished = JournalEntry::Finished(command(id).key);
            journal.write(&[finished]).unwrap();
        }
        let is_datagram = |id| command(id).key.payload_type == PayloadType::Udp;
        assert!(!is_datagram(1) && is_datagram(3) && is_datagram(12));
        drop(journal);
        let left = [(1, true), (9, true), (12, true)];
        assert_eq!(found(directory.path()), left);
    }

    #[test]
    fn a_damaged_database_is_kept_aside_and_a_new_one_begun() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        let mut journal = open(directory.path(), 10).journal;
        journal.write(&started(1..5)).unwrap();
        drop(journal);
        let whole = fs::read(&path).unwrap();
        let mut overwritten = whole.clone();
        overwritten[100..].fill(0xA5);
        let damages = [
            b"no database".to_vec(),
            whole[..1001].to_vec(),
            vec![0; whole.len()],
            overwritten,
        ];
        for (number, damage) in damages.iter().enumerate() {
            fs::write(&path, damage).unwrap();
            let opened = open(directory.path(), 10);
            let aside = opened.set_aside.unwrap();
            assert!(aside.ends_with(format!("{FILE_NAME}.damaged-{}", number + 1)));
            assert_eq!(fs::read(aside).unwrap().len(), damage.len());
            assert!(opened.commands.is_empty());
            let mut journal = opened.journal;
            journal.write(&started([8])).unwrap();
        }
        assert_eq!(found(directory.path()), [(8, false)]);
    }

    #[test]
    fn a_database_damaged_while_it_was_in_use_refuses_no_command_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        let mut journal = open(directory.path(), 10).journal;
        journal.write(&started([1])).unwrap();
        let fails = || JournalError::Corrupted("a transaction fails".to_string());
        assert!(journal.file.with(|_| Err::<(), _>(fails())).is_err());
        fs::write(&path, b"no database").unwrap();
        journal.write(&started([2])).unwrap();
        let aside = journal.take_set_aside().unwrap();
        assert_eq!(fs::read(aside).unwrap(), b"no database");
        assert_eq!(journal.take_set_aside(), None);
        drop(journal);
        assert_eq!(found(directory.path()), [(2, false)]);
    }

    #[test]
    fn two_processes_do_not_share_a_journal() {
        let directory = tempfile::tempdir().unwrap();
        let _first = open(directory.path(), 10);
        let error = Journal::open(directory.path(), 10).map(drop).unwrap_err();
        assert!(is_open_elsewhere(&error), "{error}");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Journal::open(&file.join("below"), 10).is_err());
    }
}
