//! A rule, checked.

use std::fmt;

use super::pattern::Pattern;
use super::types::{TypeSet, between_patterns};
use crate::request::{LinkType, Priority};
use crate::settings::{Problem, RuleSettings};

/// The highest priority of a rule that says none: what may fill the room that is kept for
/// critical requests, and goes before all others, is to be said.
const PRIORITY_MAX: Priority = Priority::High;

/// A rule, checked. Its text is what would be written in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    index: usize,
    from: Pattern,
    to: Pattern,
    link_type: Option<LinkType>,
    types: TypeSet,
    allow: bool,
    size_max: Option<u64>,
    priority_max: Option<Priority>,
}

impl Rule {
    /// The rule at `index` of the table.
    pub(super) fn new(index: usize, settings: RuleSettings) -> Result<Rule, Problem> {
        let possible = between_patterns(&settings.from, &settings.to);
        let types = match settings.link_type {
            None => possible,
            Some(link_type) => TypeSet::only(link_type).and(possible),
        };
        if types.is_empty() {
            return Err(Problem::RuleOfNothing {
                index,
                from: settings.from,
                to: settings.to,
                link_type: settings.link_type,
            });
        }
        let limits = [
            ("size-max", settings.size_max.is_some()),
            ("priority-max", settings.priority_max.is_some()),
        ];
        let limit = limits.into_iter().find(|(_, is_set)| *is_set);
        if let Some((key, _)) = limit.filter(|_| !settings.allow) {
            return Err(Problem::LimitOfDenial { index, key });
        }
        Ok(Rule {
            index,
            from: settings.from,
            to: settings.to,
            link_type: settings.link_type,
            types,
            allow: settings.allow,
            size_max: settings.size_max,
            priority_max: settings.priority_max,
        })
    }

    /// Its number in the table, from 1.
    #[must_use]
    pub fn number(&self) -> usize {
        self.index + 1
    }

    /// Whose files it is about.
    #[must_use]
    pub fn from(&self) -> &Pattern {
        &self.from
    }

    /// Whom they are for.
    #[must_use]
    pub fn to(&self) -> &Pattern {
        &self.to
    }

    /// The types that it is about, of those that there can be between the two.
    #[must_use]
    pub fn types(&self) -> TypeSet {
        self.types
    }

    /// Whether it allows, or forbids.
    #[must_use]
    pub fn allows(&self) -> bool {
        self.allow
    }

    /// Octets of the largest file that it allows.
    #[must_use]
    pub fn size_max(&self) -> u64 {
        self.size_max.unwrap_or(u64::MAX)
    }

    /// The highest priority that it allows.
    #[must_use]
    pub fn priority_max(&self) -> Priority {
        self.priority_max.unwrap_or(PRIORITY_MAX)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from = \"{}\", to = \"{}\"", self.from, self.to)?;
        match self.link_type {
            Some(link_type) => write!(f, ", type = \"{link_type}\"")?,
            None => f.write_str(", type = \"*\"")?,
        }
        if let Some(bytes) = self.size_max {
            write!(f, ", size-max = {bytes}")?;
        }
        if let Some(priority) = self.priority_max {
            write!(f, ", priority-max = \"{priority}\"")?;
        }
        match self.allow {
            true => Ok(()),
            false => f.write_str(", allow = false"),
        }
    }
}
