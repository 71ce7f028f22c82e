//! What is known over restarts: one database, in which the last record of each thing stands.

use std::path::{Path, PathBuf};

use kept_database::{DatabaseFile, explained};
use redb::{Database, Error, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::{DeviceRecord, Record, Recovered};

/// Octets of the database's cache in memory.
const CACHE_BYTES: usize = 1 << 20;

/// By the name.
const APPS: TableDefinition<&str, &[u8]> = TableDefinition::new("apps");
/// By the number.
const RUNS: TableDefinition<u64, &[u8]> = TableDefinition::new("runs");
/// By the number.
const FILES: TableDefinition<u64, &[u8]> = TableDefinition::new("files");
/// By the number.
const DEVICES: TableDefinition<u16, &[u8]> = TableDefinition::new("devices");

/// By the id.
const WINDOWS: TableDefinition<&str, &[u8]> = TableDefinition::new("windows");

/// A journal in a file.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: DatabaseFile,
}

/// It cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal: {0}")]
pub struct JournalError(String);

impl Journal {
    /// Opens the journal at `path`, or begins one; its directory is made. A damaged one is kept
    /// aside, which is logged, and a new one begun.
    ///
    /// # Errors
    /// It cannot be made or read, or another process has it open.
    pub fn open(path: &Path) -> Result<(Self, Recovered), JournalError> {
        let failed = |error: &Error| JournalError(explained(path, error));
        let opened = DatabaseFile::open(path, CACHE_BYTES, prepare);
        let mut file = opened.map_err(|error| failed(&error))?;
        if let Some(aside) = file.take_set_aside() {
            let aside = aside.display();
            log::error!(
                "the journal was damaged and is kept as {aside}: payloads have to register"
            );
        }
        let read = file.with(|database| read(database, path));
        let recovered = read.map_err(|error| failed(&error))?;
        let path = path.to_owned();
        Ok((Journal { path, file }, recovered))
    }

    /// All of these are on the disk when this returns, or none is.
    ///
    /// # Errors
    /// They are not; it may be tried again.
    pub fn commit(&mut self, records: &[Record]) -> Result<(), JournalError> {
        if records.is_empty() {
            return Ok(());
        }
        let done = self.file.with(|database| {
            let transaction = database.begin_write()?;
            {
                let mut apps = transaction.open_table(APPS)?;
                let mut runs = transaction.open_table(RUNS)?;
                let mut files = transaction.open_table(FILES)?;
                let mut devices = transaction.open_table(DEVICES)?;
                let mut windows = transaction.open_table(WINDOWS)?;
                for record in records {
                    match record {
                        Record::App(app) => {
                            apps.insert(app.name.as_str(), text(app).as_slice())?;
                        }
                        Record::Run(run) => {
                            runs.insert(run.id.0, text(run).as_slice())?;
                        }
                        Record::RunForgotten(run) => {
                            runs.remove(run.0)?;
                        }
                        Record::File(file) => {
                            files.insert(file.id.0, text(file).as_slice())?;
                        }
                        Record::FileForgotten(file) => {
                            files.remove(file.0)?;
                        }
                        Record::Device(device) => {
                            devices.insert(device.id, text(device).as_slice())?;
                        }
                        Record::Window(window) => {
                            let id = window.order.id.as_str();
                            windows.insert(id, text(window).as_slice())?;
                        }
                        Record::WindowForgotten(id) => {
                            windows.remove(id.as_str())?;
                        }
                    }
                }
            }
            Ok(transaction.commit()?)
        });
        done.map_err(|error| JournalError(explained(&self.path, &error)))
    }
}

fn prepare(database: &Database) -> Result<(), Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(APPS)?;
    transaction.open_table(RUNS)?;
    transaction.open_table(FILES)?;
    transaction.open_table(DEVICES)?;
    transaction.open_table(WINDOWS)?;
    Ok(transaction.commit()?)
}

fn read(database: &Database, path: &Path) -> Result<Recovered, Error> {
    let transaction = database.begin_read()?;
    let mut recovered = Recovered::default();
    for row in transaction.open_table(APPS)?.iter()? {
        recovered.apps.extend(parsed(row?.1.value(), path));
    }
    for row in transaction.open_table(RUNS)?.iter()? {
        recovered.runs.extend(parsed(row?.1.value(), path));
    }
    for row in transaction.open_table(FILES)?.iter()? {
        recovered.files.extend(parsed(row?.1.value(), path));
    }
    for row in transaction.open_table(DEVICES)?.iter()? {
        recovered
            .devices
            .extend(parsed::<DeviceRecord>(row?.1.value(), path));
    }
    for row in transaction.open_table(WINDOWS)?.iter()? {
        recovered.windows.extend(parsed(row?.1.value(), path));
    }
    Ok(recovered)
}

/// What a row says; one of another version is told and passed over.
fn parsed<T: DeserializeOwned>(octets: &[u8], path: &Path) -> Option<T> {
    let parsed = serde_json::from_slice(octets);
    let parsed = parsed.inspect_err(|error| log::error!("{}: {error}", path.display()));
    parsed.ok()
}

fn text<T: Serialize>(value: &T) -> Vec<u8> {
    // These are plain structures: nothing of them cannot be written.
    serde_json::to_vec(value).unwrap_or_default()
}
