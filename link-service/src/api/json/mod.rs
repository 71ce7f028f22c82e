//! HTTP with JSON: the names and shapes of the original's messages, as proto3 has them in
//! JSON, and ours besides.
//!
//! | room | what it knows |
//! |---|---|
//! | [`body`] | what is asked |
//! | [`answer`] | what is told |
//! | [`refusal`] | the same where it is no |
//! | `routes` | which path does what |
//! | `inbox` | what has arrived |

pub mod answer;
pub mod body;
mod inbox;
mod object;
mod query;
pub mod refusal;
mod routes;
mod sender;
mod time;
mod whole;

pub use routes::Api;
pub(super) use sender::Asks;
pub use sender::Way;
