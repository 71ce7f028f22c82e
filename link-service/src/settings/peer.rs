//! `[[link-service.peers]]`: another spacecraft as it is configured.

use serde::Deserialize;
use toml::{Table, Value};

use super::SERVICE;
use crate::names::AppId;

/// Another spacecraft, as it is written. Its tables are read by whoever starts the link.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PeerSettings {
    /// Its name.
    pub node: AppId,
    /// Whether this end calls the other, though it hears nobody. One of the two does.
    pub initiator: bool,
    /// Between two calls, in ms.
    #[serde(default = "call_ms")]
    pub call_ms: u64,
    /// The radio to it: keys as of `[link-service.radio]`.
    pub radio: Table,
    /// The link: keys as of `[link-service.comms]` that are not about services.
    #[serde(default)]
    pub comms: Table,
    /// The file entity: keys as of `[link-service.files]`.
    #[serde(default)]
    pub files: Table,
}

fn call_ms() -> u64 {
    5_000
}

/// Where a peer stands in the file: by its name, where it has one.
pub(super) fn place(index: usize, peer: &Table) -> String {
    let number = index + 1;
    match peer.get("node").and_then(Value::as_str) {
        Some(node) => format!(
            "[[{SERVICE}.peers]] number {number} (`{}`)",
            node.escape_debug()
        ),
        None => format!("[[{SERVICE}.peers]] number {number}"),
    }
}
