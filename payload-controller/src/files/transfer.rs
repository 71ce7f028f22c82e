//! A file is copied bit by bit, so that a large one keeps no other waiting.

use std::fs::File;
use std::io::{self, Read as _};

use super::confined::{Confined, NotConfined};

/// Octets of one step.
pub(super) const STEP_BYTES: u64 = 8 << 20;

/// A file on its way into another one.
#[derive(Debug)]
pub(super) struct Transfer {
    source: Confined,
    target: File,
    left: u64,
}

/// Why it does not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum TransferError {
    /// It is not what it was when it was opened.
    #[error("it changes while it is read")]
    Changed,
    /// It cannot be read any more.
    #[error(transparent)]
    Source(#[from] NotConfined),
    /// It cannot be read or written.
    #[error("{0}")]
    Failed(#[from] io::Error),
}

impl Transfer {
    /// Of the whole of `source`, as long as it is now, into `target`, which is empty.
    pub(super) fn new(source: Confined, target: File) -> Self {
        let left = source.bytes();
        Transfer {
            source,
            target,
            left,
        }
    }

    /// Octets that are not copied yet.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Copies a part, which is then on the disk. True once all of it is, and is what the source
    /// still is.
    ///
    /// # Errors
    /// [`TransferError`].
    pub(super) fn step(&mut self) -> Result<bool, TransferError> {
        let step = STEP_BYTES.min(self.left);
        let copied = io::copy(&mut self.source.file().take(step), &mut self.target)?;
        if copied < step {
            return Err(TransferError::Changed);
        }
        self.left -= copied;
        // Not all at the end: that would take as long as the whole.
        self.target.sync_data()?;
        if self.left > 0 {
            return Ok(false);
        }
        self.target.sync_all()?;
        match self.source.is_unchanged()? {
            true => Ok(true),
            false => Err(TransferError::Changed),
        }
    }
}
