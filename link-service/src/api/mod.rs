//! The ways in for programs: each says who asks, and hands what is asked to the desk.

pub mod grpc;
pub mod json;
mod pool;
mod tokens;
mod waiting;

pub use pool::{Busy, Pool};
pub use tokens::{LiveTokens, TokenError, Tokens};
