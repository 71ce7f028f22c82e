//! What a machine makes durable for its engine, on its [`Storage`]: the journal of
//! commands, many entries by one sync, and the state of the security layer, in two
//! copies one after the other. As the shell does it, but for the files' formats.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use comms_service::link::{CommandKey, JournalEntry, RecordId, RecordedCommand};
use comms_service::message::PayloadType;
use comms_service::security::State;

use crate::storage::{Operation, Storage};

/// From a write to its sync: a crash may come between.
const SYNC_DELAY: Duration = Duration::from_millis(10);

const JOURNAL: &str = "commands";
const COPIES: [&str; 2] = ["security-0", "security-1"];

/// Octets of an entry of the journal, check and all.
const ENTRY_BYTES: usize = 37;

/// What is being written.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    entries: Vec<JournalEntry>,
    journal: Option<(Duration, Vec<RecordId>)>,
    security: Option<Store>,
    /// The newest state of the security layer that is safe.
    state: Option<State>,
}

#[derive(Debug)]
struct Store {
    at: Duration,
    token: u64,
    octets: Vec<u8>,
    copy: usize,
}

/// What the engine is to be told.
#[derive(Debug)]
pub(crate) enum Done {
    Recorded(RecordId, Result<(), String>),
    SecurityStored(u64, Result<(), String>),
}

impl Durable {
    /// What the storage has after a boot.
    pub(crate) fn read(storage: &mut Storage) -> (Self, Vec<RecordedCommand>) {
        let copies = COPIES.map(|copy| storage.read(copy));
        let [first, second] = &copies;
        let durable = Self {
            state: State::choose([first.as_deref(), second.as_deref()]),
            ..Self::default()
        };
        (durable, read_journal(storage))
    }

    /// The state of the security layer that is safe.
    pub(crate) fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    pub(crate) fn enter(&mut self, now: Duration, storage: &mut Storage, entry: JournalEntry) {
        self.entries.push(entry);
        self.begin(now, storage);
    }

    pub(crate) fn store(
        &mut self,
        now: Duration,
        storage: &mut Storage,
        token: u64,
        octets: Vec<u8>,
    ) {
        storage.replace(COPIES[0], &octets);
        self.security = Some(Store {
            at: now + SYNC_DELAY,
            token,
            octets,
            copy: 0,
        });
    }

    /// Everything that waits goes into one sync.
    fn begin(&mut self, now: Duration, storage: &mut Storage) {
        if self.journal.is_some() || self.entries.is_empty() {
            return;
        }
        let mut records = Vec::new();
        for entry in std::mem::take(&mut self.entries) {
            storage.append(JOURNAL, &encode(&entry));
            if let JournalEntry::Started { record, .. } = entry {
                records.push(record);
            }
        }
        self.journal = Some((now + SYNC_DELAY, records));
    }

    /// What is done by `now`.
    pub(crate) fn handle_time(&mut self, now: Duration, storage: &mut Storage) -> Vec<Done> {
        let mut done = Vec::new();
        if let Some((_, records)) = self.journal.take_if(|(at, _)| *at <= now) {
            let result = storage.sync(JOURNAL).map_err(|error| error.to_string());
            let told = records.into_iter();
            done.extend(told.map(|record| Done::Recorded(record, result.clone())));
            self.begin(now, storage);
        }
        if let Some(mut store) = self.security.take_if(|store| store.at <= now) {
            match storage.sync(COPIES[store.copy]) {
                Err(error) => {
                    done.push(Done::SecurityStored(store.token, Err(error.to_string())));
                }
                Ok(()) if store.copy == 0 => {
                    store.copy = 1;
                    store.at = now + SYNC_DELAY;
                    storage.replace(COPIES[1], &store.octets);
                    self.security = Some(store);
                }
                Ok(()) => {
                    self.state = State::decode(&store.octets);
                    done.push(Done::SecurityStored(store.token, Ok(())));
                }
            }
        }
        done
    }

    pub(crate) fn next_event(&self) -> Option<Duration> {
        let journal = self.journal.as_ref().map(|(at, _)| *at);
        let security = self.security.as_ref().map(|store| store.at);
        [journal, security].into_iter().flatten().min()
    }
}

/// Whether a crash took the journal whole.
pub(crate) fn lost_journal(storage: &Storage) -> bool {
    let lost = |done: &Operation| matches!(done, Operation::Lost { file } if file == JOURNAL);
    storage.log().iter().any(lost)
}

/// The commands of the journal, oldest first. What a crash tore off its end goes.
fn read_journal(storage: &mut Storage) -> Vec<RecordedCommand> {
    let octets = storage.read(JOURNAL).unwrap_or_default();
    let mut commands: BTreeMap<CommandKey, (usize, RecordedCommand)> = BTreeMap::new();
    let mut whole = 0;
    for (place, entry) in octets.chunks(ENTRY_BYTES).enumerate() {
        let Some((kind, command)) = decode(entry) else {
            break;
        };
        whole += ENTRY_BYTES;
        match kind {
            STARTED => {
                commands.insert(command.key, (place, command));
            }
            FINISHED => {
                if let Some((_, known)) = commands.get_mut(&command.key) {
                    known.finished = true;
                }
            }
            _ => {
                commands.remove(&command.key);
            }
        }
    }
    if whole < octets.len() {
        storage.replace(JOURNAL, &octets[..whole]);
        // The next sync makes it safe; a crash before that leaves the same or less.
    }
    let mut commands: Vec<_> = commands.into_values().collect();
    commands.sort_by_key(|(place, _)| *place);
    commands.into_iter().map(|(_, command)| command).collect()
}

const STARTED: u8 = 1;
const FINISHED: u8 = 2;
const FORGOTTEN: u8 = 3;

/// Kind, station (0: none), payload type, port, id, hash, check.
fn encode(entry: &JournalEntry) -> Vec<u8> {
    let (kind, key, hash) = match entry {
        JournalEntry::Started { command, .. } => (STARTED, command.key, command.hash),
        JournalEntry::Finished(key) => (FINISHED, *key, [0; 16]),
        JournalEntry::Forgotten(key) => (FORGOTTEN, *key, [0; 16]),
    };
    let is_udp = key.payload_type == PayloadType::Udp;
    let mut octets = vec![kind, key.station.unwrap_or(0), u8::from(is_udp)];
    octets.extend(key.port.to_be_bytes());
    octets.extend(key.command_id.to_be_bytes());
    octets.extend(hash);
    octets.extend(check(&octets));
    octets
}

fn decode(octets: &[u8]) -> Option<(u8, RecordedCommand)> {
    let (covered, found) = octets.split_last_chunk::<8>()?;
    if octets.len() != ENTRY_BYTES || *found != check(covered) {
        return None;
    }
    let (&[kind, station, is_udp], rest) = covered.split_first_chunk()?;
    let (port, rest) = rest.split_first_chunk()?;
    let (command_id, rest) = rest.split_first_chunk()?;
    let command = RecordedCommand {
        key: CommandKey {
            station: (station != 0).then_some(station),
            payload_type: match is_udp {
                0 => PayloadType::GraphQl,
                _ => PayloadType::Udp,
            },
            port: u16::from_be_bytes(*port),
            command_id: u64::from_be_bytes(*command_id),
        },
        hash: *rest.first_chunk()?,
        finished: false,
    };
    Some((kind, command))
}

fn check(octets: &[u8]) -> [u8; 8] {
    let mut hasher = DefaultHasher::new();
    octets.hash(&mut hasher);
    hasher.finish().to_be_bytes()
}
