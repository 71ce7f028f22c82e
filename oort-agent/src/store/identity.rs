//! What tells a file from another one, and from itself after a change.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

/// The identity of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) bytes: u64,
    /// ns since 1970.
    pub(crate) modified: i128,
}

impl Identity {
    pub(crate) fn of(found: &Metadata) -> Self {
        Identity {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.len(),
            modified: i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec()),
        }
    }

    /// But for the device, whose number may be another one after a restart.
    pub(crate) fn is_after_restart(&self, other: &Identity) -> bool {
        let same = |identity: &Identity| (identity.inode, identity.bytes, identity.modified);
        same(self) == same(other)
    }
}
