//! Topics: the topic says in which bucket a file arrives.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most characters of a topic.
const TOPIC_CHARACTERS_MAX: usize = 128;

/// The name of a topic: of `-`, `_`, `A` to `Z`, `a` to `z` and `0` to `9`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(Box<str>);

/// Something is no topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Topic {0} is not allowed")]
pub struct TopicError(pub String);

impl Topic {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
        let is_one = (1..=TOPIC_CHARACTERS_MAX).contains(&text.len()) && text.bytes().all(fits);
        match is_one {
            true => Ok(Topic(text.into())),
            false => Err(TopicError(
                text.chars().take(TOPIC_CHARACTERS_MAX).collect(),
            )),
        }
    }
}

impl TryFrom<String> for Topic {
    type Error = TopicError;

    fn try_from(text: String) -> Result<Self, TopicError> {
        text.parse()
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> String {
        topic.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_letters_digits_hyphens_and_underscores() {
        assert!("t-1_A".parse::<Topic>().is_ok());
        for bad in ["", "a/b", "..", "a b", "ä", "a\0", &"a".repeat(129)] {
            assert!(bad.parse::<Topic>().is_err(), "{bad}");
        }
    }
}
