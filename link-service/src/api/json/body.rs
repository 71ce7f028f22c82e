//! What is asked, as JSON. Everything may be left away or null but what names the files and
//! the recipients; a field that is not known is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::object::object;
use super::refusal::Refusal;
use super::time;
use super::whole::whole;
use crate::code::Code;
use crate::names::{AppId, FileName, FileNameError, Subdirectory};
use crate::request::{Expiry, LinkRequest, LinkType, Priority, Recipient};

/// A link request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestBody {
    /// Who asks, and what for.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "object")]
    pub request_header: Option<RequestHeader>,
    /// Which way; `APP2APP` where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_type: Option<LinkTypeName>,
    /// What goes first; `MEDIUM` where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<PriorityName>,
    /// The file, in the outbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Several files, instead of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_names: Option<Vec<String>>,
    /// The directory beneath the outbox that they are in, and beneath the inbox that they
    /// come to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subdirectory: Option<String>,
    /// Who is to have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_app_id: Option<String>,
    /// Several, instead of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_app_ids: Option<Vec<String>>,
    /// Whether a file of the same name is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overwrite: Option<bool>,
    /// Whether it stays in the outbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leave_source_file: Option<bool>,
    /// What is not delivered by then, is not delivered (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<String>,
    /// The same from now on, instead of a time.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "whole")]
    pub expires_in_seconds: Option<u64>,
}

/// The head of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct RequestHeader {
    /// Of whoever asks: the same id is the same request. Made by the service where there is
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_id: Option<String>,
    /// Of whoever asks, for its own use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Who asks. The way in says that: another one here is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// Of whoever asks, for its own use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
}

/// Which way, by the original's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum LinkTypeName {
    Uplink,
    Crosslink,
    App2App,
    Downlink,
}

/// What goes first, by the original's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum PriorityName {
    Low,
    Medium,
    High,
    Critical,
}

/// Another priority for a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriorityBody {
    /// From now on.
    pub priority: PriorityName,
}

/// Nothing to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NothingBody {}

/// A delivery was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct AckBody {
    /// Whether the delivered files are removed; they are where nothing is said.
    pub remove: Option<bool>,
}

impl RequestBody {
    /// The request that is meant, where `sender` asks.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn into_request(self, sender: &AppId) -> Result<LinkRequest, Refusal> {
        let header = self.request_header.unwrap_or_default();
        if let Some(named) = header.app_id.filter(|named| named != sender.as_str()) {
            let text = format!(
                "the request is of {sender}, and says that it is of {}",
                named.escape_debug()
            );
            return Err(Refusal::new(Code::Forbidden, text));
        }
        let link_type = self.link_type.map_or(LinkType::App2App, LinkType::from);
        let files = either("fileName", self.file_name, "fileNames", self.file_names)?;
        let files: Result<Vec<FileName>, Refusal> = files
            .iter()
            .map(|name| name.parse().map_err(|error| invalid_file(name, error)))
            .collect();
        let recipients = either(
            "destinationAppId",
            self.destination_app_id,
            "destinationAppIds",
            self.destination_app_ids,
        )?;
        let recipients: Result<Vec<Recipient>, Refusal> = recipients
            .iter()
            .map(|name| {
                let parsed = name.parse();
                parsed.map_err(|error| invalid_name("destinationAppId", error))
            })
            .collect();
        let mut recipients = recipients?;
        if recipients.is_empty() && link_type == LinkType::Downlink {
            recipients.push(Recipient::Ground);
        }
        let subdirectory = self.subdirectory.unwrap_or_default();
        let subdirectory: Result<Subdirectory, _> = subdirectory.parse();
        Ok(LinkRequest {
            link_type,
            priority: self.priority.map_or(Priority::Medium, Priority::from),
            files: files?,
            subdirectory: subdirectory.map_err(|error| invalid_name("subdirectory", error))?,
            recipients,
            overwrite: self.overwrite.unwrap_or_default(),
            leave_source: self.leave_source_file.unwrap_or_default(),
            expires: expiry(self.expiration_time, self.expires_in_seconds)?,
            request_id: header.tracking_id.unwrap_or_default(),
            correlation_id: header.correlation_id.unwrap_or_default(),
            metadata: header.metadata.unwrap_or_default(),
        })
    }

    /// A request that was made, as it is told.
    #[must_use]
    pub fn of(sender: &AppId, request: &LinkRequest) -> Self {
        let files = request.files.iter().map(ToString::to_string);
        let (file_name, file_names) = one_or_all(files.collect());
        let recipients = request.recipients.iter().map(ToString::to_string);
        let (destination_app_id, destination_app_ids) = one_or_all(recipients.collect());
        let (expiration_time, expires_in_seconds) = match request.expires {
            None => (None, None),
            Some(Expiry::At(at)) => (time::text(at), None),
            Some(Expiry::After(time)) => (None, Some(time.as_secs())),
        };
        RequestBody {
            request_header: Some(RequestHeader {
                tracking_id: Some(request.request_id.clone()),
                correlation_id: Some(request.correlation_id.clone()),
                app_id: Some(sender.to_string()),
                metadata: Some(request.metadata.clone()),
            }),
            link_type: Some(request.link_type.into()),
            priority: Some(request.priority.into()),
            file_name,
            file_names,
            subdirectory: Some(request.subdirectory.to_string()),
            destination_app_id,
            destination_app_ids,
            overwrite: Some(request.overwrite),
            leave_source_file: Some(request.leave_source),
            expiration_time,
            expires_in_seconds,
        }
    }
}

fn one_or_all(mut all: Vec<String>) -> (Option<String>, Option<Vec<String>>) {
    match all.len() {
        0 | 1 => (all.pop(), None),
        _ => (None, Some(all)),
    }
}

fn either(
    one_field: &str,
    one: Option<String>,
    all_field: &str,
    all: Option<Vec<String>>,
) -> Result<Vec<String>, Refusal> {
    match (one, all) {
        (Some(_), Some(_)) => Err(Refusal::invalid(format!(
            "{one_field} and {all_field}: one of them"
        ))),
        (Some(one), None) => Ok(vec![one]),
        (None, all) => Ok(all.unwrap_or_default()),
    }
}

fn expiry(at: Option<String>, seconds: Option<u64>) -> Result<Option<Expiry>, Refusal> {
    match (at, seconds) {
        (Some(_), Some(_)) => Err(Refusal::invalid(
            "expirationTime and expiresInSeconds: one of them",
        )),
        (None, seconds) => Ok(seconds.map(|seconds| Expiry::After(Duration::from_secs(seconds)))),
        (Some(at), None) => match time::parse(&at) {
            Ok(at) => Ok(Some(Expiry::At(at))),
            Err(error) => Err(Refusal::invalid(format!("expirationTime: {error}"))),
        },
    }
}

fn invalid_file(name: &str, error: FileNameError) -> Refusal {
    match name.contains('/') {
        true => invalid_name(
            "fileName",
            format!("{error}; the directory beneath the outbox goes into `subdirectory`"),
        ),
        false => invalid_name("fileName", error),
    }
}

fn invalid_name(field: &str, error: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::InvalidName, format!("{field}: {error}"))
}

impl From<LinkTypeName> for LinkType {
    fn from(name: LinkTypeName) -> Self {
        match name {
            LinkTypeName::Uplink => LinkType::Uplink,
            LinkTypeName::Crosslink => LinkType::Crosslink,
            LinkTypeName::App2App => LinkType::App2App,
            LinkTypeName::Downlink => LinkType::Downlink,
        }
    }
}

impl From<LinkType> for LinkTypeName {
    fn from(link_type: LinkType) -> Self {
        match link_type {
            LinkType::Uplink => LinkTypeName::Uplink,
            LinkType::Crosslink => LinkTypeName::Crosslink,
            LinkType::App2App => LinkTypeName::App2App,
            LinkType::Downlink => LinkTypeName::Downlink,
        }
    }
}

impl From<PriorityName> for Priority {
    fn from(name: PriorityName) -> Self {
        match name {
            PriorityName::Low => Priority::Low,
            PriorityName::Medium => Priority::Medium,
            PriorityName::High => Priority::High,
            PriorityName::Critical => Priority::Critical,
        }
    }
}

impl From<Priority> for PriorityName {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Low => PriorityName::Low,
            Priority::Medium => PriorityName::Medium,
            Priority::High => PriorityName::High,
            Priority::Critical => PriorityName::Critical,
        }
    }
}
