//! The name of an app.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most octets of the name of an app.
pub const APP_ID_BYTES_MAX: usize = 63;

/// The name of an app, a service or a node: lower-case letters, digits and `-`, neither of
/// them at an end a `-`; 1 to 63 octets. It is taken as it is: nothing is lower-cased.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppId(Box<str>);

/// What is no name of an app.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` names no app: 1 to {APP_ID_BYTES_MAX} of a-z, 0-9 and `-`, which is at neither end",
    name.escape_debug()
)]
pub struct AppIdError {
    /// The name, as much of it as an error may show.
    pub name: String,
}

impl AppId {
    /// Whose files come up: no app is called so.
    #[must_use]
    pub fn ground() -> Self {
        AppId("ground".into())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AppId {
    type Err = AppIdError;

    fn from_str(name: &str) -> Result<Self, AppIdError> {
        let is_inner = |octet: &u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let is_app_id = (1..=APP_ID_BYTES_MAX).contains(&name.len())
            && name.as_bytes().iter().all(is_inner)
            && !name.starts_with('-')
            && !name.ends_with('-');
        match is_app_id {
            true => Ok(AppId(name.into())),
            false => Err(AppIdError {
                name: name.chars().take(APP_ID_BYTES_MAX).collect(),
            }),
        }
    }
}

impl TryFrom<String> for AppId {
    type Error = AppIdError;

    fn try_from(name: String) -> Result<Self, AppIdError> {
        name.parse()
    }
}

impl From<AppId> for String {
    fn from(app: AppId) -> String {
        app.0.into()
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
