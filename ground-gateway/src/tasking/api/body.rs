//! The body of a request, within bounds of size and time.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::{HeaderMap, header};

use super::refusal::Refusal;
use crate::tasking::limits::{BODY_TIMEOUT, DISCARDED_BYTES_MAX};
use crate::tasking::problem::Problem;

/// The next octets, within that time; none at the end.
async fn next(body: &mut Body, time: Duration) -> Result<Option<Bytes>, Problem> {
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
                    let detail = format!("the body cannot be read: {error}");
                    return Err(Problem::malformed(detail));
                }
            }
        }
    };
    let next = tokio::time::timeout(time, frame).await;
    next.unwrap_or_else(|_| Err(too_slow(time)))
}

fn too_slow(time: Duration) -> Problem {
    Problem::too_slow(format!("the body did not come within {} s", time.as_secs()))
}

/// All of a body of JSON, which has so many octets at most.
pub(super) async fn json(
    headers: &HeaderMap,
    mut body: Body,
    bytes_max: usize,
) -> Result<Bytes, Refusal> {
    if !is_json(headers) {
        discard(body).await;
        let detail = "the body is to be JSON: Content-Type: application/json";
        return Err(Problem::media_type(detail).into());
    }
    let too_large = || Problem::too_large(format!("the body has more than {bytes_max} octets"));
    // A client that asks before it sends is told at once.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bytes_max && headers.contains_key(header::EXPECT) {
        return Err(too_large().into());
    }
    let read = async {
        let mut all = Vec::new();
        while let Some(octets) = next(&mut body, BODY_TIMEOUT).await? {
            all.extend_from_slice(&octets);
            if all.len() > bytes_max {
                return Ok(None);
            }
        }
        Ok(Some(all))
    };
    let read = tokio::time::timeout(BODY_TIMEOUT, read).await;
    match read.unwrap_or_else(|_| Err(too_slow(BODY_TIMEOUT)))? {
        Some(all) => Ok(all.into()),
        None => {
            discard(body).await;
            Err(too_large().into())
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

/// Whether it is said to be JSON, or nothing is said, as scripts do.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let kind = String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    // `curl --data` says the latter of whatever it sends.
    kind == "application/json" || kind == "application/x-www-form-urlencoded"
}
