//! `Idempotency-Key`.

use axum::http::HeaderMap;

use super::refusal::Refusal;
use crate::tasking::desk::Key;
use crate::tasking::problem::Problem;

/// The key of a request that asks all this.
pub(super) fn key(headers: &HeaderMap, asked: &[&[u8]]) -> Result<Option<Key>, Refusal> {
    let mut found = headers.get_all("idempotency-key").iter();
    let (Some(text), more) = (found.next(), found.next()) else {
        return Ok(None);
    };
    if more.is_some() {
        return Err(Problem::malformed("Idempotency-Key is there twice").into());
    }
    Ok(Some(Key::new(text.as_bytes(), asked)?))
}
