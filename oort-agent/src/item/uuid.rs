//! Identifiers of items: version 4 of RFC 9562 §5.4, in lower case.

use std::fmt;
use std::io;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The identifier of an item. It is the name of its files, so nothing else is taken for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uuid([u8; 16]);

/// Where the hyphens are.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
/// Characters of an identifier.
const CHARACTERS: usize = 36;

/// Something is no identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id has the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx of 0-9 and a-f")]
pub struct UuidError;

impl Uuid {
    /// The one that these octets are, but for the bits of version and variant.
    #[must_use]
    pub fn of_random(mut octets: [u8; 16]) -> Self {
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut octets;
        *version = *version & 0x0F | 0x40;
        *variant = *variant & 0x3F | 0x80;
        Uuid(octets)
    }

    /// A new one, which nothing else has.
    ///
    /// # Errors
    /// The system has nothing random.
    pub fn random() -> io::Result<Self> {
        let mut octets = [0; 16];
        getrandom::fill(&mut octets).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Uuid::of_random(octets))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, octet) in self.0.iter().enumerate() {
            if [4, 6, 8, 10].contains(&at) {
                f.write_str("-")?;
            }
            write!(f, "{octet:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for Uuid {
    type Err = UuidError;

    /// In upper case as well.
    fn from_str(text: &str) -> Result<Self, UuidError> {
        if text.len() != CHARACTERS {
            return Err(UuidError);
        }
        let mut digits = Vec::with_capacity(32);
        for (at, octet) in text.bytes().enumerate() {
            match (HYPHENS.contains(&at), char::from(octet).to_digit(16)) {
                (true, _) if octet == b'-' => {}
                (false, Some(digit)) => digits.push(u8::try_from(digit).unwrap_or_default()),
                _ => return Err(UuidError),
            }
        }
        let mut octets = [0; 16];
        for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = pair.iter().fold(0, |octet, digit| octet << 4 | digit);
        }
        Ok(Uuid(octets))
    }
}

impl TryFrom<String> for Uuid {
    type Error = UuidError;

    fn try_from(text: String) -> Result<Self, UuidError> {
        text.parse()
    }
}

impl From<Uuid> for String {
    fn from(uuid: Uuid) -> String {
        uuid.to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_of_version_4_and_is_read_as_it_is_written() {
        for octets in [[0; 16], [0xFF; 16]] {
            let uuid = Uuid::of_random(octets);
            let text = uuid.to_string();
            assert_eq!(text.as_bytes().get(14), Some(&b'4'));
            let variant = text.as_bytes().get(19);
            assert!(variant.is_some_and(|digit| b"89ab".contains(digit)));
            assert_eq!(text.parse(), Ok(uuid));
            assert_eq!(text.to_uppercase().parse(), Ok(uuid));
        }
    }

    #[test]
    fn nothing_else_is_one() {
        let good = Uuid::of_random([7; 16]).to_string();
        for bad in [
            String::new(),
            "../transfers/x".to_owned(),
            good[1..].to_owned(),
            format!("{good}0"),
            good.replace('-', "0"),
            good.replace('0', "g"),
            good.replacen('-', "/", 1),
        ] {
            assert_eq!(bad.parse::<Uuid>(), Err(UuidError), "{bad}");
        }
    }
}
