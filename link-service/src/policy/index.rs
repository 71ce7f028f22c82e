//! Rules by whom they are about, so that a question looks at those rules only.
//!
//! A party fits at most four patterns: itself, and with `*` for the app, the node or both. So
//! a question finds its rules by at most sixteen look-ups, however many there are.

use std::collections::HashMap;

use super::pattern::{Name, Pattern, Place};
use super::{Party, Rule};
use crate::names::AppId;

/// Where rules are, by their patterns.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The names in the rules, by number.
    names: HashMap<AppId, u32>,
    /// Which rules have exactly these patterns.
    rules: HashMap<Key, Vec<usize>>,
}

/// A pattern of the sender and one of the recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    from: End,
    to: End,
}

/// A pattern, with numbers for names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum End {
    Here(Number),
    Elsewhere(Number, Number),
    Ground,
}

/// The number of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Number {
    Any,
    Is(u32),
    /// No rule has the name.
    Unknown,
}

impl Index {
    /// The key of a rule, all names of which have numbers from now on.
    pub(super) fn key_of(&mut self, rule: &Rule) -> Key {
        let from = self.end_of(rule.from());
        let to = self.end_of(rule.to());
        Key { from, to }
    }

    /// The key of a question.
    pub(super) fn key(&self, from: &Party, to: &Party) -> Key {
        let [from, to] = [from, to].map(|party| self.end(party));
        Key { from, to }
    }

    pub(super) fn insert(&mut self, key: Key, rule: usize) {
        self.rules.entry(key).or_default().push(rule);
    }

    /// The rules with patterns that all of `key` fits.
    pub(super) fn covering(&self, key: Key) -> impl Iterator<Item = usize> {
        let pairs =
            wider(key.from).flat_map(move |from| wider(key.to).map(move |to| Key { from, to }));
        pairs
            .flat_map(|key| self.rules.get(&key))
            .flatten()
            .copied()
    }

    fn end_of(&mut self, pattern: &Pattern) -> End {
        match pattern {
            Pattern::Ground => End::Ground,
            Pattern::Apps { app, place } => match place {
                Place::Here => End::Here(self.number_of(app)),
                Place::Node(node) => End::Elsewhere(self.number_of(app), self.number_of(node)),
            },
        }
    }

    fn number_of(&mut self, name: &Name) -> Number {
        let Name::Is(name) = name else {
            return Number::Any;
        };
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        Number::Is(*self.names.entry(name.clone()).or_insert(next))
    }

    fn end(&self, party: &Party) -> End {
        match party {
            Party::Ground => End::Ground,
            Party::App(app) => End::Here(self.number(app)),
            Party::Remote { app, node } => End::Elsewhere(self.number(app), self.number(node)),
        }
    }

    fn number(&self, name: &AppId) -> Number {
        self.names
            .get(name)
            .map_or(Number::Unknown, |number| Number::Is(*number))
    }
}

/// The end itself, and the wider ones that it fits, each once.
fn wider(end: End) -> impl Iterator<Item = End> {
    let ends = match end {
        End::Ground => [Some(End::Ground), None, None, None],
        End::Here(app) => [
            Some(end),
            is_name(app).then_some(End::Here(Number::Any)),
            None,
            None,
        ],
        End::Elsewhere(app, node) => [
            Some(end),
            is_name(app).then_some(End::Elsewhere(Number::Any, node)),
            is_name(node).then_some(End::Elsewhere(app, Number::Any)),
            (is_name(app) && is_name(node)).then_some(End::Elsewhere(Number::Any, Number::Any)),
        ],
    };
    ends.into_iter().flatten()
}

fn is_name(number: Number) -> bool {
    number != Number::Any
}
