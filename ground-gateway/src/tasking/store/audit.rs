//! The audit log in the store: it is only added to.

use rusqlite::{Row, params};

use super::{StoreError, Tables, signed, unsigned};
use crate::tasking::audit::{Entry, Logged};

impl Tables<'_> {
    pub(crate) fn log(self, entry: &Entry) -> Result<(), StoreError> {
        let insert = "INSERT INTO audit (at_ms, actor, role, remote, action, subject, status, \
                      detail, times) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        self.0.prepare_cached(insert)?.execute(params![
            entry.at_ms,
            entry.actor,
            entry.role,
            entry.remote,
            entry.action,
            entry.subject,
            entry.status,
            entry.detail,
            signed(entry.times),
        ])?;
        Ok(())
    }

    /// Entries after that id, in their order, given to `each` until it wants no more (false).
    pub(crate) fn audit<E: From<StoreError>>(
        self,
        after: i64,
        mut each: impl FnMut(Logged) -> Result<bool, E>,
    ) -> Result<(), E> {
        let select = "SELECT id, at_ms, actor, role, remote, action, subject, status, detail, \
                      times FROM audit WHERE id > ? ORDER BY id";
        let prepared = self.0.prepare_cached(select).map_err(StoreError::from);
        let mut statement = prepared?;
        let mut rows = statement.query([after]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            if !each(read(row).map_err(StoreError::from)?)? {
                break;
            }
        }
        Ok(())
    }

    /// The id before which `count` of the last entries begin.
    pub(crate) fn audit_before_last(self, count: u64) -> Result<i64, StoreError> {
        let select = "SELECT coalesce((SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET ?), 0)";
        let count = signed(count);
        Ok(self.0.query_row(select, [count], |row| row.get(0))?)
    }
}

fn read(row: &Row) -> rusqlite::Result<Logged> {
    Ok(Logged {
        id: row.get("id")?,
        entry: Entry {
            at_ms: row.get("at_ms")?,
            actor: row.get("actor")?,
            role: row.get("role")?,
            remote: row.get("remote")?,
            action: row.get("action")?,
            subject: row.get("subject")?,
            status: row.get("status")?,
            detail: row.get("detail")?,
            times: unsigned(row.get("times")?),
        },
    })
}
