//! What was looked at, and whether it is as it must be.

use std::fmt;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What.
    pub what: String,
    /// How it is, and how it must be.
    pub why: String,
    /// Whether it is as it must be.
    pub passes: bool,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passes { "PASS" } else { "FAIL" };
        write!(f, "{verdict}  {:<34} {}", self.what, self.why)
    }
}

/// A line whose verdict is `passes`.
pub fn line(what: impl Into<String>, passes: bool, why: impl Into<String>) -> Line {
    Line {
        what: what.into(),
        why: why.into(),
        passes,
    }
}

/// A line for something that may grow by so much from start to end.
pub fn flat(what: &str, start: u64, end: u64, highest: u64, growth_max: u64) -> Line {
    let growth = end.saturating_sub(start);
    line(
        what,
        growth <= growth_max,
        format!(
            "{start} at the start, {end} at the end, {highest} at most; may grow by {growth_max}"
        ),
    )
}
