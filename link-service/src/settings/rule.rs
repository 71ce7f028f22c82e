//! `[[link-service.policy]]`: a rule as it is written.

use serde::Deserialize;

use super::SERVICE;
use crate::policy::Pattern;
use crate::request::{LinkType, Priority};

/// A rule, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RuleSettings {
    /// Who sends.
    pub from: Pattern,
    /// Who is to have it.
    pub to: Pattern,
    /// Which way it goes; any way without one, or with `*`.
    #[serde(rename = "type", default, deserialize_with = "link_type")]
    pub link_type: Option<LinkType>,
    /// Octets of the largest file that it allows; any without it.
    pub size_max: Option<u64>,
    /// The highest priority that it allows; "high" without it.
    pub priority_max: Option<Priority>,
    /// Whether it allows, or forbids.
    #[serde(default = "allow")]
    pub allow: bool,
}

fn allow() -> bool {
    true
}

fn link_type<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<LinkType>, D::Error> {
    let word = String::deserialize(value)?;
    if word == "*" {
        return Ok(None);
    }
    LinkType::deserialize(serde::de::value::StringDeserializer::new(word)).map(Some)
}

/// Where a rule stands in the file.
pub(crate) fn place(index: usize) -> String {
    format!("[[{SERVICE}.policy]] number {}", index + 1)
}
