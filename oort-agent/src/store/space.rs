//! How much of the disk is to be left free.

use std::path::Path;
use std::str::FromStr;

use rustix::fs::statvfs;

/// What is to be left free of the file system that the work directory is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// So many octets.
    Bytes(u64),
    /// So many hundredths, as `df` counts them: of what is used or may be.
    Percent(u8),
}

/// Something is no such amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no amount to be left free: 500M are megabytes, 20% is a part of the disk")]
pub struct FloorError(String);

impl FromStr for Floor {
    type Err = FloorError;

    fn from_str(text: &str) -> Result<Self, FloorError> {
        let error = || FloorError(text.to_owned());
        if let Some(percent) = text.strip_suffix('%') {
            let percent = percent.parse().ok().filter(|percent| *percent <= 100);
            return percent.map(Floor::Percent).ok_or_else(error);
        }
        let megabytes = text.strip_suffix('M').ok_or_else(error)?;
        let megabytes: u64 = megabytes.parse().map_err(|_| error())?;
        let bytes = megabytes.checked_mul(1_000_000).ok_or_else(error)?;
        Ok(Floor::Bytes(bytes))
    }
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Octets that are free for us.
    pub free: u64,
    /// Octets that are used or free for us.
    pub all: u64,
}

impl Room {
    /// Octets of it that are to be left free.
    #[must_use]
    pub fn floor(&self, floor: Floor) -> u64 {
        match floor {
            Floor::Bytes(bytes) => bytes,
            Floor::Percent(percent) => {
                let part = u128::from(self.all) * u128::from(percent) / 100;
                u64::try_from(part).unwrap_or(u64::MAX)
            }
        }
    }
}

/// Who says how much room there is.
#[derive(Default)]
pub enum Space {
    /// The file system.
    #[default]
    OfFileSystem,
    /// Somebody else: a test.
    Said(Box<dyn Fn() -> Room + Send + Sync>),
}

impl Space {
    /// How much there is where that directory is. Where nobody can say, it is as if there
    /// were enough: the disk itself says when it is full.
    #[must_use]
    pub fn room(&self, directory: &Path) -> Room {
        match self {
            Space::Said(room) => room(),
            Space::OfFileSystem => match statvfs(directory) {
                Ok(found) => {
                    let used = found.f_blocks.saturating_sub(found.f_bfree);
                    Room {
                        free: found.f_bavail.saturating_mul(found.f_frsize),
                        all: used
                            .saturating_add(found.f_bavail)
                            .saturating_mul(found.f_frsize),
                    }
                }
                Err(error) => {
                    log::warn!("{}: how much is free: {error}", directory.display());
                    Room {
                        free: u64::MAX,
                        all: u64::MAX,
                    }
                }
            },
        }
    }
}

impl std::fmt::Debug for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Space").finish_non_exhaustive()
    }
}
