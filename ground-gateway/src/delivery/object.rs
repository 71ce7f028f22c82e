//! What is known of a file at its place, as its metadata say it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Octets of one value of metadata at most: a bucket takes 2 KB of all of them.
const VALUE_BYTES_MAX: usize = 300;
/// The tag that is the reference on the ground.
const TOKEN: &str = "token";
/// The tag that says in which window of the payload a file was handed over.
const WINDOW: &str = "window";

/// A file, or a manifest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Object {
    pub(crate) uuid: String,
    pub(crate) topic: String,
    pub(crate) satellite: String,
    pub(crate) size: u64,
    /// 64 digits.
    pub(crate) sha256: String,
    /// 8 digits.
    pub(crate) crc32: String,
    /// Where it was on board.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) path: String,
    /// When it was handed over there: s since 1970.
    #[serde(default)]
    pub(crate) sent: i64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delivery_hints: Option<Value>,
}

impl Object {
    /// Whether that is this one, with the same octets.
    pub(crate) fn is_same(&self, uuid: Option<&str>, sha256: Option<&str>, size: u64) -> bool {
        uuid == Some(&*self.uuid) && sha256 == Some(&*self.sha256) && size == self.size
    }

    /// Metadata of an object in a bucket: each fits into a header.
    pub(crate) fn attributes(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("uuid", self.uuid.clone()),
            ("topic", self.topic.clone()),
            ("satellite", header_text(&self.satellite)),
            ("crc32", self.crc32.clone()),
            ("sha256", self.sha256.clone()),
        ];
        for tag in [WINDOW, TOKEN] {
            if let Some(value) = self.tags.get(tag) {
                all.push((tag, header_text(value)));
            }
        }
        all
    }
}

/// What is no visible ASCII is `%XX` (RFC 3986 §2.1), and so is `%`.
fn header_text(text: &str) -> String {
    let mut header = String::new();
    for octet in text.bytes() {
        if header.len() + 3 > VALUE_BYTES_MAX {
            break;
        }
        match octet {
            b'!'..=b'~' if octet != b'%' => header.push(char::from(octet)),
            octet => {
                // A string takes all that is written.
                let _ = write!(header, "%{octet:02X}");
            }
        }
    }
    header
}
