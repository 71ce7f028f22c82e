//! What the service says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// How a request stands, or why it was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "LinkResponse")]
#[non_exhaustive]
pub struct Link {
    /// The service's number of it; empty where it was refused.
    pub id: String,
    /// The id that it was given.
    pub tracking_id: String,
    /// Of whoever asked.
    pub correlation_id: String,
    /// `ACCEPTED` until it has ended; `OK` where all recipients have it; else why not.
    pub code: String,
    /// The original's name of that: `PENDING`, `SUCCESSFUL`, …
    pub status: String,
    /// What there is to say beside it.
    pub message: String,
    /// Of whoever asked.
    pub metadata: BTreeMap<String, String>,
    /// Octets of all files.
    pub bytes: u64,
    /// When it ended: RFC 3339.
    pub ended: Option<String>,
    /// Each file.
    pub files: Vec<LinkFile>,
    /// Each recipient.
    pub recipients: Vec<LinkRecipient>,
    /// Where it stands in the queue: `ready`, `running`, `waits`, `held`.
    pub standing: Option<String>,
    /// It was made before.
    pub is_known: bool,
    /// Files that could not go back to their place, beneath the outbox.
    pub returned: Vec<String>,
    /// The directory that the files are in.
    pub subdirectory: String,
}

/// A file of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LinkFile {
    /// Its name.
    pub name: String,
    /// Octets.
    pub size: u64,
    /// Of its octets, in hex; known once they were read.
    pub blake3: Option<String>,
}

/// How it stands with one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct LinkRecipient {
    /// Who.
    pub app_id: String,
    /// As [`Link::code`].
    pub code: String,
    /// Octets that are there.
    pub octets: u64,
}

/// Where an app's directories are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Directories {
    /// What the two are in.
    pub root: PathBuf,
    /// Where files come to.
    pub inbox: PathBuf,
    /// Where files go out from.
    pub outbox: PathBuf,
}

impl Link {
    /// Whether nothing more becomes of it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.code != "ACCEPTED"
    }

    /// Whether all recipients have it.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.code == "OK"
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self.has_ended() {
            false => Standing::Open,
            true if self.is_ok() => Standing::Done,
            true => Standing::Failed(format!("{}: {}", self.code, self.message)),
        }
    }
}

/// How a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It goes on.
    Open,
    /// All recipients have it.
    Done,
    /// It ended without that, for this reason.
    Failed(String),
}

/// A page of requests.
#[derive(Debug, Deserialize)]
pub(crate) struct Links {
    pub(crate) links: Vec<Link>,
    pub(crate) next: Option<String>,
}

/// As it is on the wire.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkResponse {
    #[serde(default)]
    response_header: Header,
    link_request: Option<Asked>,
    code: String,
    id: Option<String>,
    #[serde(default)]
    file_size_bytes: u64,
    link_processed_time: Option<String>,
    #[serde(default)]
    files: Vec<LinkFile>,
    #[serde(default)]
    recipients: Vec<LinkRecipient>,
    standing: Option<String>,
    #[serde(default)]
    is_known: bool,
    #[serde(default)]
    returned: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Header {
    tracking_id: String,
    correlation_id: String,
    status: String,
    message: String,
    metadata: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    subdirectory: Option<String>,
}

impl From<LinkResponse> for Link {
    fn from(wire: LinkResponse) -> Self {
        let header = wire.response_header;
        Link {
            id: wire.id.unwrap_or_default(),
            tracking_id: header.tracking_id,
            correlation_id: header.correlation_id,
            code: wire.code,
            status: header.status,
            message: header.message,
            metadata: header.metadata,
            bytes: wire.file_size_bytes,
            ended: wire.link_processed_time,
            files: wire.files,
            recipients: wire.recipients,
            standing: wire.standing,
            is_known: wire.is_known,
            returned: wire.returned,
            subdirectory: wire
                .link_request
                .and_then(|asked| asked.subdirectory)
                .unwrap_or_default(),
        }
    }
}
