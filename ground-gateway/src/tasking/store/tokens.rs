//! Tokens in the store.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{StoreError, Tables};
use crate::tasking::token::TokenRecord;

const COLUMNS: &str = "id, name, role, satellites, hash, created_s, expires_s, revoked_s";

impl Tables<'_> {
    /// Adds one; false where one of the name holds already.
    pub(crate) fn add_token(self, token: &TokenRecord) -> Result<bool, StoreError> {
        let insert = "INSERT INTO tokens (id, name, role, satellites, hash, created_s, expires_s) \
                      VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
        let satellites = serde_json::to_string(&token.satellites).unwrap_or_default();
        let added = self.0.prepare_cached(insert)?.execute(params![
            token.id,
            token.name,
            token.role.as_str(),
            satellites,
            token.hash.as_bytes(),
            token.created_s,
            token.expires_s,
        ])?;
        Ok(added > 0)
    }

    pub(crate) fn token(self, id: &str) -> Result<Option<TokenRecord>, StoreError> {
        let select = format!("SELECT {COLUMNS} FROM tokens WHERE id = ?");
        let mut statement = self.0.prepare_cached(&select)?;
        let found = statement.query_row([id], |row| Ok(read(row))).optional()?;
        found.transpose()
    }

    /// All of them, the oldest first.
    pub(crate) fn tokens(self) -> Result<Vec<TokenRecord>, StoreError> {
        let select = format!("SELECT {COLUMNS} FROM tokens ORDER BY created_s, name");
        let mut statement = self.0.prepare_cached(&select)?;
        let mut rows = statement.query([])?;
        let mut tokens = Vec::new();
        while let Some(row) = rows.next()? {
            tokens.push(read(row)?);
        }
        Ok(tokens)
    }

    /// The one of this name holds no more; whether one did.
    pub(crate) fn revoke_token(self, name: &str, now_s: i64) -> Result<bool, StoreError> {
        let update = "UPDATE tokens SET revoked_s = ?2 WHERE name = ?1 AND revoked_s IS NULL";
        let revoked = self
            .0
            .prepare_cached(update)?
            .execute(params![name, now_s])?;
        Ok(revoked > 0)
    }
}

fn read(row: &Row) -> Result<TokenRecord, StoreError> {
    let role: String = row.get("role")?;
    let satellites: String = row.get("satellites")?;
    let satellites = serde_json::from_str(&satellites);
    let hash: [u8; blake3::OUT_LEN] = row.get("hash")?;
    Ok(TokenRecord {
        id: row.get("id")?,
        name: row.get("name")?,
        role: role.parse().map_err(StoreError::Damaged)?,
        satellites: satellites.map_err(|error| StoreError::Damaged(error.to_string()))?,
        hash: blake3::Hash::from_bytes(hash),
        created_s: row.get("created_s")?,
        expires_s: row.get("expires_s")?,
        revoked_s: row.get("revoked_s")?,
    })
}
