//! The file of an archive, as it is read. Another process may write it meanwhile.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use super::{Account, ArchiveError, microseconds};
use crate::database;

/// Frames that are read at once.
const PAGE_FRAMES: usize = 512;

/// Which frames are wanted: all that meet each of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Heard then or later, by UTC since 1970.
    pub since: Option<Duration>,
    /// Heard before then.
    pub until: Option<Duration>,
    /// On this APID.
    pub apid: Option<u16>,
    /// Of the answer to this command.
    pub command_id: Option<u64>,
    /// So many of them at most, which are the last.
    pub limit: Option<u64>,
}

/// A frame of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// In the order in which they were written.
    pub number: i64,
    /// When it was heard, by UTC since 1970.
    pub at: Duration,
    /// In formats that have one.
    pub apid: Option<u16>,
    /// Of the command that it answers.
    pub command_id: Option<u64>,
    /// Of the service that answered, or the downlink port.
    pub port: Option<u16>,
    /// Why nothing came of it; none where it was valid.
    pub refused: Option<String>,
    /// The packet; of a frame that the link layer refused, the frame.
    pub octets: Vec<u8>,
}

/// What was heard in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeardIn {
    /// Frames that were valid.
    pub frames: u64,
    /// Their octets.
    pub octets: u64,
    /// Frames that were refused, by the link layer or as packets.
    pub refused: u64,
}

/// An archive that is open to be read.
pub struct ArchiveReader {
    database: Connection,
}

impl ArchiveReader {
    /// Opens the archive in `file`; none where there is no such file, or who makes it has not
    /// got so far.
    ///
    /// # Errors
    /// [`ArchiveError`] when it cannot be read.
    pub fn open(file: &Path) -> Result<Option<Self>, ArchiveError> {
        if !file.try_exists().map_err(failed)? {
            return Ok(None);
        }
        let database = database::open_to_read(file).map_err(ArchiveError::new)?;
        let version = database.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
        let is_made = version.map_err(failed)? > 0;
        Ok(is_made.then_some(ArchiveReader { database }))
    }

    /// Gives `each` frame that is searched for, the oldest first, until it wants no more (false).
    ///
    /// # Errors
    /// The database's.
    pub fn search(
        &self,
        search: &Search,
        mut each: impl FnMut(Found) -> bool,
    ) -> Result<(), ArchiveError> {
        self.each(search, &mut each).map_err(failed)
    }

    /// By pages: nobody keeps the file as it was for as long as somebody reads what is printed.
    fn each(&self, search: &Search, each: &mut dyn FnMut(Found) -> bool) -> rusqlite::Result<()> {
        let filter = Filter::of(search);
        let mut after = match search.limit {
            None => (i64::MIN, i64::MIN),
            Some(limit) => self.before_last(&filter, limit)?,
        };
        loop {
            let page = self.page(&filter, after)?;
            let is_last = page.len() < PAGE_FRAMES;
            for (heard_us, found) in page {
                after = (heard_us, found.number);
                if !each(found) {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// The place before the last `limit` frames.
    fn before_last(&self, filter: &Filter, limit: u64) -> rusqlite::Result<(i64, i64)> {
        let (conditions, mut values) = (&filter.conditions, filter.values.clone());
        values.push(Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let text = format!(
            "SELECT heard_us, number FROM frames WHERE {conditions}
             ORDER BY heard_us DESC, number DESC LIMIT 1 OFFSET ?{}",
            values.len()
        );
        let mut statement = self.database.prepare_cached(&text)?;
        let found = statement.query_row(params_from_iter(values), |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
        Ok(found.optional()?.unwrap_or((i64::MIN, i64::MIN)))
    }

    fn page(&self, filter: &Filter, after: (i64, i64)) -> rusqlite::Result<Vec<(i64, Found)>> {
        let (conditions, mut values) = (&filter.conditions, filter.values.clone());
        values.extend([Value::Integer(after.0), Value::Integer(after.1)]);
        let (time, number) = (values.len() - 1, values.len());
        let text = format!(
            "SELECT number, heard_us, apid, command_id, port, refused, octets FROM frames
             WHERE {conditions} AND (heard_us, number) > (?{time}, ?{number})
             ORDER BY heard_us, number LIMIT {PAGE_FRAMES}"
        );
        let mut statement = self.database.prepare_cached(&text)?;
        let rows = statement.query_map(params_from_iter(values), |row| {
            Ok((row.get(1)?, found(row)?))
        });
        rows?.collect()
    }

    /// What was heard from `since` to before `until`.
    ///
    /// # Errors
    /// The database's.
    pub fn heard_in(&self, since: Duration, until: Duration) -> Result<HeardIn, ArchiveError> {
        let sums = "SELECT count(*) FILTER (WHERE refused IS NULL),
                coalesce(sum(length(octets)) FILTER (WHERE refused IS NULL), 0),
                count(*) FILTER (WHERE refused IS NOT NULL)
            FROM frames WHERE heard_us >= ?1 AND heard_us < ?2";
        let count = |row: &Row<'_>, at: usize| {
            let count = row.get::<_, i64>(at)?;
            Ok::<_, rusqlite::Error>(u64::try_from(count).unwrap_or(0))
        };
        let times = [microseconds(since), microseconds(until)];
        let heard = self.database.query_row(sums, times, |row| {
            Ok(HeardIn {
                frames: count(row, 0)?,
                octets: count(row, 1)?,
                refused: count(row, 2)?,
            })
        });
        heard.map_err(failed)
    }

    /// What became of everything that was heard.
    ///
    /// # Errors
    /// The database's.
    pub fn account(&self) -> Result<Account, ArchiveError> {
        Account::of(&self.database).map_err(failed)
    }
}

fn failed(error: impl std::fmt::Display) -> ArchiveError {
    ArchiveError::new(format!("cannot be read: {error}"))
}

/// The conditions of a search but its limit, and the values of their parameters.
struct Filter {
    conditions: String,
    values: Vec<Value>,
}

impl Filter {
    fn of(search: &Search) -> Self {
        let number = Value::Integer;
        let wanted = [
            (
                "heard_us >=",
                search.since.map(|at| number(microseconds(at))),
            ),
            (
                "heard_us <",
                search.until.map(|at| number(microseconds(at))),
            ),
            ("apid =", search.apid.map(|apid| number(apid.into()))),
            (
                "command_id =",
                search.command_id.map(|id| number(id.cast_signed())),
            ),
        ];
        let mut conditions = "TRUE".to_owned();
        let mut values = Vec::new();
        for (condition, value) in wanted {
            if let Some(value) = value {
                values.push(value);
                conditions.push_str(&format!(" AND {condition} ?{}", values.len()));
            }
        }
        Filter { conditions, values }
    }
}

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    let at_us = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
    Ok(Found {
        number: row.get(0)?,
        at: Duration::from_micros(at_us),
        apid: row.get(2)?,
        command_id: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
        port: row.get(4)?,
        refused: row.get(5)?,
        octets: row.get(6)?,
    })
}
