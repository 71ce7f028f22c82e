//! The agent to which a payload hands files, and finds them in its bucket on the ground,
//! without knowing anything of passes, loss or queues. Its interface is the one that clients
//! of Spire's OORT agent speak.
//!
//! | room | what it knows |
//! |---|---|
//! | [`item`] | what is queued: identifiers, topics, what is said of a file |
//! | [`queue`] | what goes next |
//! | [`work_directory`] | what is where |
//! | [`store`] | how a file comes to the disk without being lost, and how it goes |
//! | [`agent`] | the store and the queue, as one |
//! | [`api`] | what clients and the collector ask |
//! | [`telemetry`] | what the spacecraft says of itself |
//! | [`pump`] | what is next goes to the link service |
//! | [`limits`] | every limit |

#![warn(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

pub mod agent;
pub mod api;
mod arguments;
pub mod clock;
pub mod item;
mod journal;
pub mod limits;
pub mod pump;
pub mod queue;
mod run;
pub mod store;
mod syslog;
pub mod telemetry;
pub mod work_directory;

pub use run::run;
