//! The parts of a request and of an answer.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use service_host::http::axum::body::{Body, to_bytes};
use service_host::http::axum::http::{HeaderValue, StatusCode as Http, Uri, header};
use service_host::http::axum::response::{IntoResponse as _, Response};

use super::refusal::Refusal;
use crate::code::Code;

/// Octets of a body, at most: a batch of the most files with the longest names fits.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Time that a body has to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);
/// Longest wait for something to happen; who asks for more, waits that long.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// What the query says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) wait: Duration,
    pub(super) limit: Option<usize>,
    pub(super) from: Option<String>,
    pub(super) state: Option<String>,
}

impl Query {
    /// Of these keys only.
    pub(super) fn read(uri: &Uri, keys: &[&str]) -> Result<Query, Refusal> {
        let mut query = Query::default();
        let text = uri.query().unwrap_or_default();
        for (key, value) in form_urlencoded::parse(text.as_bytes()) {
            if !keys.contains(&&*key) {
                let known = match keys {
                    [] => "there are none here".to_owned(),
                    keys => format!("known are {}", keys.join(", ")),
                };
                let text = format!("unknown parameter `{}`; {known}", key.escape_debug());
                return Err(Refusal::invalid(text));
            }
            match &*key {
                "waitSeconds" => {
                    let seconds = Duration::from_secs(number(&key, &value)?);
                    query.wait = seconds.min(WAIT_MAX);
                }
                "limit" => match number(&key, &value)? {
                    0 => return Err(Refusal::invalid("limit is to be 1 at least")),
                    limit => query.limit = Some(usize::try_from(limit).unwrap_or(usize::MAX)),
                },
                "from" => query.from = Some(value.into_owned()),
                _ => query.state = Some(value.into_owned()),
            }
        }
        Ok(query)
    }
}

/// A number of any length: what is more than can be, is as much as can be.
fn number(key: &str, value: &str) -> Result<u64, Refusal> {
    match !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_digit()) {
        true => Ok(value.parse().unwrap_or(u64::MAX)),
        false => {
            let text = format!("{key} is to be a whole number");
            Err(Refusal::invalid(text))
        }
    }
}

/// The body as what it is to be; an empty one as the default of that.
pub(super) async fn read<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let octets = match tokio::time::timeout(BODY_TIME, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(octets)) => octets,
        Ok(Err(_)) => {
            let text = format!("the body has more than {BODY_BYTES_MAX} octets, or broke off");
            return Err(Refusal::new(Code::TooLarge, text));
        }
        Err(_) => {
            let text = format!("the body did not arrive within {} s", BODY_TIME.as_secs());
            return Err(Refusal::invalid(text).with_http(Http::REQUEST_TIMEOUT));
        }
    };
    let octets: &[u8] = match octets.is_empty() {
        true => b"{}",
        false => &octets,
    };
    // Else serde takes a list of the fields as well.
    if octets.trim_ascii_start().first() != Some(&b'{') {
        return Err(Refusal::invalid("the body is to be a JSON object"));
    }
    serde_json::from_slice(octets).map_err(|error| Refusal::invalid(error.to_string()))
}

/// An answer.
pub(super) fn json(status: Http, answer: &impl Serialize) -> Response {
    match serde_json::to_vec(answer) {
        Ok(octets) => {
            let content_type = HeaderValue::from_static("application/json");
            let headers = [(header::CONTENT_TYPE, content_type)];
            (status, headers, Body::from(octets)).into_response()
        }
        Err(error) => {
            log::error!("an answer is no JSON: {error}");
            Http::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
