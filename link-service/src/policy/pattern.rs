//! Whom a rule is about.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::names::{AppId, AppIdError};

/// A name, or any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// `*`
    Any,
    /// This one.
    Is(AppId),
}

/// Where somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On this spacecraft.
    Here,
    /// On another spacecraft.
    Node(Name),
}

/// Whom a rule is about, on either side of it.
///
/// | written | who |
/// |---|---|
/// | `camera` | that app of this spacecraft |
/// | `*` | any app of this spacecraft; neither the ground nor anybody elsewhere |
/// | `ground` | the ground station |
/// | `camera@node-b` | that app of that spacecraft |
/// | `*@node-b`, `camera@*`, `*@*` | any app there, that app of any other one, anybody elsewhere |
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Pattern {
    /// Apps.
    Apps {
        /// Which.
        app: Name,
        /// And where.
        place: Place,
    },
    /// The ground station.
    Ground,
}

impl Pattern {
    /// The app of this spacecraft that it names, if it names one.
    #[must_use]
    pub fn app_here(&self) -> Option<&AppId> {
        match self {
            Pattern::Apps {
                app: Name::Is(app),
                place: Place::Here,
            } => Some(app),
            _ => None,
        }
    }
}

impl FromStr for Name {
    type Err = AppIdError;

    fn from_str(text: &str) -> Result<Self, AppIdError> {
        match text {
            "*" => Ok(Name::Any),
            name => Ok(Name::Is(name.parse()?)),
        }
    }
}

impl FromStr for Pattern {
    type Err = AppIdError;

    fn from_str(text: &str) -> Result<Self, AppIdError> {
        let (app, place) = match text.split_once('@') {
            Some((app, node)) => (app, Place::Node(node.parse()?)),
            None if text == "ground" => return Ok(Pattern::Ground),
            None => (text, Place::Here),
        };
        let app = app.parse()?;
        Ok(Pattern::Apps { app, place })
    }
}

impl TryFrom<String> for Pattern {
    type Error = AppIdError;

    fn try_from(text: String) -> Result<Self, AppIdError> {
        text.parse()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Any => f.write_str("*"),
            Name::Is(name) => write!(f, "{name}"),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Ground => f.write_str("ground"),
            Pattern::Apps {
                app,
                place: Place::Here,
            } => write!(f, "{app}"),
            Pattern::Apps {
                app,
                place: Place::Node(node),
            } => write!(f, "{app}@{node}"),
        }
    }
}
