//! A request in an outbox, from its octets on.

use bucket_store::Bucket;
use bucket_store::object_store::path::Path;
use serde_json::{Value, json};

use super::{Store, keys};
use crate::api::json::body::RequestBody;
use crate::api::json::refusal::Refusal;
use crate::code::Code;
use crate::dropbox::body::{self, Body};
use crate::names::AppId;
use crate::request::LinkRequest;

/// A request object, as a listing has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) key: Path,
    /// For which file it was dropped.
    pub(super) stem: String,
    pub(super) size: u64,
    pub(super) etag: Option<String>,
    /// When it was put, as the store says: the same octets put again are another request.
    pub(super) put_at: String,
}

impl Listed {
    /// The tracking id of a request that says none: the same whoever reads it, and another one
    /// for another object.
    pub(super) fn tracking_id(&self, app: &AppId) -> String {
        let of = [
            app.as_str(),
            self.key.as_ref(),
            self.etag.as_deref().unwrap_or_default(),
            &self.put_at,
        ];
        let mut hasher = blake3::Hasher::new();
        for part in of {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let hash = hasher.finalize().to_hex();
        format!("bucket-{}", hash.get(..32).unwrap_or_default())
    }
}

/// A request that was read.
pub(super) struct Asked {
    /// As it is handed in: what is fetched is the service's own, and does not stay.
    pub(super) body: Body,
    pub(super) request: LinkRequest,
    /// Whether the objects stay in the outbox.
    pub(super) leave: bool,
    /// The files' keys, in the order of the request.
    pub(super) keys: Vec<Path>,
}

/// What is told of what is no request, or none that is taken.
pub(super) struct No {
    pub(super) is_unread: bool,
    pub(super) answer: Value,
}

impl No {
    pub(super) fn unread(code: Code, text: &str) -> Self {
        No {
            is_unread: true,
            answer: body::refusal(code, text),
        }
    }

    pub(super) fn refused(code: Code, text: &str) -> Self {
        No {
            is_unread: false,
            answer: body::refusal(code, text),
        }
    }

    fn of(refusal: Refusal) -> Self {
        No {
            is_unread: false,
            answer: serde_json::to_value(refusal.into_answer()).unwrap_or_default(),
        }
    }
}

/// Reads a request of `app`.
pub(super) fn read<S: Store>(
    bucket: &Bucket<S>,
    app: &AppId,
    listed: &Listed,
    octets: &[u8],
) -> Result<Asked, No> {
    let mut body =
        body::request(&listed.stem, || listed.tracking_id(app), octets).map_err(|no| {
            let (code, text) = no.told();
            No::unread(code, &text)
        })?;
    let is_left = body.insert("leaveSourceFile".to_owned(), json!(false));
    let leave = is_left == Some(json!(true));
    let read: RequestBody = serde_json::from_value(Value::Object(body.clone()))
        .map_err(|error| No::of(Refusal::invalid(error.to_string())))?;
    let request = read.into_request(app).map_err(No::of)?;
    let files = request.files.iter();
    let keys = files.map(|name| keys::source(bucket, app, &request.subdirectory, name));
    let keys: Result<Vec<Path>, _> = keys.collect();
    let keys = keys.map_err(|refused| No::refused(refused.code, &refused.text))?;
    Ok(Asked {
        body,
        request,
        leave,
        keys,
    })
}
