//! Uploads in the store; their octets are in files beside it.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{REMOVED_MAX, StoreError, Tables, signed, unsigned};
use crate::tasking::upload::{Upload, UploadOrder, UploadState};

const COLUMNS: &str = "number, id, satellite, payload, destination, is_executable, itar, name, \
                       user, bytes, taken_s, state, reason";
const OPEN: &str = "state IN ('PENDING', 'UPLOADING')";

/// Which uploads.
#[derive(Clone, Debug, Default)]
pub(crate) struct UploadFilter {
    pub(crate) satellite: Option<String>,
    pub(crate) satellites: Vec<String>,
    /// Of lower numbers than that of this id.
    pub(crate) before: Option<String>,
    pub(crate) limit: usize,
}

/// What is said with the octets.
#[derive(Clone, Debug)]
pub(crate) struct NewUpload<'u> {
    pub(crate) id: &'u str,
    pub(crate) order: &'u UploadOrder,
    pub(crate) name: &'u str,
    pub(crate) user: &'u str,
    pub(crate) bytes: u64,
}

impl Tables<'_> {
    pub(crate) fn add_upload(self, upload: &NewUpload, now_s: i64) -> Result<(), StoreError> {
        let insert = "INSERT INTO uploads (id, satellite, payload, destination, is_executable, \
                      itar, name, user, bytes, state, taken_s, changed_s) \
                      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'PENDING', ?10, ?10)";
        let NewUpload {
            id,
            order,
            name,
            user,
            bytes,
        } = upload;
        self.0.prepare_cached(insert)?.execute(params![
            id,
            order.satellite,
            order.payload,
            order.destination,
            order.is_executable,
            order.itar,
            name,
            user,
            signed(*bytes),
            now_s,
        ])?;
        Ok(())
    }

    pub(crate) fn upload(self, id: &str) -> Result<Option<Upload>, StoreError> {
        let select = format!("SELECT {COLUMNS} FROM uploads WHERE id = ?");
        let mut statement = self.0.prepare_cached(&select)?;
        let found = statement.query_row([id], |row| Ok(read(row))).optional()?;
        found.transpose()
    }

    /// Those that a filter lets through, the newest first.
    pub(crate) fn uploads(self, filter: &UploadFilter) -> Result<Vec<Upload>, StoreError> {
        let allowed = serde_json::to_string(&filter.satellites).unwrap_or_default();
        let select = format!(
            "SELECT {COLUMNS} FROM uploads WHERE (?1 IS NULL OR satellite = ?1) \
             AND (?2 = '[]' OR satellite IN (SELECT value FROM json_each(?2))) \
             AND (?3 IS NULL OR number < (SELECT number FROM uploads WHERE id = ?3)) \
             ORDER BY number DESC LIMIT ?4"
        );
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        let mut statement = self.0.prepare_cached(&select)?;
        let mut rows = statement.query(params![filter.satellite, allowed, filter.before, limit])?;
        let mut uploads = Vec::new();
        while let Some(row) = rows.next()? {
            uploads.push(read(row)?);
        }
        Ok(uploads)
    }

    /// Those of a satellite that have not ended, the oldest first.
    pub(crate) fn open_uploads(self, satellite: &str) -> Result<Vec<Upload>, StoreError> {
        let select =
            format!("SELECT {COLUMNS} FROM uploads WHERE satellite = ? AND {OPEN} ORDER BY number");
        let mut statement = self.0.prepare_cached(&select)?;
        let mut rows = statement.query([satellite])?;
        let mut uploads = Vec::new();
        while let Some(row) = rows.next()? {
            uploads.push(read(row)?);
        }
        Ok(uploads)
    }

    /// The ids of all that have not ended.
    pub(crate) fn open_upload_ids(self) -> Result<Vec<String>, StoreError> {
        let select = format!("SELECT id FROM uploads WHERE {OPEN}");
        let mut statement = self.0.prepare_cached(&select)?;
        let ids = statement.query_map([], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    pub(crate) fn count_open_uploads(self) -> Result<i64, StoreError> {
        let select = format!("SELECT count(*) FROM uploads WHERE {OPEN}");
        let mut statement = self.0.prepare_cached(&select)?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// It stands so from now on, unless it has ended; whether it had not.
    pub(crate) fn set_upload(
        self,
        id: &str,
        state: UploadState,
        reason: &str,
        now_s: i64,
    ) -> Result<bool, StoreError> {
        let update = format!(
            "UPDATE uploads SET state = ?2, reason = ?3, changed_s = ?4 WHERE id = ?1 AND {OPEN}"
        );
        let mut statement = self.0.prepare_cached(&update)?;
        let changed = statement.execute(params![id, state.as_str(), reason, now_s])?;
        Ok(changed > 0)
    }

    /// Removes uploads that ended before that time; how many.
    pub(crate) fn remove_uploads(self, before_s: i64) -> Result<usize, StoreError> {
        let delete = format!(
            "DELETE FROM uploads WHERE number IN (SELECT number FROM uploads WHERE changed_s < ? \
             AND state IN ('UPLOADED', 'FAILED', 'CANCELLED') LIMIT {REMOVED_MAX})"
        );
        Ok(self.0.prepare_cached(&delete)?.execute([before_s])?)
    }
}

fn read(row: &Row) -> Result<Upload, StoreError> {
    let state: String = row.get("state")?;
    Ok(Upload {
        number: row.get("number")?,
        id: row.get("id")?,
        order: UploadOrder {
            satellite: row.get("satellite")?,
            payload: row.get("payload")?,
            destination: row.get("destination")?,
            is_executable: row.get("is_executable")?,
            itar: row.get("itar")?,
        },
        name: row.get("name")?,
        user: row.get("user")?,
        bytes: unsigned(row.get("bytes")?),
        taken_s: row.get("taken_s")?,
        state: state.parse().map_err(StoreError::Damaged)?,
        reason: row.get("reason")?,
    })
}
