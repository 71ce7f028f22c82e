//! Receipts: the ground's word that it has a file, and where.
//!
//! A receipt is signed with a key that both ends have: HMAC-SHA-256 over its fields, each
//! after its length in octets (u64, big-endian): uuid, sha256, size in decimal, bucket, key,
//! time in decimal. The signature is written in 64 hexadecimal digits.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::item::Uuid;
use crate::store::hex;

/// Shortest key, in octets.
const KEY_BYTES_MIN: usize = 16;

/// What the ground says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The item.
    pub uuid: Uuid,
    /// SHA-256 of the octets that are there, in hexadecimal.
    pub sha256: String,
    /// Octets.
    pub size: u64,
    /// Where they are.
    pub bucket: String,
    /// And by which name.
    pub key: String,
    /// Since when: s since 1970.
    pub time: i64,
    /// That it is the ground that says so.
    pub signature: String,
}

/// Signs receipts, and tells those that were.
#[derive(Clone)]
pub struct ReceiptKey(Hmac<Sha256>);

impl ReceiptKey {
    /// Of these octets.
    ///
    /// # Errors
    /// They are too few.
    pub fn new(octets: &[u8]) -> io::Result<Self> {
        let short = || {
            let text = format!("a key of receipts has at least {KEY_BYTES_MIN} octets");
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        if octets.len() < KEY_BYTES_MIN {
            return Err(short());
        }
        let key = Hmac::<Sha256>::new_from_slice(octets).map_err(|_| short())?;
        Ok(ReceiptKey(key))
    }

    /// In a file that nobody else can read: all of its octets but a line end behind them.
    ///
    /// # Errors
    /// It is not there, is too short, or others can read it.
    pub fn read(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            let text = "others can read it: chmod 600";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        let octets = fs::read(path)?;
        let octets = octets.strip_suffix(b"\n").unwrap_or(&octets);
        ReceiptKey::new(octets)
    }

    /// The receipt with its signature.
    #[must_use]
    pub fn signed(&self, receipt: Receipt) -> Receipt {
        let signature = hex(&self.over(&receipt).finalize().into_bytes());
        Receipt {
            signature,
            ..receipt
        }
    }

    /// Whether it was signed with this key.
    #[must_use]
    pub fn is_of(&self, receipt: &Receipt) -> bool {
        let signature = octets(&receipt.signature);
        signature.is_some_and(|octets| self.over(receipt).verify_slice(&octets).is_ok())
    }

    fn over(&self, receipt: &Receipt) -> Hmac<Sha256> {
        let mut hmac = self.0.clone();
        for field in [
            receipt.uuid.to_string().as_str(),
            &receipt.sha256,
            &receipt.size.to_string(),
            &receipt.bucket,
            &receipt.key,
            &receipt.time.to_string(),
        ] {
            hmac.update(&(field.len() as u64).to_be_bytes());
            hmac.update(field.as_bytes());
        }
        hmac
    }
}

impl std::fmt::Debug for ReceiptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReceiptKey")
    }
}

fn octets(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
        }
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_of_the_key_that_signed_it_as_it_was_signed() {
        let key = ReceiptKey::new(b"0123456789abcdef").unwrap();
        let signed = key.signed(Receipt {
            uuid: Uuid::of_random([1; 16]),
            sha256: "00".to_owned(),
            size: 3,
            bucket: "images".to_owned(),
            key: "sat/a".to_owned(),
            time: 1,
            signature: String::new(),
        });
        assert!(key.is_of(&signed));
        assert!(!ReceiptKey::new(b"0123456789abcdeg").unwrap().is_of(&signed));
        let mut other = signed.clone();
        (other.bucket, other.key) = ("image".to_owned(), "ssat/a".to_owned());
        assert!(!key.is_of(&other));
        for signature in [
            "",
            "zz",
            "0",
            signed.signature.trim_end_matches('0').get(2..).unwrap(),
        ] {
            let mut other = signed.clone();
            other.signature = signature.to_owned();
            assert!(!key.is_of(&other), "{signature}");
        }
        assert!(ReceiptKey::new(b"short").is_err());
    }
}
