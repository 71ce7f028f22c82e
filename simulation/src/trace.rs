//! What happened in a run: always as a hash, and as lines to read where somebody
//! wants to.

use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// What happened so far.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    hasher: DefaultHasher,
    /// None: nobody reads them.
    lines: Option<Vec<String>>,
}

impl Trace {
    /// A trace with lines.
    pub(crate) fn with_lines() -> Self {
        Self {
            lines: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// Something of weight happened: the same seed gives the same hash.
    pub(crate) fn hash(&mut self, what: impl Hash) {
        what.hash(&mut self.hasher);
    }

    /// A line, made only if somebody reads it.
    pub(crate) fn line<D: Display>(&mut self, now: Duration, line: impl FnOnce() -> D) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>12.6} s  {}", now.as_secs_f64(), line()));
        }
    }

    pub(crate) fn finish(&self) -> u64 {
        self.hasher.finish()
    }

    pub(crate) fn take_lines(&mut self) -> Vec<String> {
        self.lines.take().unwrap_or_default()
    }
}
