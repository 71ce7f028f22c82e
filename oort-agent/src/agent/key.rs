//! Idempotency keys: a client that does not know whether a request was done asks again with the
//! same key, and it is done once.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits::KEY_CHARACTERS_MAX;

/// Where a key is kept in what is known of an item.
const KEY: &str = "idempotency_key";
/// Where it is kept what was asked with it.
const ASKED: &str = "idempotency_request";

/// A key, and what was asked with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// The key.
    pub key: String,
    /// Tells the request from another one.
    pub asked: String,
}

impl KeyUse {
    /// Of a request that says this. None where the key is none: 1 to 128 visible characters.
    #[must_use]
    pub fn new(key: &str, asked: &[&str]) -> Option<Self> {
        use sha2::Digest as _;
        let fits = (1..=KEY_CHARACTERS_MAX).contains(&key.len());
        if !fits || !key.bytes().all(|octet| octet.is_ascii_graphic()) {
            return None;
        }
        let mut hash = sha2::Sha256::new();
        for part in asked {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Some(KeyUse {
            key: key.to_owned(),
            asked: hex::encode(hash.finalize().get(..16).unwrap_or_default()),
        })
    }

    pub(super) fn write(&self, extra: &mut Map<String, Value>) {
        extra.insert(KEY.to_owned(), self.key.clone().into());
        extra.insert(ASKED.to_owned(), self.asked.clone().into());
    }

    pub(super) fn read(extra: &Map<String, Value>) -> Option<Self> {
        let text = |key: &str| Some(extra.get(key)?.as_str()?.to_owned());
        Some(KeyUse {
            key: text(KEY)?,
            asked: text(ASKED)?,
        })
    }
}
