//! What is remembered over restarts and is not in the files of an item: items that have
//! ended, stages that somebody chose, uploads that were retrieved, which data of uploads was right,
//! and which topics are allowed.

use std::collections::HashSet;
use std::path::Path;

use kept_database::DatabaseFile;
use redb::{
    Database, Durability, Error, ReadableDatabase as _, ReadableTable as _, TableDefinition,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::agent::{Chosen, Ended};
use crate::item::{Topic, Uuid};
use crate::limits::{ENDED_MAX, RETRIEVED_MAX};
use crate::store::{Checked, News};

/// By the order in which they ended.
const ENDED: TableDefinition<u64, &str> = TableDefinition::new("ended");
/// By the identifier.
const CHOSEN: TableDefinition<&str, &str> = TableDefinition::new("chosen stages");
/// By the order in which they were retrieved.
const RETRIEVED: TableDefinition<u64, &str> = TableDefinition::new("retrieved");
/// By the identifier.
const CHECKED: TableDefinition<&str, &str> = TableDefinition::new("checked uploads");
/// What there is one of.
const SINGLE: TableDefinition<&str, &str> = TableDefinition::new("single");
const TOPICS: &str = "topics";
const CACHE_BYTES: usize = 1 << 20;

/// The journal.
#[derive(Debug)]
pub(crate) struct Journal {
    file: DatabaseFile,
    next: u64,
    sync: bool,
}

/// All that is remembered.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// The first that ended first.
    pub(crate) ended: Vec<Ended>,
    pub(crate) chosen: Vec<(Uuid, Chosen)>,
    pub(crate) topics: Vec<Topic>,
    /// The first that was first.
    pub(crate) retrieved: Vec<Uuid>,
    /// Uploads whose data was right.
    pub(crate) checked: Vec<(Uuid, Checked)>,
}

impl Journal {
    pub(crate) fn open(path: &Path, sync: bool) -> Result<(Self, Remembered), Error> {
        let mut file = DatabaseFile::open(path, CACHE_BYTES, prepare)?;
        if let Some(aside) = file.take_set_aside() {
            log::error!(
                "what was remembered of ended items was damaged and is kept as {}",
                aside.display()
            );
        }
        let mut remembered = Remembered::default();
        let next = file.with(|database| {
            let read = database.begin_read()?;
            let mut next = 0;
            for row in read.open_table(ENDED)?.iter()? {
                let (number, text) = row?;
                next = number.value().saturating_add(1);
                remembered.ended.extend(parsed(text.value()));
            }
            for row in read.open_table(CHOSEN)?.iter()? {
                let (id, text) = row?;
                let id = id.value().parse().ok();
                remembered.chosen.extend(id.zip(parsed(text.value())));
            }
            for row in read.open_table(RETRIEVED)?.iter()? {
                let (_, id) = row?;
                remembered.retrieved.extend(id.value().parse::<Uuid>());
            }
            for row in read.open_table(CHECKED)?.iter()? {
                let (id, text) = row?;
                let id = id.value().parse().ok();
                remembered.checked.extend(id.zip(parsed(text.value())));
            }
            if let Some(text) = read.open_table(SINGLE)?.get(TOPICS)? {
                remembered.topics = parsed(text.value()).unwrap_or_default();
            }
            Ok(next)
        })?;
        Ok((Journal { file, next, sync }, remembered))
    }

    /// These have ended. The oldest that are too many are forgotten.
    pub(crate) fn end(&mut self, ended: &[Ended]) -> Result<(), Error> {
        if ended.is_empty() {
            return Ok(());
        }
        let first = self.next;
        self.write(|transaction| {
            let mut table = transaction.open_table(ENDED)?;
            let mut chosen = transaction.open_table(CHOSEN)?;
            let mut number = first;
            for item in ended {
                table.insert(number, text(item).as_str())?;
                chosen.remove(item.uuid.to_string().as_str())?;
                number += 1;
            }
            let oldest = number.saturating_sub(ENDED_MAX as u64);
            table.retain_in(..oldest, |_, _| false)?;
            Ok(())
        })?;
        self.next = first + ended.len() as u64;
        Ok(())
    }

    /// Somebody chose a stage for it.
    pub(crate) fn choose(&mut self, id: Uuid, chosen: &Chosen) -> Result<(), Error> {
        self.write(|transaction| {
            let mut table = transaction.open_table(CHOSEN)?;
            table.insert(id.to_string().as_str(), text(chosen).as_str())?;
            Ok(())
        })
    }

    /// An upload is about to be retrieved. The oldest that are too many are forgotten.
    pub(crate) fn retrieve(&mut self, id: Uuid) -> Result<(), Error> {
        self.write(|transaction| {
            let mut table = transaction.open_table(RETRIEVED)?;
            let last = table.last()?.map_or(0, |(number, _)| number.value());
            let number = last.saturating_add(1);
            table.insert(number, id.to_string().as_str())?;
            let oldest = number.saturating_sub(RETRIEVED_MAX as u64);
            table.retain_in(..=oldest, |_, _| false)?;
            Ok(())
        })
    }

    /// These are uploads still, and were not retrieved.
    pub(crate) fn not_retrieved(&mut self, ids: &[Uuid]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids: HashSet<String> = ids.iter().map(Uuid::to_string).collect();
        self.write(|transaction| {
            let mut table = transaction.open_table(RETRIEVED)?;
            table.retain(|_, id| !ids.contains(id))?;
            Ok(())
        })
    }

    /// The data of these uploads was right, or they are uploads no more.
    pub(crate) fn check(&mut self, news: &News) -> Result<(), Error> {
        if news.checked.is_empty() && news.gone.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let mut table = transaction.open_table(CHECKED)?;
            for id in &news.gone {
                table.remove(id.to_string().as_str())?;
            }
            for (id, checked) in &news.checked {
                table.insert(id.to_string().as_str(), text(checked).as_str())?;
            }
            Ok(())
        })
    }

    /// These topics are allowed.
    pub(crate) fn allow(&mut self, topics: &[Topic]) -> Result<(), Error> {
        self.write(|transaction| {
            let mut table = transaction.open_table(SINGLE)?;
            table.insert(TOPICS, text(&topics).as_str())?;
            Ok(())
        })
    }

    fn write(
        &mut self,
        write: impl FnOnce(&redb::WriteTransaction) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let sync = self.sync;
        self.file.with(|database| {
            let mut transaction = database.begin_write()?;
            if !sync {
                transaction
                    .set_durability(Durability::None)
                    .map_err(Error::from)?;
            }
            write(&transaction)?;
            Ok(transaction.commit()?)
        })
    }
}

fn prepare(database: &Database) -> Result<(), Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(ENDED)?;
    transaction.open_table(CHOSEN)?;
    transaction.open_table(RETRIEVED)?;
    transaction.open_table(CHECKED)?;
    transaction.open_table(SINGLE)?;
    Ok(transaction.commit()?)
}

/// What a row says; a row of another version is passed over.
fn parsed<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

fn text<T: Serialize>(value: &T) -> String {
    // These are plain structures: nothing of them cannot be written.
    serde_json::to_string(value).unwrap_or_default()
}
