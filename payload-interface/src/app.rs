//! Who an app is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most octets of the name of an app.
pub const APP_NAME_BYTES_MAX: usize = 63;

/// The name of a payload application: what the link service calls an app, too. Lower-case
/// letters, digits and `-`, neither of them at an end a `-`; 1 to 63 octets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppName(Box<str>);

/// What is no name of an app.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` names no app: 1 to {APP_NAME_BYTES_MAX} of a-z, 0-9 and `-`, which is at neither end",
    name.escape_debug()
)]
pub struct AppNameError {
    /// The name, as much of it as an error may show.
    pub name: String,
}

impl AppName {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AppName {
    type Err = AppNameError;

    fn from_str(name: &str) -> Result<Self, AppNameError> {
        let is_inner = |octet: &u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let is_name = (1..=APP_NAME_BYTES_MAX).contains(&name.len())
            && name.as_bytes().iter().all(is_inner)
            && !name.starts_with('-')
            && !name.ends_with('-');
        match is_name {
            true => Ok(AppName(name.into())),
            false => Err(AppNameError {
                name: name.chars().take(APP_NAME_BYTES_MAX).collect(),
            }),
        }
    }
}

impl TryFrom<String> for AppName {
    type Error = AppNameError;

    fn try_from(name: String) -> Result<Self, AppNameError> {
        name.parse()
    }
}

impl From<AppName> for String {
    fn from(app: AppName) -> String {
        app.0.into()
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a payload application, the last three digits of its cookie: 0 to 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct AppNumber(u16);

impl AppNumber {
    /// As a number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for AppNumber {
    type Error = String;

    fn try_from(number: u16) -> Result<Self, String> {
        match number {
            0..=999 => Ok(AppNumber(number)),
            _ => Err(format!("{number} is no number of an app: 0 to 999 are")),
        }
    }
}

impl From<AppNumber> for u16 {
    fn from(number: AppNumber) -> u16 {
        number.0
    }
}

/// Three digits.
impl fmt::Display for AppNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}
