//! The body of a request of v1: JSON within bounds.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use service_host::http::axum::body::{Body, Bytes, HttpBody as _};
use service_host::http::axum::http::{HeaderMap, StatusCode, header};

use super::refusal::Refusal;
use crate::limits::{BODY_TIMEOUT, V1_BODY_BYTES_MAX};

/// How much of a body that is too long is read and thrown away, so that its sender gets to
/// read why.
const DISCARDED_BYTES_MAX: usize = 1 << 20;

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

async fn octets(headers: &HeaderMap, mut body: Body) -> Result<Vec<u8>, Refusal> {
    let too_long = || {
        let text = format!("the request body is longer than {V1_BODY_BYTES_MAX} octets");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    // A client that asks before it sends is told at once.
    let announced = body.size_hint().lower();
    if announced > V1_BODY_BYTES_MAX as u64 && headers.contains_key(header::EXPECT) {
        return Err(too_long());
    }
    let mut all = Vec::new();
    let mut received = 0_usize;
    while let Some(octets) = next(&mut body, BODY_TIMEOUT).await? {
        received = received.saturating_add(octets.len());
        if received > DISCARDED_BYTES_MAX {
            break;
        }
        if received <= V1_BODY_BYTES_MAX {
            all.extend_from_slice(&octets);
        }
    }
    match received > V1_BODY_BYTES_MAX {
        true => Err(too_long()),
        false => Ok(all),
    }
}

/// Whether a body is said to be a form, which the original takes for an empty request.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .map(|kind| kind.as_bytes());
    kind.is_some_and(|kind| kind.starts_with(b"application/x-www-form-urlencoded"))
}

/// A body as JSON, whatever its content type says. An empty body is `empty`.
pub(super) async fn json(
    headers: &HeaderMap,
    body: Body,
    empty: Option<Value>,
) -> Result<Value, Refusal> {
    let octets = tokio::time::timeout(BODY_TIMEOUT, octets(headers, body)).await;
    let octets = octets.unwrap_or_else(|_| {
        let text = format!(
            "the request body did not come within {} s",
            BODY_TIMEOUT.as_secs()
        );
        Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, text))
    })?;
    if let Some(empty) = empty.filter(|_| octets.iter().all(u8::is_ascii_whitespace)) {
        return Ok(empty);
    }
    serde_json::from_slice(&octets).map_err(|error| not_json(&error))
}

/// What a request says, as a type.
pub(super) fn typed<T: DeserializeOwned>(body: Value) -> Result<T, Refusal> {
    serde_json::from_value(body).map_err(|error| not_json(&error))
}

fn not_json(error: &serde_json::Error) -> Refusal {
    Refusal::bad_request(format!("Bad request: {error}"))
}
