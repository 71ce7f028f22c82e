//! Acknowledged submit on the wire: one JSON object a line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Octets of a line beside its payload, at most.
pub(crate) const LINE_OVERHEAD_BYTES: usize = 512;

/// Octets of the longest line that carries a payload of so many octets.
pub(crate) fn line_bytes_max(payload_bytes_max: usize) -> usize {
    let encoded = payload_bytes_max.div_ceil(3).saturating_mul(4);
    encoded.saturating_add(LINE_OVERHEAD_BYTES)
}

/// What an app sends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) submit: Submit,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Submit {
    pub(crate) id: u64,
    pub(crate) port: u16,
    /// Base64 with padding (RFC 4648 §4).
    pub(crate) payload: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ttl_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) heard_within_ms: Option<u64>,
}

impl Submit {
    pub(crate) fn payload(&self) -> Result<Vec<u8>, base64::DecodeError> {
        STANDARD.decode(&self.payload)
    }
}

pub(crate) fn encoded(payload: &[u8]) -> String {
    STANDARD.encode(payload)
}

/// What the service answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Reply {
    /// None where a line named no id.
    pub(crate) id: Option<u64>,
    pub(crate) state: StateName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) try_again: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StateName {
    Queued,
    Sent,
    Heard,
    NotHeard,
    Refused,
    Expired,
    Dropped,
}

impl Reply {
    pub(crate) fn new(id: Option<u64>, state: StateName) -> Self {
        Reply {
            id,
            state,
            reason: None,
            message: None,
            try_again: None,
        }
    }

    pub(crate) fn refused(id: Option<u64>, reason: &str, message: String, try_again: bool) -> Self {
        Reply {
            reason: Some(reason.to_string()),
            message: Some(message),
            try_again: Some(try_again),
            ..Reply::new(id, StateName::Refused)
        }
    }

    /// One line.
    pub(crate) fn line(&self) -> Vec<u8> {
        // Text and numbers alone: it cannot fail.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}
