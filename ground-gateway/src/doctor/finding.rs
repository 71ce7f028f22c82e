//! What was found out, for people.

use std::fmt;

/// One thing that keeps frames from getting through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Of how many frames it says why they do not get through.
    pub(crate) explains: usize,
    /// What was seen.
    pub(super) evidence: String,
    /// The keys to change, where that helps.
    pub(super) change: Option<String>,
}

impl Finding {
    /// Nothing in the configuration would help.
    pub(super) fn new(explains: usize, evidence: impl Into<String>) -> Self {
        Finding {
            explains,
            evidence: evidence.into(),
            change: None,
        }
    }

    /// `change` in the configuration would help.
    pub(super) fn with_change(self, change: impl Into<String>) -> Self {
        Finding {
            change: Some(change.into()),
            ..self
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.evidence)?;
        match &self.change {
            Some(change) => write!(f, " → {change}"),
            None => Ok(()),
        }
    }
}

/// `12 of 12 frames`, `1 of 3 frames`.
pub(super) fn of_all(count: usize, all: usize, thing: &str) -> String {
    let plural = if all == 1 { "" } else { "s" };
    format!("{count} of {all} {thing}{plural}")
}
