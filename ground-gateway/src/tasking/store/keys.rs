//! Idempotency keys in the store: what was answered, for who asks the same again.

use rusqlite::{OptionalExtension as _, params};

use super::{REMOVED_MAX, StoreError, Tables};

/// What is known of a request with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptAnswer {
    /// What was asked, as a hash.
    pub(crate) asked: [u8; 32],
    /// What was answered; none: nothing yet, or nobody knows.
    pub(crate) answer: Option<(u16, String)>,
}

impl Tables<'_> {
    /// What is known of the key of this token.
    pub(crate) fn kept_answer(
        self,
        token: &str,
        key: &str,
    ) -> Result<Option<KeptAnswer>, StoreError> {
        let select = "SELECT asked, status, answer FROM keys WHERE token = ? AND key = ?";
        let mut statement = self.0.prepare_cached(select)?;
        let found = statement.query_row([token, key], |row| {
            let status: Option<u16> = row.get(1)?;
            let answer: Option<String> = row.get(2)?;
            Ok(KeptAnswer {
                asked: row.get(0)?,
                answer: status.zip(answer),
            })
        });
        Ok(found.optional()?)
    }

    /// Notes what is asked with a key, and what was answered, where that is known.
    pub(crate) fn keep_answer(
        self,
        token: &str,
        key: &str,
        kept: &KeptAnswer,
        now_s: i64,
    ) -> Result<(), StoreError> {
        let insert = "INSERT INTO keys (token, key, asked, status, answer, at_s) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (token, key) \
                      DO UPDATE SET status = excluded.status, answer = excluded.answer";
        let (status, answer) = match &kept.answer {
            Some((status, answer)) => (Some(status), Some(answer)),
            None => (None, None),
        };
        let values = params![token, key, kept.asked, status, answer, now_s];
        self.0.prepare_cached(insert)?.execute(values)?;
        Ok(())
    }

    /// The request came to nothing: the key may be used again.
    pub(crate) fn forget_key(self, token: &str, key: &str) -> Result<(), StoreError> {
        let delete = "DELETE FROM keys WHERE token = ? AND key = ?";
        self.0.prepare_cached(delete)?.execute([token, key])?;
        Ok(())
    }

    pub(crate) fn count_keys(self, token: &str) -> Result<i64, StoreError> {
        let select = "SELECT count(*) FROM keys WHERE token = ?";
        let mut statement = self.0.prepare_cached(select)?;
        Ok(statement.query_row([token], |row| row.get(0))?)
    }

    /// Removes keys that are older; how many.
    pub(crate) fn remove_keys(self, before_s: i64) -> Result<usize, StoreError> {
        let delete = format!(
            "DELETE FROM keys WHERE rowid IN \
             (SELECT rowid FROM keys WHERE at_s < ? LIMIT {REMOVED_MAX})"
        );
        Ok(self.0.prepare_cached(&delete)?.execute([before_s])?)
    }
}
