//! What was decided, and by what.

use std::fmt;

use super::{Party, Question, Rule};
use crate::code::Code;
use crate::names::AppId;
use crate::request::{LinkType, Priority};

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// What the sender is told, if it is denied.
    pub refusal: Option<Code>,
    /// What decided.
    pub by: DecidedBy<'a>,
}

/// What decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecidedBy<'a> {
    /// A rule allows, or forbids.
    Rule(&'a Rule),
    /// A rule allows less.
    RuleSize {
        /// Which.
        rule: &'a Rule,
        /// Octets that were asked for.
        size: u64,
    },
    /// A rule allows no such priority.
    RulePriority {
        /// Which.
        rule: &'a Rule,
        /// What was asked for.
        priority: Priority,
    },
    /// No rule is about it.
    Default {
        /// Who would send.
        from: Party,
        /// To whom.
        to: Party,
        /// Which way.
        link_type: LinkType,
    },
    /// It cannot go that way between those two.
    TypeUnfit {
        /// Who would send.
        from: Party,
        /// To whom.
        to: Party,
        /// Which way.
        link_type: LinkType,
    },
    /// Nobody of the sender's name is registered.
    SenderUnknown {
        /// Its name.
        app: AppId,
    },
    /// Nobody of the recipient's name is registered.
    RecipientUnknown {
        /// Its name.
        app: AppId,
    },
}

impl<'a> Decision<'a> {
    /// Whether it may be sent.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.refusal.is_none()
    }

    /// The rule that decided, if it was one.
    #[must_use]
    pub fn rule(&self) -> Option<&'a Rule> {
        match self.by {
            DecidedBy::Rule(rule)
            | DecidedBy::RuleSize { rule, .. }
            | DecidedBy::RulePriority { rule, .. } => Some(rule),
            _ => None,
        }
    }

    /// What a rule says to a question that it is about.
    pub(super) fn of(rule: &'a Rule, question: &Question<'_>) -> Decision<'a> {
        let Question { size, priority, .. } = *question;
        let (refusal, by) = if !rule.allows() {
            (Some(Code::Forbidden), DecidedBy::Rule(rule))
        } else if priority > rule.priority_max() {
            let by = DecidedBy::RulePriority { rule, priority };
            (Some(Code::Forbidden), by)
        } else if size > rule.size_max() {
            (Some(Code::TooLarge), DecidedBy::RuleSize { rule, size })
        } else {
            (None, DecidedBy::Rule(rule))
        };
        Decision { refusal, by }
    }

    pub(super) fn by_default(question: &Question<'_>) -> Decision<'a> {
        let by = DecidedBy::Default {
            from: question.from.clone(),
            to: question.to.clone(),
            link_type: question.link_type,
        };
        Decision::denied(Code::Forbidden, by)
    }

    pub(super) fn unfit(question: &Question<'_>) -> Decision<'a> {
        let by = DecidedBy::TypeUnfit {
            from: question.from.clone(),
            to: question.to.clone(),
            link_type: question.link_type,
        };
        Decision::denied(Code::InvalidArgument, by)
    }

    pub(crate) fn denied(code: Code, by: DecidedBy<'a>) -> Decision<'a> {
        let refusal = Some(code);
        Decision { refusal, by }
    }
}

impl fmt::Display for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.refusal {
            None => "allowed",
            Some(_) => "denied",
        })?;
        match &self.by {
            DecidedBy::Rule(rule) => write!(f, " by rule {}: {rule}", rule.number()),
            DecidedBy::RuleSize { rule, size } => write!(
                f,
                " by rule {}, as {size} octets are more than it allows: {rule}",
                rule.number()
            ),
            DecidedBy::RulePriority { rule, priority } => write!(
                f,
                " by rule {}, as priority {priority} is above {}, its highest: {rule}",
                rule.number(),
                rule.priority_max()
            ),
            DecidedBy::Default {
                from,
                to,
                link_type,
            } => write!(f, ": no rule is about {link_type} from {from} to {to}"),
            DecidedBy::TypeUnfit {
                from,
                to,
                link_type,
            } => write!(f, ": nothing goes from {from} to {to} as {link_type}"),
            DecidedBy::SenderUnknown { app } => write!(f, ": there is no app `{app}` to send it"),
            DecidedBy::RecipientUnknown { app } => {
                write!(f, ": there is no app `{app}` to receive it")
            }
        }
    }
}
