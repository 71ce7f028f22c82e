//! What became of the frames that were heard.

use std::fmt;

use rusqlite::{Connection, params};
use serde::Serialize;

/// Why a frame that was heard is not in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotStored {
    /// As many frames waited for the disk as may.
    QueueFull,
    /// The file could not be written.
    StorageFailed,
}

impl NotStored {
    /// Every reason.
    pub const ALL: [NotStored; 2] = [NotStored::QueueFull, NotStored::StorageFailed];

    /// The reason's name.
    pub fn as_str(self) -> &'static str {
        match self {
            NotStored::QueueFull => "queue-full",
            NotStored::StorageFailed => "storage-failed",
        }
    }
}

/// The account of an archive, over all processes that wrote it.
///
/// `heard == stored + queue_full + storage_failed`. What a process that was killed had not
/// committed, it had not noted as heard either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Frames that the radio gave.
    pub heard: u64,
    /// Those that were written.
    pub stored: u64,
    /// Those that were not, as the queue was full.
    pub queue_full: u64,
    /// Those that were not, as the file could not be written.
    pub storage_failed: u64,
    /// Of those written, how many were removed to keep the limits.
    pub removed: u64,
}

impl Account {
    /// Whether it adds up.
    pub fn balances(&self) -> bool {
        self.heard == self.stored + self.queue_full + self.storage_failed
            && self.removed <= self.stored
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Account) -> Account {
        Account {
            heard: self.heard + other.heard,
            stored: self.stored + other.stored,
            queue_full: self.queue_full + other.queue_full,
            storage_failed: self.storage_failed + other.storage_failed,
            removed: self.removed + other.removed,
        }
    }

    fn named(&self) -> [(&'static str, u64); 5] {
        [
            ("heard", self.heard),
            ("stored", self.stored),
            (NotStored::QueueFull.as_str(), self.queue_full),
            (NotStored::StorageFailed.as_str(), self.storage_failed),
            ("removed", self.removed),
        ]
    }

    /// Adds this to what the file says.
    pub(super) fn add_to(&self, database: &Connection) -> rusqlite::Result<()> {
        let mut add = database.prepare_cached(
            "INSERT INTO account (what, count) VALUES (?1, ?2)
             ON CONFLICT (what) DO UPDATE SET count = count + excluded.count",
        )?;
        for (what, count) in self.named().into_iter().filter(|(_, count)| *count > 0) {
            add.execute(params![what, i64::try_from(count).unwrap_or(i64::MAX)])?;
        }
        Ok(())
    }

    /// What the file says.
    pub(super) fn of(database: &Connection) -> rusqlite::Result<Account> {
        let mut account = Account::default();
        let mut rows = database.prepare("SELECT what, count FROM account")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let count = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
            match row.get_ref(0)?.as_str().unwrap_or_default() {
                "heard" => account.heard = count,
                "stored" => account.stored = count,
                "queue-full" => account.queue_full = count,
                "storage-failed" => account.storage_failed = count,
                "removed" => account.removed = count,
                // Of a newer program.
                _ => {}
            }
        }
        Ok(account)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} heard = {} stored + {} queue-full + {} storage-failed; {} removed since",
            self.heard, self.stored, self.queue_full, self.storage_failed, self.removed
        )
    }
}
