//! What is known of an item: the file `<uuid>.meta.oort`, and what the collector is told.
//!
//! What is written has this form; what is read may be of another writer, whose null is the same
//! as nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::options::{DeliveryHints, SendOptions, mend_ttl};
use super::topic::Topic;
use super::uuid::Uuid;

/// The version of this form.
pub const META_VERSION: &str = "1.3";

/// What is said of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileInfo {
    /// The item.
    pub id: Uuid,
    /// Where it was when it was handed over.
    pub path: String,
    /// Octets.
    pub size: u64,
    /// When its octets were changed last: s since 1970.
    pub modified: i64,
    /// When anything of it was changed last: s since 1970.
    pub created: i64,
    /// CRC-32 (IEEE 802.3) of its octets, 8 digits in lower case.
    pub crc32: String,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
    /// Where the receiver is to put it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_hints: Option<DeliveryHints>,
}

/// All that is known of an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransferMeta {
    /// [`META_VERSION`].
    pub meta_version: String,
    /// Its topic.
    pub topic: Topic,
    /// Whom it is for: `ground`.
    #[serde(default)]
    pub destination: String,
    /// The machine where it was handed over.
    #[serde(default)]
    pub node: String,
    /// When it was: s since 1970.
    #[serde(default)]
    pub time: i64,
    /// The file.
    pub file_info: FileInfo,
    /// How it is to be sent.
    #[serde(default)]
    pub send_options: SendOptions,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl TransferMeta {
    /// As whoever wrote it, and what was odd about it. The original writes null where nothing is
    /// said, and times that no client of ours may say: none of that makes an item be lost.
    ///
    /// # Errors
    /// It is none.
    pub fn read(octets: &[u8]) -> Result<(Self, Vec<String>), serde_json::Error> {
        let mut written: Value = serde_json::from_slice(octets)?;
        let mut odd = Vec::new();
        without_nulls(&mut written);
        for key in ["file_info", "send_options"] {
            written.get_mut(key).into_iter().for_each(without_nulls);
        }
        let options = written.get_mut("send_options");
        if let Some(ttl) = options.and_then(|options| options.get_mut("TTLParams")) {
            mend_ttl(ttl, &mut odd);
        }
        Ok((serde_json::from_value(written)?, odd))
    }
}

fn without_nulls(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
}
