//! What a client says of how a file is to be sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How long an item stays in each stage of the queue, in s. Zero skips a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TtlParams {
    /// In the urgent stage.
    pub urgent: u64,
    /// In the bulk stage.
    pub bulk: u64,
    /// In the surplus stage; after that it is removed.
    pub surplus: u64,
}

impl Default for TtlParams {
    fn default() -> Self {
        TtlParams {
            urgent: 9_000,
            bulk: 43_200,
            surplus: 172_800,
        }
    }
}

/// Where the receiver is to put a file; it decides itself. Further keys travel with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryHints {
    /// The path.
    pub dest_path: String,
    /// Permissions, in octal: `"755"`.
    pub mode: String,
    /// Anything else.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// The options of a file that is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendOptions {
    /// How long it stays in each stage.
    #[serde(rename = "TTLParams", default)]
    pub ttl: TtlParams,
    /// Whether what was lost is repeated.
    #[serde(default = "yes")]
    pub reliable: bool,
    /// For whoever gets it: `token` is the reference on the ground.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// For whoever gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_hints: Option<DeliveryHints>,
}

fn yes() -> bool {
    true
}

impl Default for SendOptions {
    fn default() -> Self {
        SendOptions {
            ttl: TtlParams::default(),
            reliable: true,
            tags: BTreeMap::new(),
            delivery_hints: None,
        }
    }
}
