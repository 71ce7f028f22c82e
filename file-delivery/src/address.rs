//! The name of a file that is for an app at the other end: its address.
//!
//! ```text
//! address = "to/" app "/" from "/" hash [ ".over" ] "/" path     at most 213 octets
//! hash    = 64 digits of 0-9 and a-f: BLAKE3 of the file's octets
//! ```
//! `app` is who is to have it, `from` who sends it (`ground` on an uplink), `path` where it
//! is to be in the inbox of `app`. With `.over` it takes the place of a file of that name.
//!
//! So any entity that can send a file can send one to an app, and whoever receives it needs
//! no more than its name to know for whom it is, and whether it is the one that was sent. An
//! address is shorter than a name may be, so that a receiver can put it beneath another
//! directory.

use std::fmt;
use std::str::FromStr;

use crate::StoreName;
use crate::name::NameError;

/// Beneath it are names that are addresses.
pub const FOLDER: &str = "to";
/// Most octets of an address.
pub const ADDRESS_BYTES_MAX: usize = 213;

const OVERWRITE: &str = ".over";
const HASH_DIGITS: usize = 64;

/// A file for an app at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Who is to have it.
    pub app: String,
    /// Who sends it.
    pub from: String,
    /// Of its octets, by BLAKE3.
    pub hash: [u8; 32],
    /// Whether it takes the place of a file of its name.
    pub overwrite: bool,
    /// Where it is to be beneath the inbox: directories, and the name of the file.
    pub path: String,
}

/// Why something is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It does not begin as addresses do.
    #[error("a file for an app is called {FOLDER}/APP/FROM/HASH/FILE")]
    Shape,
    /// What stands for the hash is none.
    #[error("`{}` is no BLAKE3: it has {HASH_DIGITS} digits of 0-9 and a-f", text.escape_debug())]
    Hash {
        /// What stands there.
        text: String,
    },
    /// It is too long.
    #[error(
        "an address of {bytes} octets; {ADDRESS_BYTES_MAX} are the most: shorten the name of the \
         file or its subdirectory"
    )]
    TooLong {
        /// Its octets.
        bytes: usize,
    },
    /// It is no name at all.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Address {
    /// Whether a name is meant for an address, be it one or not.
    #[must_use]
    pub fn is_meant(name: &StoreName) -> bool {
        name.components().next() == Some(FOLDER)
    }

    /// The address that a name is.
    ///
    /// # Errors
    /// [`AddressError`]: it is none.
    pub fn of(name: &StoreName) -> Result<Self, AddressError> {
        let bytes = name.as_str().len();
        if bytes > ADDRESS_BYTES_MAX {
            return Err(AddressError::TooLong { bytes });
        }
        let mut parts = name.as_str().splitn(5, '/');
        let mut part = || parts.next().ok_or(AddressError::Shape);
        if part()? != FOLDER {
            return Err(AddressError::Shape);
        }
        let (app, from, hash, path) = (part()?, part()?, part()?, part()?);
        let (digits, overwrite) = match hash.strip_suffix(OVERWRITE) {
            Some(digits) => (digits, true),
            None => (hash, false),
        };
        let no_hash = || AddressError::Hash {
            text: hash.to_owned(),
        };
        Ok(Address {
            app: app.to_owned(),
            from: from.to_owned(),
            hash: octets_of(digits).ok_or_else(no_hash)?,
            overwrite,
            path: path.to_owned(),
        })
    }

    /// The name that it is.
    ///
    /// # Errors
    /// [`AddressError`]: it is too long, or a part of it is no name.
    pub fn name(&self) -> Result<StoreName, AddressError> {
        let text = self.to_string();
        let bytes = text.len();
        if bytes > ADDRESS_BYTES_MAX {
            return Err(AddressError::TooLong { bytes });
        }
        let name: StoreName = text.parse()?;
        // A part with a slash in it would make it another.
        match Address::of(&name)? == *self {
            true => Ok(name),
            false => Err(AddressError::Shape),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        Address::of(&text.parse()?)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address {
            app, from, path, ..
        } = self;
        write!(f, "{FOLDER}/{app}/{from}/")?;
        for octet in self.hash {
            write!(f, "{octet:02x}")?;
        }
        let overwrite = if self.overwrite { OVERWRITE } else { "" };
        write!(f, "{overwrite}/{path}")
    }
}

fn octets_of(digits: &str) -> Option<[u8; 32]> {
    let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != HASH_DIGITS || !digits.bytes().all(is_digit) {
        return None;
    }
    let mut octets = [0; 32];
    for (at, octet) in octets.iter_mut().enumerate() {
        let pair = digits.get(2 * at..2 * at + 2)?;
        *octet = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(octets)
}
