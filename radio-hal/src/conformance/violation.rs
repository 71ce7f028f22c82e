//! A rule seen to be broken.

use super::report::Failure;
use super::rule::Rule;

/// A rule seen to be broken; `rule` is `None` for the one that is being checked.
#[derive(Debug)]
pub(super) struct Violation {
    pub(super) rule: Option<Rule>,
    pub(super) failure: Failure,
}

impl Violation {
    /// The rule that is being checked is broken.
    pub(super) fn here(expected: impl Into<String>, happened: impl Into<String>) -> Self {
        Self {
            rule: None,
            failure: Failure {
                expected: expected.into(),
                happened: happened.into(),
            },
        }
    }

    pub(super) fn of(self, rule: Rule) -> Self {
        Self {
            rule: Some(rule),
            ..self
        }
    }
}
