//! Windows in the store.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{REMOVED_MAX, StoreError, Tables};
use crate::tasking::window::{Span, Window, WindowOrder, WindowState};

const COLUMNS: &str = "id, satellite, type, payload, user, start_s, duration_s, pre_buffer_s, \
                       post_buffer_s, parameters, state, reason, result, is_offered";
const OPEN: &str = "state IN ('PENDING_SYNC', 'SYNCED', 'PENDING_CANCEL')";

/// Which windows.
#[derive(Clone, Debug, Default)]
pub(crate) struct WindowFilter {
    /// Of this one; else of those that somebody may see.
    pub(crate) satellite: Option<String>,
    pub(crate) satellites: Vec<String>,
    pub(crate) state: Option<WindowState>,
    /// Of lower ids.
    pub(crate) before: Option<i64>,
    pub(crate) limit: usize,
}

impl Tables<'_> {
    /// Adds a window; gives its id.
    pub(crate) fn add_window(
        self,
        order: &WindowOrder,
        span: &Span,
        payload: &str,
        user: &str,
        now_s: i64,
    ) -> Result<i64, StoreError> {
        let insert = "INSERT INTO windows (satellite, type, payload, user, start_s, duration_s, \
                      pre_buffer_s, post_buffer_s, busy_from_s, busy_to_s, parameters, state, \
                      taken_s, changed_s) \
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'PENDING_SYNC', ?12, ?12)";
        self.0.prepare_cached(insert)?.execute(params![
            order.satellite,
            order.window_type,
            payload,
            user,
            order.start_s,
            order.duration_s,
            span.pre_buffer_s,
            span.post_buffer_s,
            span.busy_from_s(),
            span.busy_to_s(),
            order.parameters,
            now_s,
        ])?;
        Ok(self.0.last_insert_rowid())
    }

    pub(crate) fn window(self, id: i64) -> Result<Option<Window>, StoreError> {
        let select = format!("SELECT {COLUMNS} FROM windows WHERE id = ?");
        let mut statement = self.0.prepare_cached(&select)?;
        let found = statement.query_row([id], |row| Ok(read(row))).optional()?;
        found.transpose()
    }

    /// Those that a filter lets through, the newest first.
    pub(crate) fn windows(self, filter: &WindowFilter) -> Result<Vec<Window>, StoreError> {
        let allowed = serde_json::to_string(&filter.satellites).unwrap_or_default();
        let select = format!(
            "SELECT {COLUMNS} FROM windows WHERE (?1 IS NULL OR satellite = ?1) \
             AND (?2 = '[]' OR satellite IN (SELECT value FROM json_each(?2))) \
             AND (?3 IS NULL OR state = ?3) AND id < ?4 ORDER BY id DESC LIMIT ?5"
        );
        let state = filter.state.map(WindowState::as_str);
        let before = filter.before.unwrap_or(i64::MAX);
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        let mut statement = self.0.prepare_cached(&select)?;
        let mut rows = statement.query(params![filter.satellite, allowed, state, before, limit])?;
        let mut windows = Vec::new();
        while let Some(row) = rows.next()? {
            windows.push(read(row)?);
        }
        Ok(windows)
    }

    /// Those of a satellite that have not ended, the soonest first.
    pub(crate) fn open_windows(self, satellite: &str) -> Result<Vec<Window>, StoreError> {
        let select = format!(
            "SELECT {COLUMNS} FROM windows WHERE satellite = ? AND {OPEN} ORDER BY start_s, id"
        );
        let mut statement = self.0.prepare_cached(&select)?;
        let mut rows = statement.query([satellite])?;
        let mut windows = Vec::new();
        while let Some(row) = rows.next()? {
            windows.push(read(row)?);
        }
        Ok(windows)
    }

    /// How many windows have not ended.
    pub(crate) fn count_open_windows(self) -> Result<i64, StoreError> {
        let select = format!("SELECT count(*) FROM windows WHERE {OPEN}");
        let mut statement = self.0.prepare_cached(&select)?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// Those of a payload that make it busy between the two times, or may.
    pub(crate) fn calendar(
        self,
        satellite: &str,
        payload: &str,
        from_s: i64,
        to_s: i64,
    ) -> Result<Vec<Window>, StoreError> {
        let select = format!(
            "SELECT {COLUMNS} FROM windows WHERE satellite = ?1 AND payload = ?2 \
             AND busy_to_s > ?3 AND busy_from_s < ?4 AND state NOT IN ('FAILED', 'CANCELLED') \
             ORDER BY busy_from_s"
        );
        let mut statement = self.0.prepare_cached(&select)?;
        let mut rows = statement.query(params![satellite, payload, from_s, to_s])?;
        let mut windows = Vec::new();
        while let Some(row) = rows.next()? {
            windows.push(read(row)?);
        }
        Ok(windows)
    }

    /// The spacecraft is about to be told of it; false where it is not to be any more.
    pub(crate) fn note_offered(self, id: i64, now_s: i64) -> Result<bool, StoreError> {
        let update = "UPDATE windows SET is_offered = 1, changed_s = ?2 \
                      WHERE id = ?1 AND state = 'PENDING_SYNC'";
        let noted = self.0.prepare_cached(update)?.execute([id, now_s])?;
        Ok(noted > 0)
    }

    /// The spacecraft has it.
    pub(crate) fn note_synced(self, id: i64, now_s: i64) -> Result<(), StoreError> {
        let update = "UPDATE windows SET state = 'SYNCED', changed_s = ?2 \
                      WHERE id = ?1 AND state = 'PENDING_SYNC'";
        self.0.prepare_cached(update)?.execute([id, now_s])?;
        Ok(())
    }

    /// It stands so from now on, unless it has ended; whether it had not. What is known of its
    /// steps stays where nothing new is said.
    pub(crate) fn set_window(
        self,
        id: i64,
        state: WindowState,
        reason: &str,
        result: Option<&str>,
        now_s: i64,
    ) -> Result<bool, StoreError> {
        let update = format!(
            "UPDATE windows SET state = ?2, reason = ?3, result = coalesce(?4, result), \
             changed_s = ?5 WHERE id = ?1 AND {OPEN}"
        );
        let mut statement = self.0.prepare_cached(&update)?;
        let changed = statement.execute(params![id, state.as_str(), reason, result, now_s])?;
        Ok(changed > 0)
    }

    /// The spacecraft has lost it, and is to be told again.
    pub(crate) fn note_lost(self, id: i64, now_s: i64) -> Result<(), StoreError> {
        let update = "UPDATE windows SET state = 'PENDING_SYNC', changed_s = ?2 \
                      WHERE id = ?1 AND state = 'SYNCED'";
        self.0.prepare_cached(update)?.execute([id, now_s])?;
        Ok(())
    }

    /// Removes windows that ended before that time; how many.
    pub(crate) fn remove_windows(self, before_s: i64) -> Result<usize, StoreError> {
        let delete = format!(
            "DELETE FROM windows WHERE id IN (SELECT id FROM windows WHERE changed_s < ? \
             AND state IN ('EXECUTED', 'FAILED', 'CANCELLED') LIMIT {REMOVED_MAX})"
        );
        Ok(self.0.prepare_cached(&delete)?.execute([before_s])?)
    }
}

fn read(row: &Row) -> Result<Window, StoreError> {
    let start_s: i64 = row.get("start_s")?;
    let duration_s: i64 = row.get("duration_s")?;
    let state: String = row.get("state")?;
    Ok(Window {
        id: row.get("id")?,
        span: Span {
            start_s,
            end_s: start_s.saturating_add(duration_s),
            pre_buffer_s: row.get("pre_buffer_s")?,
            post_buffer_s: row.get("post_buffer_s")?,
        },
        order: WindowOrder {
            window_type: row.get("type")?,
            satellite: row.get("satellite")?,
            start_s,
            duration_s,
            parameters: row.get("parameters")?,
        },
        payload: row.get("payload")?,
        user: row.get("user")?,
        state: state.parse().map_err(StoreError::Damaged)?,
        reason: row.get("reason")?,
        result: row.get("result")?,
        is_offered: row.get("is_offered")?,
    })
}
