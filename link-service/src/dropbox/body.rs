//! From the octets of a file to the body of a request.

use serde_json::{Map, Value, json};

use crate::code::Code;
use crate::folders::Facts;

/// The body of a request, as the JSON API has it.
pub(crate) type Body = Map<String, Value>;

/// What octets are that are no request.
#[derive(Clone, Debug)]
pub(crate) enum NoRequest {
    /// No JSON.
    NoJson(String),
    /// Whatever else is wrong with them.
    Other(String),
}

impl NoRequest {
    /// What the app is told.
    pub(crate) fn told(self) -> (Code, String) {
        match self {
            NoRequest::NoJson(text) | NoRequest::Other(text) => {
                (Code::InvalidArgument, format!("no link request: {text}"))
            }
        }
    }
}

/// A file that is no request.
#[derive(Clone, Debug)]
pub(super) enum Unread {
    /// No JSON, or not yet.
    Incomplete(Facts, String),
    /// Whatever else is wrong with the file.
    NoRequest(String),
}

impl Unread {
    /// What the app is told.
    pub(super) fn told(self) -> (Code, String) {
        match self {
            Unread::Incomplete(_, text) | Unread::NoRequest(text) => {
                (Code::InvalidArgument, format!("no link request: {text}"))
            }
        }
    }

    /// Of a file that was so when its octets were read.
    pub(super) fn of(no: NoRequest, facts: Facts) -> Self {
        match no {
            NoRequest::NoJson(text) => Unread::Incomplete(facts, text),
            NoRequest::Other(text) => Unread::NoRequest(text),
        }
    }
}

/// The request that was dropped for `stem`. What it does not say is filled in: the file that
/// is sent, and a tracking id, which is the same whenever it is read.
pub(crate) fn request(
    stem: &str,
    tracking_id: impl FnOnce() -> String,
    octets: &[u8],
) -> Result<Body, NoRequest> {
    let value: Value =
        serde_json::from_slice(octets).map_err(|error| NoRequest::NoJson(error.to_string()))?;
    let Value::Object(mut body) = value else {
        return Err(NoRequest::Other("it is no JSON object".to_owned()));
    };
    match body.get("fileName") {
        None | Some(Value::Null) if body.contains_key("fileNames") => {}
        None | Some(Value::Null) => {
            body.insert("fileName".to_owned(), stem.into());
        }
        Some(Value::String(name)) if name.is_empty() => {
            body.insert("fileName".to_owned(), stem.into());
        }
        Some(Value::String(name)) if name == stem => {}
        Some(_) => {
            let text = "`fileName` is not the name of the file; leave it out";
            return Err(NoRequest::Other(text.to_owned()));
        }
    }
    let header = body.entry("requestHeader").or_insert_with(|| json!({}));
    if let Value::Object(header) = header {
        let has_id = header.get("trackingId").and_then(Value::as_str);
        if has_id.is_none_or(str::is_empty) {
            header.insert("trackingId".to_owned(), tracking_id().into());
        }
    }
    Ok(body)
}

/// The answer to what is no request.
pub(crate) fn refusal(code: Code, text: &str) -> Value {
    json!({
        "responseHeader": {"status": code.status(), "message": text},
        "code": code,
    })
}
