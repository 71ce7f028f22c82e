//! Who may send what to whom. What no rule allows is denied.
//!
//! The rules are read from the first to the last, and the first that is about sender,
//! recipient and type decides; size and priority do not choose a rule, they are limits of
//! what the one that decides allows. A table with a rule that can never decide is refused.

mod decision;
mod index;
mod pattern;
mod rule;
mod types;

pub use decision::{DecidedBy, Decision};
pub use pattern::{Name, Pattern, Place};
pub use rule::Rule;
pub use types::TypeSet;
pub(crate) use types::between;

use crate::registry::Registry;
use crate::request::{LinkType, Priority, Recipient};
use crate::settings::{Problem, RuleSettings, nearest};
use index::Index;

/// An end of a transfer: who sends is written as who receives.
pub type Party = Recipient;

/// May this one send such a file to that one?
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who sends.
    pub from: &'a Party,
    /// Who is to have it. A request with several recipients is several questions.
    pub to: &'a Party,
    /// Which way it goes.
    pub link_type: LinkType,
    /// Octets of the file.
    pub size: u64,
    /// Its priority.
    pub priority: Priority,
}

/// The rules, checked, and found by whom they are about: how many there are of others does not
/// matter to a question.
#[derive(Debug, Default)]
pub struct Policy {
    rules: Vec<Rule>,
    index: Index,
}

impl Policy {
    /// The rules, in the order in which they are read.
    ///
    /// # Errors
    /// Which rule is about nobody who is registered, about nothing that there can be, or
    /// never decides.
    pub fn new(rules: Vec<RuleSettings>, registry: &Registry) -> Result<Policy, Problem> {
        let mut policy = Policy::default();
        for (index, settings) in rules.into_iter().enumerate() {
            policy.push(index, settings, registry)?;
        }
        Ok(policy)
    }

    fn push(
        &mut self,
        index: usize,
        settings: RuleSettings,
        registry: &Registry,
    ) -> Result<(), Problem> {
        for pattern in [&settings.from, &settings.to] {
            is_somebody(index, pattern, registry)?;
        }
        let rule = Rule::new(index, settings)?;
        let key = self.index.key_of(&rule);
        let mut before = TypeSet::default();
        let mut first: Option<&Rule> = None;
        for earlier in self.covering(key) {
            if earlier.types().overlaps(rule.types()) {
                first = match first {
                    Some(first) if first.number() < earlier.number() => Some(first),
                    _ => Some(earlier),
                };
                before = before.with(earlier.types());
            }
        }
        if let Some(by) = first.filter(|_| before.has_all(rule.types())) {
            let by = Box::new(by.clone());
            return Err(Problem::RuleUnreachable { index, by });
        }
        self.index.insert(key, self.rules.len());
        self.rules.push(rule);
        Ok(())
    }

    /// The rules, in their order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether it may be sent, and which rule says so.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Decision<'_> {
        let asked = between(question.from, question.to);
        if !asked.has(question.link_type) {
            return Decision::unfit(question);
        }
        let key = self.index.key(question.from, question.to);
        let about = self.covering(key);
        let about = about.filter(|rule| rule.types().has(question.link_type));
        match about.min_by_key(|rule| rule.number()) {
            Some(rule) => Decision::of(rule, question),
            None => Decision::by_default(question),
        }
    }

    /// The rules that are about all of `key`, whatever the type.
    fn covering(&self, key: index::Key) -> impl Iterator<Item = &Rule> {
        let places = self.index.covering(key);
        places.filter_map(|place| self.rules.get(place))
    }
}

fn is_somebody(index: usize, pattern: &Pattern, registry: &Registry) -> Result<(), Problem> {
    let Some(app) = pattern.app_here() else {
        return Ok(());
    };
    if registry.is_registered(app) {
        return Ok(());
    }
    let known = registry.apps().map(|known| known.id.as_str());
    let known = known.chain(["ground"]);
    Err(Problem::RuleOfNobody {
        index,
        app: app.clone(),
        nearest: nearest(app.as_str(), known),
    })
}
