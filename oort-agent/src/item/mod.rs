//! What is queued: identifiers, topics, and what is said of a file.

mod meta;
mod options;
mod topic;
mod uuid;

pub use meta::{FileInfo, META_VERSION, TransferMeta};
pub use options::{DeliveryHints, OptionsError, SendOptions, TTL_SECONDS_MAX, TtlParams};
pub use topic::{Topic, TopicError};
pub use uuid::{Uuid, UuidError};
