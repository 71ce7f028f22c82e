//! What became of each rule.

use std::fmt;

use super::rule::Rule;

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The driver keeps it.
    Passed,
    /// The driver breaks it.
    Failed(Failure),
    /// It does not concern this driver, for this reason.
    NotApplicable(String),
    /// The kit did not get there, because this rule is broken.
    NotReached(Rule),
}

/// How a rule was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the driver should have done.
    pub expected: String,
    /// What it did.
    pub happened: String,
}

/// What became of each rule, for one driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    outcomes: Vec<(Rule, Outcome)>,
}

impl Report {
    /// Every rule is passed until something else is known.
    pub(super) fn new() -> Self {
        Self {
            outcomes: Rule::ALL.map(|rule| (rule, Outcome::Passed)).to_vec(),
        }
    }

    /// Notes an outcome; a broken rule stays broken.
    pub(super) fn set(&mut self, rule: Rule, outcome: Outcome) {
        let place = self.outcomes.iter_mut().find(|(known, _)| *known == rule);
        if let Some((_, known)) = place {
            if !matches!(known, Outcome::Failed(_)) {
                *known = outcome;
            }
        }
    }

    /// Every rule with what became of it.
    pub fn outcomes(&self) -> impl Iterator<Item = (Rule, &Outcome)> {
        self.outcomes.iter().map(|(rule, outcome)| (*rule, outcome))
    }

    /// What became of `rule`.
    pub fn outcome(&self, rule: Rule) -> Option<&Outcome> {
        self.outcomes()
            .find_map(|(known, outcome)| (known == rule).then_some(outcome))
    }

    /// The rules that the driver breaks.
    pub fn failed(&self) -> Vec<Rule> {
        self.outcomes()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
            .map(|(rule, _)| rule)
            .collect()
    }

    /// # Panics
    /// With the whole report, if the driver breaks a rule.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failed().is_empty(), "{self}");
    }
}

/// A line for each rule, and under a broken one what to do.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failed().len();
        match failed {
            0 => writeln!(f, "the driver keeps every rule that concerns it:")?,
            _ => writeln!(
                f,
                "the driver breaks {failed} of {} rules:",
                Rule::ALL.len()
            )?,
        }
        for (rule, outcome) in self.outcomes() {
            match outcome {
                Outcome::Passed => writeln!(f, "  {rule:26} passed")?,
                Outcome::NotApplicable(why) => writeln!(f, "  {rule:26} not applicable: {why}")?,
                Outcome::NotReached(broken) => {
                    writeln!(f, "  {rule:26} not reached: mend {broken} first")?;
                }
                Outcome::Failed(Failure { expected, happened }) => {
                    writeln!(f, "  {rule:26} FAILED")?;
                    writeln!(f, "      expected: {expected}")?;
                    writeln!(f, "      happened: {happened}")?;
                    writeln!(f, "      what to do: {}", rule.advice())?;
                }
            }
        }
        Ok(())
    }
}
