//! The agent to which a payload hands files, and finds them in its bucket on the ground,
//! without knowing anything of passes, loss or queues. Its interface is the one that clients
//! of Spire's OORT agent speak.
//!
//! | room | what it knows |
//! |---|---|
//! | [`item`] | what is queued: identifiers, topics, what is said of a file |
//! | [`queue`] | what goes next |

#![warn(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

pub mod item;
pub mod queue;
