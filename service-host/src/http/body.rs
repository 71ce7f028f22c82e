//! Reading a request's body, within bounds of size and time.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use hyper::body::Body as _;

use super::error_document::Refusal;
use super::limits::{BODY_BYTES_MAX, DISCARDED_BYTES_MAX};

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
    // A client that asks before it sends is told at once: the first read of
    // the body would invite it to send.
    let announced = body.size_hint().lower();
    if announced > BODY_BYTES_MAX as u64 && headers.contains_key(header::EXPECT) {
        return Err(too_long());
    }

    let mut bytes = Vec::new();
    let mut received = 0_usize;
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| {
            Refusal::bad_request(format!("the request body cannot be read: {error}"))
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        received = received.saturating_add(data.len());
        if received <= BODY_BYTES_MAX {
            bytes.extend_from_slice(&data);
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

fn too_long() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the request body is longer than {BODY_BYTES_MAX} bytes; ask for less at once"),
    )
}
