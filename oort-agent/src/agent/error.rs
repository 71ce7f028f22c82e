//! Why something is not done.

use crate::item::{OptionsError, TopicError, Uuid};
use crate::store::StoreError;

use super::ended::End;

/// Why not; nothing has become of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The file is not to be had, or the disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The topic is none, or not allowed.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// How it is to be sent says nothing.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// A key is 1 to 128 visible characters.
    #[error("Idempotency-Key is to be 1 to 128 visible characters of ASCII")]
    NoKey,
    /// Another request had the key.
    #[error("the idempotency key {0} is of another request")]
    KeyOfAnother(String),
    /// Another file came with the key.
    #[error("the idempotency key {0} is of a file with other octets")]
    KeyOfOtherOctets(String),
    /// The request with this key is being done.
    #[error("the request with the idempotency key {0} is not done yet: ask again")]
    KeyUnderWay(String),
    /// Nobody knows it, or it was forgotten.
    #[error("there is no item {0}")]
    NoItem(Uuid),
    /// It is too late.
    #[error("the item {0} has ended: {what}", what = .1.as_str())]
    HasEnded(Uuid, End),
    /// A receipt is not of the ground, or not of what was sent.
    #[error("the receipt is not taken: {0}")]
    NoReceipt(&'static str),
    /// Which topics are allowed is fixed, or too many are.
    #[error("topics: {0}")]
    Topics(String),
    /// It cannot be remembered.
    #[error("the journal: {0}")]
    Journal(String),
}

impl AgentError {
    /// For the counters.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        use StoreError as Store;
        match self {
            AgentError::Store(Store::NoRoom | Store::Full(_)) => "no_room",
            AgentError::Store(Store::Changed(_)) => "changed",
            AgentError::Store(Store::HandedOver(_)) => "handed_over",
            AgentError::Store(Store::System { .. } | Store::OtherFileSystem(_))
            | AgentError::Journal(_) => "system",
            AgentError::Store(_) => "no_file",
            AgentError::Topic(_) | AgentError::Topics(_) => "topic",
            AgentError::Options(_) => "options",
            AgentError::NoKey
            | AgentError::KeyOfAnother(_)
            | AgentError::KeyOfOtherOctets(_)
            | AgentError::KeyUnderWay(_) => "key",
            AgentError::NoItem(_) | AgentError::HasEnded(..) => "no_item",
            AgentError::NoReceipt(_) => "no_receipt",
        }
    }
}
