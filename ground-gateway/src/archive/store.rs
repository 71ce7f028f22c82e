//! The file of an archive, as it is written.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::time::Duration;

use comms_service::message::End;
use rusqlite::{Connection, TransactionBehavior, params};

use super::reading::Reading;
use super::{Account, ArchiveError, ArchiveSettings, ArchivedFrame, microseconds};
use crate::config::GroundLinkConfig;
use crate::database;

/// The schema, by steps.
pub(super) const STEPS: &[&str] = &["
    CREATE TABLE frames (
        number INTEGER PRIMARY KEY,
        heard_us INTEGER NOT NULL,
        apid INTEGER,
        command_id INTEGER,
        port INTEGER,
        refused TEXT,
        octets BLOB NOT NULL
    ) STRICT;
    CREATE INDEX frames_by_time ON frames (heard_us);
    CREATE INDEX frames_by_apid ON frames (apid, heard_us) WHERE apid IS NOT NULL;
    CREATE INDEX frames_by_command ON frames (command_id, heard_us)
        WHERE command_id IS NOT NULL;
    CREATE TABLE account (what TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"];

/// The most frames that one transaction removes.
pub const FRAMES_PER_REMOVAL: u32 = 4096;
const DAY: Duration = Duration::from_secs(86_400);

/// An archive that is open to be written. Several processes may have it open.
pub struct Archive {
    database: Connection,
    reading: Reading,
    settings: ArchiveSettings,
}

impl Archive {
    /// Opens the archive of `link`, as its configuration has it; the file is made if it is not
    /// there, as is its directory.
    ///
    /// # Errors
    /// [`ArchiveError`] when the link has none, the file cannot be made, or is no archive.
    pub fn open(link: &GroundLinkConfig) -> Result<Self, ArchiveError> {
        let settings = link.archive.clone();
        let settings = settings.ok_or_else(|| ArchiveError::new("is not enabled"))?;
        let format = link.comms.packet_format(End::Ground, None, link.addresses);
        let reading = Reading::new(link.comms.format, format.map_err(ArchiveError::new)?);
        let folder = &settings.directory;
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(folder);
        made.map_err(|error| {
            ArchiveError::new(format!("cannot be made in {}: {error}", folder.display()))
        })?;
        let file = settings.file(&link.name);
        Ok(Archive {
            database: database::open(&file, STEPS).map_err(ArchiveError::new)?,
            reading,
            settings,
        })
    }

    /// Writes `frames`, in the order in which they were heard, and adds to the account that they
    /// are stored, and what `account` says: what was heard, these frames too, and what of it is
    /// not stored. All of it, or nothing; when this returns, it is on the disk.
    ///
    /// # Errors
    /// The database's.
    pub fn store(
        &mut self,
        frames: &[ArchivedFrame],
        account: Account,
    ) -> Result<(), ArchiveError> {
        self.write(frames, account).map_err(failed)
    }

    fn write(&mut self, frames: &[ArchivedFrame], account: Account) -> rusqlite::Result<()> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.database.transaction_with_behavior(behavior)?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO frames (heard_us, apid, command_id, port, refused, octets)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for frame in frames {
                let described = self.reading.describe(frame);
                insert.execute(params![
                    microseconds(frame.at),
                    described.apid,
                    described.command_id.map(u64::cast_signed),
                    described.port,
                    described.refused,
                    frame.octets,
                ])?;
            }
        }
        let stored = Account {
            stored: frames.len() as u64,
            ..Account::default()
        };
        account.and(stored).add_to(&transaction)?;
        transaction.commit()
    }

    /// Removes the oldest frames where there are too many, or too old ones by `now`: at most
    /// [`FRAMES_PER_REMOVAL`]. Gives whether there may be more to remove.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_surplus(&mut self, now: Duration) -> Result<bool, ArchiveError> {
        self.remove(now).map_err(failed)
    }

    fn remove(&mut self, now: Duration) -> rusqlite::Result<bool> {
        let most = i64::from(FRAMES_PER_REMOVAL);
        let transaction = self
            .database
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let oldest = microseconds(now.saturating_sub(DAY * self.settings.days_max));
        let mut removed = transaction.execute(
            "DELETE FROM frames WHERE number IN
             (SELECT number FROM frames WHERE heard_us < ?1 ORDER BY heard_us LIMIT ?2)",
            params![oldest, most],
        )?;
        if removed == 0 && octets_used(&transaction)? > self.settings.bytes_max {
            removed = transaction.execute(
                "DELETE FROM frames WHERE number IN
                 (SELECT number FROM frames ORDER BY number LIMIT ?1)",
                [most],
            )?;
        }
        let account = Account {
            removed: removed as u64,
            ..Account::default()
        };
        account.add_to(&transaction)?;
        transaction.commit()?;
        Ok(removed > 0)
    }
}

fn failed(error: rusqlite::Error) -> ArchiveError {
    ArchiveError::new(format!("cannot be written: {error}"))
}

/// Octets of the file that hold something: pages that are free are used again.
fn octets_used(database: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| database.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
    let octets = pages.saturating_mul(pragma("page_size")?);
    Ok(u64::try_from(octets).unwrap_or(0))
}
