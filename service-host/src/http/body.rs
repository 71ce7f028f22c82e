//! Reading a request's body, within bounds of size and time.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use hyper::body::Body as _;

use super::error_document::Refusal;
use super::limits::{BODY_BYTES_MAX, DISCARDED_BYTES_MAX};

/// Why there is no body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The connection failed, or what came is no HTTP.
    #[error("the request body cannot be read: {0}")]
    Unreadable(String),
    /// It did not come in time.
    #[error("the request body did not come within {} s", .0.as_secs_f64())]
    Slow(Duration),
    /// It has more octets than it may have.
    #[error("the request body is longer than {0} octets")]
    TooLong(usize),
}

/// The next octets of a body, within `time`; none at its end.
///
/// # Errors
/// [`BodyError::Unreadable`] and [`BodyError::Slow`].
pub async fn next(body: &mut Body, time: Duration) -> Result<Option<Bytes>, BodyError> {
    let next = tokio::time::timeout(time, data(body)).await;
    next.unwrap_or(Err(BodyError::Slow(time)))
}

async fn data(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
        let frame = frame.map_err(|error| BodyError::Unreadable(error.to_string()))?;
        if let Ok(octets) = frame.into_data() {
            return Ok(Some(octets));
        }
    }
    Ok(None)
}

/// All of a body, which has at most `bytes_max` octets and comes within `time`. One that is
/// longer is [discarded](discard), so that its sender gets to read why; a sender that asks
/// before it sends is told at once.
///
/// # Errors
/// [`BodyError`].
pub async fn whole(
    headers: &HeaderMap,
    mut body: Body,
    bytes_max: usize,
    time: Duration,
) -> Result<Bytes, BodyError> {
    if is_announced_longer(headers, &body, bytes_max) {
        return Err(BodyError::TooLong(bytes_max));
    }
    let read = async {
        let mut all = Vec::new();
        while let Some(octets) = data(&mut body).await? {
            all.extend_from_slice(&octets);
            if all.len() > bytes_max {
                return Ok(None);
            }
        }
        Ok(Some(all))
    };
    let read = tokio::time::timeout(time, read).await;
    match read.unwrap_or(Err(BodyError::Slow(time)))? {
        Some(all) => Ok(all.into()),
        None => {
            discard(body, time).await;
            Err(BodyError::TooLong(bytes_max))
        }
    }
}

/// Reads on, at most [`DISCARDED_BYTES_MAX`] and within `time`, and throws it away, so that its
/// sender gets to read an answer.
pub async fn discard(mut body: Body, time: Duration) {
    let read = async {
        let mut discarded = 0_usize;
        while discarded < DISCARDED_BYTES_MAX
            && let Ok(Some(octets)) = data(&mut body).await
        {
            discarded = discarded.saturating_add(octets.len());
        }
    };
    // Whoever takes longer does not read why.
    let _ = tokio::time::timeout(time, read).await;
}

/// Whether a client that asks before it sends says that it would send too much: the first read
/// of the body would invite it to.
fn is_announced_longer(headers: &HeaderMap, body: &Body, bytes_max: usize) -> bool {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    announced > bytes_max && headers.contains_key(header::EXPECT)
}

/// Reads the whole body of a request, at most [`BODY_BYTES_MAX`] within
/// `timeout`.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    timeout: Duration,
) -> Result<Vec<u8>, Refusal> {
    tokio::time::timeout(timeout, collect(headers, body))
        .await
        .unwrap_or_else(|_| {
            Err(Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                format!(
                    "the request body did not arrive within {} s",
                    timeout.as_secs_f64()
                ),
            ))
        })
}

async fn collect(headers: &HeaderMap, mut body: Body) -> Result<Vec<u8>, Refusal> {
    if is_announced_longer(headers, &body, BODY_BYTES_MAX) {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    let mut received = 0_usize;
    while let Some(octets) = data(&mut body).await.map_err(unreadable)? {
        received = received.saturating_add(octets.len());
        if received <= BODY_BYTES_MAX {
            bytes.extend_from_slice(&octets);
        } else {
            bytes = Vec::new();
        }
        if received > DISCARDED_BYTES_MAX {
            break;
        }
    }
    if received > BODY_BYTES_MAX {
        return Err(too_long());
    }
    Ok(bytes)
}

fn unreadable(error: BodyError) -> Refusal {
    Refusal::bad_request(error.to_string())
}

fn too_long() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the request body is longer than {BODY_BYTES_MAX} bytes; ask for less at once"),
    )
}
