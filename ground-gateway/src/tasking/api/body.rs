//! The body of a request, within bounds of size and time.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use service_host::http::body::{self, BodyError};

use super::refusal::Refusal;
use crate::tasking::limits::BODY_TIMEOUT;
use crate::tasking::problem::Problem;

/// All of a body of JSON, which has so many octets at most.
pub(super) async fn json(
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<Bytes, Refusal> {
    if !is_json(headers) {
        discard(body).await;
        let detail = "the body is to be JSON: Content-Type: application/json";
        return Err(Problem::media_type(detail).into());
    }
    let read = body::whole(headers, body, bytes_max, BODY_TIMEOUT).await;
    read.map_err(|error| {
        let detail = error.to_string();
        let problem = match error {
            BodyError::Unreadable(_) => Problem::malformed(detail),
            BodyError::Slow(_) => Problem::too_slow(detail),
            BodyError::TooLong(_) => Problem::too_large(detail),
        };
        problem.into()
    })
}

/// Reads on for a while, and throws it away.
pub(super) async fn discard(body: Body) {
    body::discard(body, BODY_TIMEOUT).await;
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
