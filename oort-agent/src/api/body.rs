//! The body of a request: read within bounds of size and time.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use service_host::http::axum::body::{Body, Bytes, HttpBody as _};
use service_host::http::axum::http::{HeaderMap, StatusCode, header};

use super::refusal::Refusal;
use crate::limits::{BODY_TIMEOUT, V1_BODY_BYTES_MAX};

/// How much of a body that nobody wants is read and thrown away, so that its sender gets to
/// read why.
const DISCARDED_BYTES_MAX: usize = 8 << 20;

/// The next octets of a body, within that time; none at its end.
pub(super) async fn next(body: &mut Body, time: Duration) -> Result<Option<Bytes>, Refusal> {
    let frame = async {
        loop {
            match poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(octets) = frame.into_data() {
                        return Ok(Some(octets));
                    }
                }
                Some(Err(error)) => {
                    let text = format!("the request body cannot be read: {error}");
                    return Err(Refusal::bad_request(text));
                }
            }
        }
    };
    tokio::time::timeout(time, frame).await.unwrap_or_else(|_| {
        let text = format!("the request body paused for {} s", time.as_secs());
        Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, text))
    })
}

/// All of a body, whatever its content type says. One that is too long is read on for a
/// while, so that its sender gets to read why.
pub(super) async fn octets(headers: &HeaderMap, mut body: Body) -> Result<Bytes, Refusal> {
    let too_long = || {
        let text = format!("the request body is longer than {V1_BODY_BYTES_MAX} octets");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    // A client that asks before it sends is told at once.
    let announced = body.size_hint().lower();
    if announced > V1_BODY_BYTES_MAX as u64 && headers.contains_key(header::EXPECT) {
        return Err(too_long());
    }
    let read = async {
        let mut all = Vec::new();
        while let Some(octets) = next(&mut body, BODY_TIMEOUT).await? {
            all.extend_from_slice(&octets);
            if all.len() > V1_BODY_BYTES_MAX {
                return Ok(None);
            }
        }
        Ok(Some(all))
    };
    let read = tokio::time::timeout(BODY_TIMEOUT, read).await;
    let read = read.unwrap_or_else(|_| {
        let text = format!(
            "the request body did not come within {} s",
            BODY_TIMEOUT.as_secs()
        );
        Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, text))
    })?;
    match read {
        Some(octets) => Ok(octets.into()),
        None => {
            discard(body).await;
            Err(too_long())
        }
    }
}

/// Reads on for a while, and throws it away.
pub(super) async fn discard(mut body: Body) {
    let read = async {
        let mut discarded = 0_usize;
        while discarded < DISCARDED_BYTES_MAX
            && let Ok(Some(octets)) = next(&mut body, BODY_TIMEOUT).await
        {
            discarded = discarded.saturating_add(octets.len());
        }
    };
    // Whoever takes longer does not read why.
    let _ = tokio::time::timeout(BODY_TIMEOUT, read).await;
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
