//! The body of a request: read within bounds of size and time.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use service_host::http::axum::body::{Body, Bytes};
use service_host::http::axum::http::{HeaderMap, StatusCode, header};
use service_host::http::body::{self, BodyError};

use super::refusal::Refusal;
use crate::limits::{BODY_TIMEOUT, STREAM_BYTES_MAX, V1_BODY_BYTES_MAX};

/// The next octets of a body, within that time; none at its end.
pub(super) async fn next(body: &mut Body, time: Duration) -> Result<Option<Bytes>, Refusal> {
    body::next(body, time).await.map_err(|error| match error {
        BodyError::Slow(_) => {
            let text = format!("the request body paused for {} s", time.as_secs());
            Refusal::new(StatusCode::REQUEST_TIMEOUT, text)
        }
        error => error.into(),
    })
}

/// All of a body, whatever its content type says. One that is too long is read on for a
/// while, so that its sender gets to read why.
pub(super) async fn octets(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    Ok(body::whole(headers, body, V1_BODY_BYTES_MAX, BODY_TIMEOUT).await?)
}

/// Reads on for a while, and throws it away.
pub(super) async fn discard(body: Body) {
    body::discard(body, BODY_TIMEOUT).await;
}

/// The same of a file, which may be longer.
pub(super) async fn discard_file(body: &mut Body) {
    let read = async {
        let mut bytes = 0_u64;
        while bytes <= STREAM_BYTES_MAX
            && let Ok(Some(octets)) = body::next(body, BODY_TIMEOUT).await
        {
            bytes = bytes.saturating_add(octets.len() as u64);
        }
    };
    // Whoever takes longer does not read why.
    let _ = tokio::time::timeout(BODY_TIMEOUT, read).await;
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::Unreadable(_) => StatusCode::BAD_REQUEST,
            BodyError::Slow(_) => StatusCode::REQUEST_TIMEOUT,
            BodyError::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
        };
        Refusal::new(status, error.to_string())
    }
}

/// Whether a body is said to be a form, which the original takes for an empty request.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .map(|kind| kind.as_bytes());
    kind.is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded"))
}

/// A body as JSON; an empty one is `empty`.
pub(super) fn json(octets: &[u8], empty: Option<Value>) -> Result<Value, Refusal> {
    if let Some(empty) = empty.filter(|_| octets.iter().all(u8::is_ascii_whitespace)) {
        return Ok(empty);
    }
    serde_json::from_slice(octets).map_err(|error| not_json(&error))
}

/// What a request says, as a type.
pub(super) fn typed<T: DeserializeOwned>(body: Value) -> Result<T, Refusal> {
    serde_json::from_value(body).map_err(|error| not_json(&error))
}

fn not_json(error: &serde_json::Error) -> Refusal {
    Refusal::bad_request(format!("Bad request: {error}"))
}
