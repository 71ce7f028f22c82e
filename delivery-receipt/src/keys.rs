//! The key that signs, which stays on the ground, and the one that tells what was signed.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use secret_file::SecretFileError;
use zeroize::Zeroizing;

use crate::Receipt;

/// Octets of a file of a key at most.
const FILE_BYTES_MAX: u64 = 256;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// What is there is none.
    #[error("{what} is no key of receipts: 64 hexadecimal digits are one")]
    Unfit {
        /// What it is: a file, or a text.
        what: String,
    },
    /// Others can read it.
    #[error("{} can be read by others (mode {mode:03o}): chmod 600", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The system has nothing random.
    #[error("the system refuses random bits: {0}")]
    Random(String),
}

/// Signs receipts.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// Tells receipts that were signed from others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl SigningKey {
    /// The one of this secret (RFC 8032 §5.1.5).
    #[must_use]
    pub fn of(secret: &[u8; 32]) -> Self {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// A new one.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn random() -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *secret).map_err(|error| KeyError::Random(error.to_string()))?;
        Ok(SigningKey::of(&secret))
    }

    /// The one in a file that nobody else can read: 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`KeyError`]: it is not there, no key, or others can read it.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = self::text(path, secret_file::read(path, FILE_BYTES_MAX))?;
        let secret = octets(text.trim()).map(Zeroizing::new);
        secret
            .map(|secret| SigningKey::of(&secret))
            .ok_or_else(|| unfit(path))
    }

    /// Writes it to a new file, which nobody else can read.
    ///
    /// # Errors
    /// [`KeyError::File`]: there is a file, or it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        let mut text = Zeroizing::new(hex::encode(self.0.as_bytes()));
        text.push('\n');
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| file_error(path, error))
    }

    /// What tells its receipts.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The receipt with its signature.
    #[must_use]
    pub fn signed(&self, receipt: Receipt) -> Receipt {
        let signature = hex::encode(self.0.sign(&receipt.octets()).to_bytes());
        Receipt {
            signature,
            ..receipt
        }
    }
}

/// The secret is not shown.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public_key())
    }
}

impl PublicKey {
    /// The one in a file: 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = self::text(path, secret_file::read_public(path, FILE_BYTES_MAX))?;
        text.trim().parse().map_err(|_| unfit(path))
    }

    /// Whether a receipt was signed with the key that belongs to it (RFC 8032 §5.1.7, and no
    /// key of small order).
    #[must_use]
    pub fn is_of(&self, receipt: &Receipt) -> bool {
        let signature = octets(&receipt.signature).map(|octets| Signature::from_bytes(&octets));
        signature
            .is_some_and(|signature| self.0.verify_strict(&receipt.octets(), &signature).is_ok())
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let key = octets(text).and_then(|octets| VerifyingKey::from_bytes(&octets).ok());
        key.map(PublicKey).ok_or_else(|| KeyError::Unfit {
            what: format!("`{}`", text.chars().take(80).collect::<String>()),
        })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

fn text(
    path: &Path,
    read: Result<Zeroizing<Vec<u8>>, SecretFileError>,
) -> Result<Zeroizing<String>, KeyError> {
    let octets = read.map_err(|error| match error {
        SecretFileError::Unreadable(error) => file_error(path, error),
        SecretFileError::Exposed { mode } => KeyError::Exposed {
            path: path.to_owned(),
            mode,
        },
        SecretFileError::TooLong { .. } => unfit(path),
    })?;
    let text = std::str::from_utf8(&octets).map_err(|_| unfit(path))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// None where it is not exactly `N` octets.
fn octets<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut octets = [0; N];
    hex::decode_to_slice(digits, &mut octets).ok()?;
    Some(octets)
}

fn unfit(path: &Path) -> KeyError {
    KeyError::Unfit {
        what: path.display().to_string(),
    }
}

fn file_error(path: &Path, error: io::Error) -> KeyError {
    KeyError::File {
        path: path.to_owned(),
        error,
    }
}
