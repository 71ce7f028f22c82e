//! The name of a file, and the directory it is in beneath an inbox or outbox.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most octets of a component: file systems hold no more.
pub const COMPONENT_BYTES_MAX: usize = 255;
/// Most components of a subdirectory.
pub const SUBDIRECTORY_DEPTH_MAX: usize = 8;

/// How names end that the service itself writes or reads.
const RESERVED_SUFFIXES: [&str; 4] = [".part", ".linkrequest.json", ".linkresponse.json", ".batch"];

/// Which rule a name breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileNameError {
    /// No octets, or a `/` too many.
    #[error("a component of the name is empty")]
    Empty,
    /// More than [`COMPONENT_BYTES_MAX`] octets.
    #[error("a component of {bytes} octets; {COMPONENT_BYTES_MAX} are the most")]
    TooLong {
        /// Its octets.
        bytes: usize,
    },
    /// It begins with a dot: `.`, `..` and the service's own among them.
    #[error("`{}` begins with a dot", name.escape_debug())]
    Dot {
        /// The component.
        name: String,
    },
    /// A control character, a backslash, or a `/` where there can be none.
    #[error("the name has {:?}", character)]
    Character {
        /// Which.
        character: char,
    },
    /// It ends as the service's own files do.
    #[error("`{}` ends in {suffix}, as files of the link service do", name.escape_debug())]
    Reserved {
        /// The component.
        name: String,
        /// How it ends.
        suffix: &'static str,
    },
    /// More than [`SUBDIRECTORY_DEPTH_MAX`] components.
    #[error("a subdirectory of {depth} components; {SUBDIRECTORY_DEPTH_MAX} are the most")]
    TooDeep {
        /// How many.
        depth: usize,
    },
}

/// The name of a file: one component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(Box<str>);

/// A directory beneath an inbox or outbox: components with `/` between them, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subdirectory(Vec<Box<str>>);

impl FileName {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Subdirectory {
    /// Its components, the outermost first.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|component| &**component)
    }

    /// Whether it is the inbox or outbox itself.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for FileName {
    type Err = FileNameError;

    fn from_str(name: &str) -> Result<Self, FileNameError> {
        check(name)?;
        for suffix in RESERVED_SUFFIXES {
            if name.ends_with(suffix) {
                let name = name.to_owned();
                return Err(FileNameError::Reserved { name, suffix });
            }
        }
        Ok(FileName(name.into()))
    }
}

impl FromStr for Subdirectory {
    type Err = FileNameError;

    fn from_str(path: &str) -> Result<Self, FileNameError> {
        if path.is_empty() {
            return Ok(Subdirectory::default());
        }
        let depth = path.split('/').count();
        if depth > SUBDIRECTORY_DEPTH_MAX {
            return Err(FileNameError::TooDeep { depth });
        }
        path.split('/').try_for_each(check)?;
        Ok(Subdirectory(path.split('/').map(Into::into).collect()))
    }
}

fn check(component: &str) -> Result<(), FileNameError> {
    if component.is_empty() {
        return Err(FileNameError::Empty);
    }
    let bytes = component.len();
    if bytes > COMPONENT_BYTES_MAX {
        return Err(FileNameError::TooLong { bytes });
    }
    let is_bad = |character: &char| character.is_control() || matches!(character, '/' | '\\');
    if let Some(character) = component.chars().find(is_bad) {
        return Err(FileNameError::Character { character });
    }
    match component.starts_with('.') {
        true => Err(FileNameError::Dot {
            name: component.to_owned(),
        }),
        false => Ok(()),
    }
}

impl TryFrom<String> for FileName {
    type Error = FileNameError;

    fn try_from(name: String) -> Result<Self, FileNameError> {
        name.parse()
    }
}

impl TryFrom<String> for Subdirectory {
    type Error = FileNameError;

    fn try_from(path: String) -> Result<Self, FileNameError> {
        path.parse()
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> String {
        name.0.into()
    }
}

impl From<Subdirectory> for String {
    fn from(subdirectory: Subdirectory) -> String {
        subdirectory.to_string()
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Subdirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}
