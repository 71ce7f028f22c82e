//! Which file is where, on the disk.

use std::collections::BTreeMap;
use std::path::Path;

use kept_database::{DatabaseFile, explained};
use redb::{
    Database, Error, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::object::Object;

const CACHE_BYTES: usize = 1 << 20;
/// Files that are remembered; of more, those that came first are forgotten.
const FILES_MAX: u64 = 200_000;

/// The record of each file, by its identifier.
const FILES: TableDefinition<&str, &[u8]> = TableDefinition::new("files");
/// Their identifiers, as they came.
const ORDER: TableDefinition<u64, &str> = TableDefinition::new("order");
/// What is in no manifest yet.
const UNLISTED: TableDefinition<u64, &[u8]> = TableDefinition::new("unlisted");
/// Receipts that are not known to have arrived, by the identifier of the file.
const RECEIPTS: TableDefinition<&str, &[u8]> = TableDefinition::new("receipts");
/// The counts, and the manifest that is under way.
const STATE: TableDefinition<&str, &[u8]> = TableDefinition::new("state");
const COUNTS: &str = "counts";
const MANIFEST: &str = "manifest";

/// A file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) object: Object,
    /// Which place, by its name.
    pub(crate) place: String,
    pub(crate) key: String,
    /// When the key was chosen, or the file was at its place: s since 1970.
    pub(crate) time: i64,
    pub(crate) state: State,
    /// Its parts in a bucket, of which no object was made yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upload: Option<String>,
    /// Receipts that were ordered.
    pub(crate) receipts: u32,
    /// The bundle that was dealt with last.
    pub(crate) bundle: Option<BundleFile>,
}

/// Which file a bundle was: of the same name, there may be another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BundleFile {
    pub(crate) inode: u64,
    /// When it was changed: s since 1970, and ns.
    pub(crate) changed: (i64, i64),
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// It may be at its place.
    Chosen,
    /// It is.
    Delivered,
    /// Its receipt is due, or ordered, and the bundle goes.
    Done,
}

/// One line of a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) uuid: String,
    pub(crate) topic: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) sha256: String,
    pub(crate) size: u64,
    pub(crate) time: i64,
}

/// A receipt that is not known to have arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ordered {
    /// Of its last order; empty before the first.
    pub(crate) key: String,
    /// How often it was ordered.
    pub(crate) tries: u32,
    /// When it is to be ordered: s since 1970; none while it is.
    pub(crate) due: Option<i64>,
}

impl Ordered {
    /// One that nobody has ordered.
    pub(crate) fn due_now() -> Self {
        Ordered {
            key: String::new(),
            tries: 0,
            due: Some(0),
        }
    }
}

/// A manifest that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    pub(crate) uuid: String,
    pub(crate) key: String,
    pub(crate) time: i64,
    /// The last line of it.
    pub(crate) last: u64,
}

/// The journal, in a file.
#[derive(Debug)]
pub(crate) struct Journal {
    file: DatabaseFile,
}

fn prepare(database: &Database) -> Result<(), Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(FILES)?;
    transaction.open_table(ORDER)?;
    transaction.open_table(UNLISTED)?;
    transaction.open_table(RECEIPTS)?;
    transaction.open_table(STATE)?;
    Ok(transaction.commit()?)
}

impl Journal {
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let opened = DatabaseFile::open(path, CACHE_BYTES, prepare);
        let mut file = opened.map_err(|error| explained(path, &error))?;
        if let Some(aside) = file.take_set_aside() {
            log::error!(
                "the journal of deliveries was damaged, and is kept as {}: what is at its place \
                 is found there again under the same key only",
                aside.display()
            );
        }
        Ok(Journal { file })
    }

    fn with<T>(&mut self, does: impl FnOnce(&Database) -> Result<T, Error>) -> Result<T, String> {
        let done = self.file.with(does);
        done.map_err(|error| explained(self.file.path(), &error))
    }

    pub(crate) fn find(&mut self, uuid: &str) -> Result<Option<Record>, String> {
        self.with(|database| {
            let files = database.begin_read()?.open_table(FILES)?;
            let found = files.get(uuid)?;
            found.map(|found| parsed(found.value())).transpose()
        })
    }

    /// The key of a file is chosen, or its parts have a place to go to.
    pub(crate) fn choose(&mut self, record: &Record) -> Result<(), String> {
        let octets = octets(record);
        self.with(|database| {
            let transaction = database.begin_write()?;
            {
                let mut files = transaction.open_table(FILES)?;
                let mut order = transaction.open_table(ORDER)?;
                let uuid = record.object.uuid.as_str();
                if files.insert(uuid, octets.as_slice())?.is_none() {
                    let last = order.last()?.map_or(0, |(number, _)| number.value());
                    order.insert(last + 1, uuid)?;
                }
                while order.len()? > FILES_MAX {
                    let Some((_, uuid)) = order.pop_first()? else {
                        break;
                    };
                    files.remove(uuid.value())?;
                }
            }
            Ok(transaction.commit()?)
        })
    }

    /// A file is at its place, and is to be in the next manifest.
    pub(crate) fn deliver(&mut self, record: &Record) -> Result<(), String> {
        let line = octets(&Line {
            uuid: record.object.uuid.clone(),
            topic: record.object.topic.clone(),
            bucket: record.place.clone(),
            key: record.key.clone(),
            sha256: record.object.sha256.clone(),
            size: record.object.size,
            time: record.time,
        });
        let octets = octets(record);
        self.with(|database| {
            let transaction = database.begin_write()?;
            {
                let mut files = transaction.open_table(FILES)?;
                files.insert(record.object.uuid.as_str(), octets.as_slice())?;
                let mut unlisted = transaction.open_table(UNLISTED)?;
                // Numbers are not used again: a manifest that is under way ends with one.
                let mut state = transaction.open_table(STATE)?;
                let last = unlisted.last()?.map_or(0, |(number, _)| number.value());
                let begun = begun(&state)?.map_or(0, |begun| begun.last);
                unlisted.insert(last.max(begun) + 1, line.as_slice())?;
                add(&mut state, |counts| {
                    counts.arrived += 1;
                    counts.delivered += 1;
                    counts.delivered_bytes += record.object.size;
                })?;
            }
            Ok(transaction.commit()?)
        })
    }

    /// Something became of a file, and of its receipt where there is one.
    pub(crate) fn change(
        &mut self,
        record: &Record,
        receipt: Option<&Ordered>,
        count: impl FnOnce(&mut Counts),
    ) -> Result<(), String> {
        let octets = octets(record);
        self.with(|database| {
            let transaction = database.begin_write()?;
            {
                let mut files = transaction.open_table(FILES)?;
                let uuid = record.object.uuid.as_str();
                files.insert(uuid, octets.as_slice())?;
                if let Some(receipt) = receipt {
                    let mut receipts = transaction.open_table(RECEIPTS)?;
                    receipts.insert(uuid, self::octets(receipt).as_slice())?;
                }
                add(&mut transaction.open_table(STATE)?, count)?;
            }
            Ok(transaction.commit()?)
        })
    }

    /// Receipts that are not known to have arrived, by the identifier of the file.
    pub(crate) fn receipts(&mut self) -> Result<BTreeMap<String, Ordered>, String> {
        self.with(|database| {
            let receipts = database.begin_read()?.open_table(RECEIPTS)?;
            let mut all = BTreeMap::new();
            for entry in receipts.iter()? {
                let (uuid, ordered) = entry?;
                all.insert(uuid.value().to_owned(), parsed(ordered.value())?);
            }
            Ok(all)
        })
    }

    /// Something became of a receipt; without one it is done with.
    pub(crate) fn note_receipt(
        &mut self,
        uuid: &str,
        receipt: Option<&Ordered>,
        count: impl FnOnce(&mut Counts),
    ) -> Result<(), String> {
        self.with(|database| {
            let transaction = database.begin_write()?;
            {
                let mut receipts = transaction.open_table(RECEIPTS)?;
                match receipt {
                    Some(receipt) => receipts.insert(uuid, octets(receipt).as_slice())?,
                    None => receipts.remove(uuid)?,
                };
                add(&mut transaction.open_table(STATE)?, count)?;
            }
            Ok(transaction.commit()?)
        })
    }

    pub(crate) fn count(&mut self, count: impl FnOnce(&mut Counts)) -> Result<(), String> {
        self.with(|database| {
            let transaction = database.begin_write()?;
            add(&mut transaction.open_table(STATE)?, count)?;
            Ok(transaction.commit()?)
        })
    }

    pub(crate) fn counts(&mut self) -> Result<Counts, String> {
        self.with(|database| {
            let state = database.begin_read()?.open_table(STATE)?;
            let counts = state.get(COUNTS)?;
            Ok(counts
                .map(|counts| parsed(counts.value()))
                .transpose()?
                .unwrap_or_default())
        })
    }

    /// The last that came, the newest first.
    pub(crate) fn last(&mut self, max: usize) -> Result<Vec<Record>, String> {
        self.with(|database| {
            let transaction = database.begin_read()?;
            let (order, files) = (
                transaction.open_table(ORDER)?,
                transaction.open_table(FILES)?,
            );
            let mut last = Vec::new();
            for entry in order.iter()?.rev().take(max) {
                let (_, uuid) = entry?;
                if let Some(record) = files.get(uuid.value())? {
                    last.push(parsed(record.value())?);
                }
            }
            Ok(last)
        })
    }

    /// When the first file came that is in no manifest: s since 1970.
    pub(crate) fn unlisted_since(&mut self) -> Result<Option<i64>, String> {
        self.with(|database| {
            let unlisted = database.begin_read()?.open_table(UNLISTED)?;
            let first = unlisted.first()?;
            let line: Option<Line> = first.map(|(_, line)| parsed(line.value())).transpose()?;
            Ok(line.map(|line| line.time))
        })
    }

    /// The manifest that is under way.
    pub(crate) fn manifest(&mut self) -> Result<Option<Begun>, String> {
        self.with(|database| begun(&database.begin_read()?.open_table(STATE)?))
    }

    /// The lines of the next manifest, at most so many, and the number of the last; of the one
    /// that is under way, up to that number.
    pub(crate) fn lines(
        &mut self,
        upto: Option<u64>,
        max: usize,
    ) -> Result<(Vec<Line>, u64), String> {
        self.with(|database| {
            let unlisted = database.begin_read()?.open_table(UNLISTED)?;
            let mut lines = Vec::new();
            let mut last = 0;
            for entry in unlisted.range(..=upto.unwrap_or(u64::MAX))?.take(max) {
                let (number, line) = entry?;
                last = number.value();
                lines.push(parsed(line.value())?);
            }
            Ok((lines, last))
        })
    }

    pub(crate) fn begin_manifest(&mut self, begun: &Begun) -> Result<(), String> {
        let octets = octets(begun);
        self.with(|database| {
            let transaction = database.begin_write()?;
            transaction
                .open_table(STATE)?
                .insert(MANIFEST, octets.as_slice())?;
            Ok(transaction.commit()?)
        })
    }

    /// The manifest that is under way is at its place.
    pub(crate) fn end_manifest(&mut self, begun: &Begun) -> Result<(), String> {
        self.with(|database| {
            let transaction = database.begin_write()?;
            {
                let mut unlisted = transaction.open_table(UNLISTED)?;
                unlisted.retain_in(..=begun.last, |_, _| false)?;
                let mut state = transaction.open_table(STATE)?;
                state.remove(MANIFEST)?;
                add(&mut state, |counts| counts.manifests += 1)?;
            }
            Ok(transaction.commit()?)
        })
    }
}

fn begun(
    state: &impl redb::ReadableTable<&'static str, &'static [u8]>,
) -> Result<Option<Begun>, Error> {
    let begun = state.get(MANIFEST)?;
    begun.map(|begun| parsed(begun.value())).transpose()
}

fn add(
    state: &mut redb::Table<&'static str, &'static [u8]>,
    count: impl FnOnce(&mut Counts),
) -> Result<(), Error> {
    let counts = state.get(COUNTS)?.map(|counts| parsed(counts.value()));
    let mut counts: Counts = counts.transpose()?.unwrap_or_default();
    count(&mut counts);
    state.insert(COUNTS, octets(&counts).as_slice())?;
    Ok(())
}

fn octets(value: &impl Serialize) -> Vec<u8> {
    // Maps of text to values: there is nothing in them that JSON has not.
    serde_json::to_vec(value).unwrap_or_default()
}

fn parsed<T: DeserializeOwned>(octets: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(octets).map_err(|error| Error::Corrupted(error.to_string()))
}
