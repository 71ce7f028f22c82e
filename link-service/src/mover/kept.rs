//! What a run that was stopped had copied and hashed, so that the next one need not read it
//! again: else a large file that is stopped often would never arrive.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::folders::Facts;

/// Most files of which that is kept, about 2 KiB each; others are read again.
const KEPT_FILES_MAX: usize = 64;

/// Octets that were copied, from the start on.
pub(super) struct Copied {
    pub(super) hasher: blake3::Hasher,
    pub(super) bytes: u64,
}

impl Copied {
    pub(super) fn nothing() -> Self {
        Copied {
            hasher: blake3::Hasher::new(),
            bytes: 0,
        }
    }
}

/// A file whose copying was stopped.
struct Stopped {
    source: Facts,
    staged: Facts,
    copied: Copied,
}

/// What is kept of files whose copying was stopped: by the inodes of source and staging.
#[derive(Default)]
pub(super) struct Kept(Mutex<BTreeMap<(u64, u64), Stopped>>);

impl Kept {
    /// Keeps what was copied of a source to a staging.
    pub(super) fn keep(&self, source: Facts, staged: Facts, copied: Copied) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_FILES_MAX {
            kept.pop_first();
        }
        let of = (source.number, staged.number);
        let stopped = Stopped {
            source,
            staged,
            copied,
        };
        kept.insert(of, stopped);
    }

    /// What was copied, if both are as they were.
    pub(super) fn take(&self, source: &Facts, staged: &Facts) -> Option<Copied> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stopped = kept.remove(&(source.number, staged.number))?;
        let is_same = (stopped.source, stopped.staged) == (*source, *staged);
        is_same.then_some(stopped.copied)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_tuple("Kept").field(&kept.len()).finish()
    }
}
