//! What may be asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::names::{AppId, AppIdError, FileName, Subdirectory};

/// Most octets of an id that a client gives.
pub const CLIENT_ID_BYTES_MAX: usize = 128;
/// Most recipients of a request.
pub const RECIPIENTS_MAX: usize = 64;
/// Most files of a batch.
pub const BATCH_FILES_MAX: usize = 1024;

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkType {
    /// From the ground to an app.
    Uplink,
    /// To an app of another spacecraft.
    Crosslink,
    /// From app to app.
    #[serde(rename = "app2app")]
    App2App,
    /// From an app to the ground.
    Downlink,
}

/// What goes first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Last.
    Low,
    /// The usual.
    #[default]
    Medium,
    /// Before what is usual.
    High,
    /// Before everything, out of room that is kept for it.
    Critical,
}

/// Who is to have a file: `app` here, `app@node` on another spacecraft, `ground`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Recipient {
    /// An app or service of this spacecraft.
    App(AppId),
    /// An app of another spacecraft.
    Remote {
        /// Which app.
        app: AppId,
        /// Of which spacecraft.
        node: AppId,
    },
    /// The ground station.
    Ground,
}

/// A link request, whoever made it. The sender is not in it: that is who the way in says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRequest {
    /// Which way.
    pub link_type: LinkType,
    /// What goes first.
    pub priority: Priority,
    /// The files, of which all arrive or none. More than one make a batch.
    pub files: Vec<FileName>,
    /// The directory beneath the outbox that they are in, and beneath the inbox that they
    /// come to.
    pub subdirectory: Subdirectory,
    /// Who is to have them.
    pub recipients: Vec<Recipient>,
    /// Whether they take the place of files of the same name.
    pub overwrite: bool,
    /// Whether they stay in the outbox.
    pub leave_source: bool,
    /// What is not delivered by then, is not delivered.
    pub expires: Option<Expiry>,
    /// Of whoever asks; the same id of the same sender is the same request.
    pub request_id: String,
    /// Of whoever asks, for its own use.
    pub correlation_id: String,
    /// Of whoever asks, for its own use.
    pub metadata: BTreeMap<String, String>,
}

/// When a request expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expiry {
    /// At that time since 1970, as the clock has it once it is right.
    At(Duration),
    /// So long after it was accepted, whatever the clock says.
    After(Duration),
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LinkType::Uplink => "uplink",
            LinkType::Crosslink => "crosslink",
            LinkType::App2App => "app2app",
            LinkType::Downlink => "downlink",
        })
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Priority::Low => "low",
            Priority::Medium => "medium",
            Priority::High => "high",
            Priority::Critical => "critical",
        })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Recipient::App(app) => write!(f, "{app}"),
            Recipient::Remote { app, node } => write!(f, "{app}@{node}"),
            Recipient::Ground => f.write_str("ground"),
        }
    }
}

impl FromStr for Recipient {
    type Err = AppIdError;

    fn from_str(text: &str) -> Result<Self, AppIdError> {
        match text.split_once('@') {
            Some((app, node)) => Ok(Recipient::Remote {
                app: app.parse()?,
                node: node.parse()?,
            }),
            None if text == "ground" => Ok(Recipient::Ground),
            None => Ok(Recipient::App(text.parse()?)),
        }
    }
}

impl TryFrom<String> for Recipient {
    type Error = AppIdError;

    fn try_from(text: String) -> Result<Self, AppIdError> {
        text.parse()
    }
}

impl From<Recipient> for String {
    fn from(recipient: Recipient) -> String {
        recipient.to_string()
    }
}
