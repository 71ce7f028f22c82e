//! Callsigns of amateur stations, as AX.25 addresses carry them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most characters a callsign has before its SSID (AX.25 v2.2 §3.12.2).
pub const CALLSIGN_CHARACTERS_MAX: usize = 6;

/// The largest secondary station identifier (AX.25 v2.2 §3.12.2).
pub const SSID_MAX: u8 = 15;

/// A station's callsign with its SSID, such as `SAT1-1`.
///
/// One to six characters `A`–`Z`, `0`–`9`, and a secondary station identifier
/// 0–15. The text form leaves SSID 0 out (`GND`); `GND-0` is read as the same
/// callsign. In configuration files it is a string.
///
/// Seven octets, `Copy`: comparing two callsigns touches no heap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Callsign {
    /// Upper-case ASCII, padded on the right with spaces.
    characters: [u8; CALLSIGN_CHARACTERS_MAX],
    ssid: u8,
}

impl Callsign {
    /// A callsign from its characters (without SSID) and its SSID.
    ///
    /// # Errors
    /// [`CallsignError`] if the characters are none, more than six or not
    /// `A`–`Z`, `0`–`9`, or if the SSID is above 15.
    pub fn new(characters: &str, ssid: u8) -> Result<Self, CallsignError> {
        if characters.is_empty() || characters.chars().count() > CALLSIGN_CHARACTERS_MAX {
            return Err(CallsignError::Length {
                value: characters.to_owned(),
            });
        }
        let mut padded = [b' '; CALLSIGN_CHARACTERS_MAX];
        for (slot, character) in padded.iter_mut().zip(characters.chars()) {
            *slot = u8::try_from(character)
                .ok()
                .filter(|octet| is_callsign_octet(*octet))
                .ok_or_else(|| CallsignError::Character {
                    value: characters.to_owned(),
                    character,
                })?;
        }
        if ssid > SSID_MAX {
            return Err(CallsignError::Ssid {
                value: format!("{characters}-{ssid}"),
            });
        }
        Ok(Self {
            characters: padded,
            ssid,
        })
    }

    /// A callsign from six padded characters off the air, or `None` if they
    /// are not one to six of `A`–`Z`, `0`–`9` followed by spaces only.
    pub(crate) fn from_padded(characters: [u8; CALLSIGN_CHARACTERS_MAX], ssid: u8) -> Option<Self> {
        let length = characters
            .iter()
            .take_while(|octet| is_callsign_octet(**octet))
            .count();
        let only_spaces_follow = characters.iter().skip(length).all(|octet| *octet == b' ');
        (length > 0 && only_spaces_follow && ssid <= SSID_MAX).then_some(Self { characters, ssid })
    }

    /// The characters padded with spaces to six.
    pub(crate) fn padded(&self) -> [u8; CALLSIGN_CHARACTERS_MAX] {
        self.characters
    }

    /// The secondary station identifier, 0–15.
    pub fn ssid(&self) -> u8 {
        self.ssid
    }
}

fn is_callsign_octet(octet: u8) -> bool {
    octet.is_ascii_uppercase() || octet.is_ascii_digit()
}

impl fmt::Display for Callsign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;

        for octet in self.characters.iter().filter(|octet| **octet != b' ') {
            f.write_char(char::from(*octet))?;
        }
        if self.ssid == 0 {
            return Ok(());
        }
        write!(f, "-{}", self.ssid)
    }
}

impl fmt::Debug for Callsign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Callsign({self})")
    }
}

impl FromStr for Callsign {
    type Err = CallsignError;

    fn from_str(value: &str) -> Result<Self, CallsignError> {
        let Some((characters, ssid)) = value.split_once('-') else {
            return Self::new(value, 0);
        };
        // `u8::from_str` alone would also take "+1" and "001".
        let plain_number = matches!(ssid.as_bytes(), [b'0'..=b'9'] | [b'1'..=b'9', b'0'..=b'9']);
        let ssid = ssid
            .parse()
            .ok()
            .filter(|ssid| plain_number && *ssid <= SSID_MAX)
            .ok_or_else(|| CallsignError::Ssid {
                value: value.to_owned(),
            })?;
        Self::new(characters, ssid)
    }
}

impl TryFrom<String> for Callsign {
    type Error = CallsignError;

    fn try_from(value: String) -> Result<Self, CallsignError> {
        value.parse()
    }
}

impl From<Callsign> for String {
    fn from(callsign: Callsign) -> Self {
        callsign.to_string()
    }
}

/// Why a text is not a callsign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallsignError {
    /// No character at all, or more than six before the SSID.
    #[error(
        "callsign {value:?} has the wrong length: \
         write one to six characters, then \"-\" and an SSID if it is not 0 (example: \"SAT1-1\")"
    )]
    Length {
        /// The characters given.
        value: String,
    },
    /// A character that AX.25 addresses cannot carry.
    #[error(
        "callsign {value:?} contains {character:?}: \
         only the upper-case letters A-Z and the digits 0-9 are allowed"
    )]
    Character {
        /// The characters given.
        value: String,
        /// The first one that is not allowed.
        character: char,
    },
    /// An SSID that is not a number from 0 to 15.
    #[error("callsign {value:?} has no valid SSID: after \"-\" write a number from 0 to 15")]
    Ssid {
        /// The callsign given.
        value: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callsign_reads_and_writes_its_text_form() {
        for text in ["SAT1-1", "GND", "A-15", "AB1CDE-9"] {
            assert_eq!(text.parse::<Callsign>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn ssid_zero_may_be_written_but_is_not_shown() {
        let callsign: Callsign = "GND-0".parse().unwrap();
        assert_eq!(callsign, "GND".parse().unwrap());
        assert_eq!(callsign.to_string(), "GND");
    }

    #[test]
    fn the_error_names_the_value() {
        for text in [
            "", "-1", "TOOLONG", "sat1", "SAT 1", "ÄÖÜ", "SAT1-", "SAT1-16", "SAT1-+1", "SAT1-01",
            "SAT1-1-1", "SAT1-256",
        ] {
            let error = text.parse::<Callsign>().unwrap_err().to_string();
            let named = text.split('-').next().unwrap();
            assert!(error.contains(named), "{text:?} gave {error}");
        }
    }

    #[test]
    fn spaces_inside_a_callsign_off_the_air_are_refused() {
        assert!(Callsign::from_padded(*b"GND   ", 2).is_some());
        assert!(Callsign::from_padded(*b"G D   ", 2).is_none());
        assert!(Callsign::from_padded(*b" GND  ", 2).is_none());
        assert!(Callsign::from_padded(*b"      ", 2).is_none());
    }
}
