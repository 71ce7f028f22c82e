//! Which file names are taken from the link: one grammar for all of them.
//!
//! ```text
//! name      = component *( "/" component )       at most 255 octets of UTF-8
//! component = 1 to 255 octets, not "." and not ".."
//! ```
//! Without control characters (NUL among them) and without backslashes. So a name is
//! relative, stays beneath where it starts, and is its path's only spelling. Whether a
//! component is a link that leads elsewhere is for whoever opens it; Unicode is not
//! normalised.

use std::fmt;
use std::str::FromStr;

use crate::pdu::tlv::Lv;

/// Most octets of a name: an LV holds no more (CCSDS 727.0-B-5 §5.1).
pub const NAME_BYTES_MAX: usize = Lv::BYTES_MAX;

/// Most octets of a component: file systems hold no more.
pub const COMPONENT_BYTES_MAX: usize = 255;

/// Which rule a name breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// No octets.
    #[error("the name is empty")]
    Empty,
    /// More than [`NAME_BYTES_MAX`] octets.
    #[error("a name of {bytes} octets; {NAME_BYTES_MAX} are the most")]
    TooLong {
        /// Its octets.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("the name is not UTF-8 from octet {at} on")]
    NotUtf8 {
        /// Octets before what is not.
        at: usize,
    },
    /// A control character, NUL among them.
    #[error("the name has the control character U+{:04X} at octet {at}", u32::from(*character))]
    ControlCharacter {
        /// Which.
        character: char,
        /// Octets before it.
        at: usize,
    },
    /// A backslash, which elsewhere is a separator.
    #[error("the name has a backslash at octet {at}")]
    Backslash {
        /// Octets before it.
        at: usize,
    },
    /// It starts with a slash.
    #[error("the name is absolute; names are relative to the store")]
    Absolute,
    /// Two slashes, or one at the end.
    #[error("the name has an empty component at octet {at}")]
    EmptyComponent {
        /// Octets before it.
        at: usize,
    },
    /// A component `.` or `..`.
    #[error("the name has the component {}, which leads elsewhere", if *parent { ".." } else { "." })]
    DotComponent {
        /// Whether it is `..`.
        parent: bool,
    },
    /// A component of more than [`COMPONENT_BYTES_MAX`] octets.
    #[error("a component of {bytes} octets; {COMPONENT_BYTES_MAX} are the most")]
    ComponentTooLong {
        /// Its octets.
        bytes: usize,
    },
}

/// The name of a file or directory in the store, which keeps to the grammar.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreName(Box<str>);

impl StoreName {
    /// The name that stands in these octets.
    ///
    /// # Errors
    /// [`NameError`]: which rule it breaks.
    pub fn new(octets: &[u8]) -> Result<Self, NameError> {
        Self::check(octets).map(|name| StoreName(name.into()))
    }

    /// The same without keeping it.
    ///
    /// # Errors
    /// [`NameError`]: which rule it breaks.
    pub fn check(octets: &[u8]) -> Result<&str, NameError> {
        if octets.is_empty() {
            return Err(NameError::Empty);
        }
        if octets.len() > NAME_BYTES_MAX {
            let bytes = octets.len();
            return Err(NameError::TooLong { bytes });
        }
        let name = std::str::from_utf8(octets).map_err(|error| NameError::NotUtf8 {
            at: error.valid_up_to(),
        })?;
        for (at, character) in name.char_indices() {
            match character {
                '\\' => return Err(NameError::Backslash { at }),
                _ if character.is_control() => {
                    return Err(NameError::ControlCharacter { character, at });
                }
                _ => {}
            }
        }
        if name.starts_with('/') {
            return Err(NameError::Absolute);
        }
        let mut at = 0;
        for component in name.split('/') {
            check_component(component, at)?;
            at += component.len() + 1;
        }
        Ok(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it goes over the link.
    pub fn lv(&self) -> Lv<'_> {
        Lv::of_checked(self.0.as_bytes())
    }

    /// Directories from the store's root on, and the last name; one at least.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.0.split('/')
    }
}

fn check_component(component: &str, at: usize) -> Result<(), NameError> {
    match component {
        "" => Err(NameError::EmptyComponent { at }),
        "." => Err(NameError::DotComponent { parent: false }),
        ".." => Err(NameError::DotComponent { parent: true }),
        _ if component.len() > COMPONENT_BYTES_MAX => Err(NameError::ComponentTooLong {
            bytes: component.len(),
        }),
        _ => Ok(()),
    }
}

impl FromStr for StoreName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name.as_bytes())
    }
}

impl AsRef<str> for StoreName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
