//! Receipts: the ground's word that it has delivered a file, and where it is.
//!
//! A receipt is a JSON object that is signed with Ed25519 (RFC 8032). What is signed is, one
//! after the other, each after its length in octets (u64, big-endian): the words
//! [`PURPOSE`], then `uuid`, `topic`, `sha256`, `size` in decimal, `crc32`, `bucket`, `key`,
//! `satellite`, `time` in decimal. The signature is written in 128 hexadecimal digits.
//!
//! ```
//! use delivery_receipt::{Receipt, SigningKey};
//!
//! # fn main() -> Result<(), delivery_receipt::KeyError> {
//! let key = SigningKey::random()?;
//! let receipt = key.signed(Receipt { uuid: "a".into(), ..Receipt::default() });
//! let public = key.public_key();
//! assert!(public.is_of(&receipt));
//! assert!(!public.is_of(&Receipt { uuid: "b".into(), ..receipt }));
//! # Ok(())
//! # }
//! ```

mod keys;

use serde::{Deserialize, Serialize};

pub use keys::{KeyError, PublicKey, SigningKey};

/// What the signature is for: nothing else that the key signs can be taken for a receipt.
pub const PURPOSE: &str = "heliograph delivery receipt 1";
/// Octets of a receipt at most, as JSON.
pub const RECEIPT_BYTES_MAX: u64 = 16 << 10;

/// What the ground says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The file, as the agent named it.
    pub uuid: String,
    /// Its topic.
    pub topic: String,
    /// SHA-256 of the octets that are there, in 64 hexadecimal digits.
    pub sha256: String,
    /// Octets.
    pub size: u64,
    /// CRC-32 (IEEE 802.3) of the octets, in 8 hexadecimal digits.
    pub crc32: String,
    /// Where they are: a bucket (`s3://…`) or a directory.
    pub bucket: String,
    /// And by which name.
    pub key: String,
    /// Whose file it is.
    pub satellite: String,
    /// Since when: s since 1970.
    pub time: i64,
    /// That it is the ground that says so.
    pub signature: String,
}

impl Receipt {
    /// What is signed.
    fn octets(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        for field in [
            PURPOSE,
            &self.uuid,
            &self.topic,
            &self.sha256,
            &self.size.to_string(),
            &self.crc32,
            &self.bucket,
            &self.key,
            &self.satellite,
            &self.time.to_string(),
        ] {
            octets.extend_from_slice(&(field.len() as u64).to_be_bytes());
            octets.extend_from_slice(field.as_bytes());
        }
        octets
    }
}
