//! What is told, as JSON.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::body::RequestBody;
use super::refusal::Refusal;
use super::time;
use crate::access::Access;
use crate::code::{Code, StatusCode};
use crate::desk::TransferView;
use crate::names::AppId;
use crate::queue::Standing;

/// How a request stands, or why it was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkResponse {
    /// The original's status, and what there is to say.
    pub response_header: ResponseHeader,
    /// What was asked for; not where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_request: Option<RequestBody>,
    /// KiB of all files, rounded up.
    #[serde(rename = "fileSizeKB")]
    pub file_size_kb: u64,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_processed_time: Option<String>,
    /// How it stands or ended, precisely.
    pub code: Code,
    /// Its number; none where it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Octets of all files.
    pub file_size_bytes: u64,
    /// Each file.
    pub files: Vec<FileAnswer>,
    /// Each recipient.
    pub recipients: Vec<RecipientAnswer>,
    /// Where it stands in the queue; none once it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<&'static str>,
    /// It was made before: this is what became of that.
    pub is_known: bool,
    /// Where files are that could not go back to their place: beneath the outbox.
    pub returned: Vec<String>,
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseHeader {
    /// Of the request.
    pub tracking_id: String,
    /// Of the request.
    pub correlation_id: String,
    /// In the original's codes.
    pub status: StatusCode,
    /// What there is to say beside the code.
    pub message: String,
    /// Of the request.
    pub metadata: BTreeMap<String, String>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileAnswer {
    /// Its name.
    pub name: String,
    /// Its absolute path, for whom it was delivered to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Octets.
    pub size: u64,
    /// Of its octets, once they were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blake3: Option<String>,
}

/// How the delivery to one recipient stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecipientAnswer {
    /// Who.
    pub app_id: String,
    /// How it stands or ended.
    pub code: Code,
    /// In the original's codes.
    pub status: StatusCode,
    /// Octets that are there.
    pub octets: u64,
}

/// Requests of a sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Links {
    /// The oldest first.
    pub links: Vec<LinkResponse>,
    /// Where the next page begins; nothing on the last one.
    pub next: Option<String>,
}

/// Where an app's directories are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Directories {
    /// What the two are in.
    pub root: String,
    /// Where files come to.
    pub inbox: String,
    /// Where files go out from.
    pub outbox: String,
}

/// Whether the service answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// `HEALTHY`.
    pub status: StatusCode,
}

impl LinkResponse {
    /// How a transfer stands.
    #[must_use]
    pub fn of(view: &TransferView, is_known: bool) -> Self {
        let TransferView { transfer, .. } = view;
        let request = &transfer.request;
        let outcome = transfer.outcome();
        let files = request.files.iter().zip(&transfer.files);
        let files = files.map(|(name, file)| FileAnswer {
            name: name.to_string(),
            path: None,
            size: file.size,
            blake3: file
                .hash
                .map(|hash| blake3::Hash::from_bytes(hash).to_hex().to_string()),
        });
        let recipients = view.legs.iter().map(|leg| RecipientAnswer {
            app_id: leg.recipient.to_string(),
            code: leg.code,
            status: leg.code.status(),
            octets: leg.octets,
        });
        LinkResponse {
            response_header: ResponseHeader {
                tracking_id: request.request_id.clone(),
                correlation_id: request.correlation_id.clone(),
                status: view.status(),
                message: view.text.clone(),
                metadata: request.metadata.clone(),
            },
            link_request: Some(RequestBody::of(&transfer.sender, request)),
            file_size_kb: transfer.bytes().div_ceil(1024),
            link_processed_time: outcome.and_then(|outcome| time::text(outcome.ended_at)),
            code: view.code,
            id: Some(transfer.id.to_string()),
            file_size_bytes: transfer.bytes(),
            files: files.collect(),
            recipients: recipients.collect(),
            standing: view.standing.map(standing),
            is_known,
            returned: outcome.map_or_else(Vec::new, |outcome| outcome.returned.clone()),
        }
    }
}

impl Directories {
    /// Those of an app.
    pub(in crate::api) fn of(app: &AppId, access: &Access) -> Result<Self, Refusal> {
        let app = access.registry().app(app);
        let app = app.ok_or_else(|| Refusal::nobody("that app is not registered any more"))?;
        let absolute = |path: &Path| {
            let whole = std::path::absolute(path);
            let whole = whole.unwrap_or_else(|_| path.to_owned());
            whole.to_string_lossy().into_owned()
        };
        Ok(Directories {
            root: absolute(&app.root),
            inbox: absolute(&app.inbox),
            outbox: absolute(&app.outbox),
        })
    }
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Ready => "ready",
        Standing::Running => "running",
        Standing::Waits => "waits",
        Standing::Held => "held",
        Standing::Over => "over",
    }
}
