//! What payloads call.
//!
//! | room | what it knows |
//! |---|---|
//! | `listener` | a port, and what connects to it |
//! | `places` | which connections there are, and which gives way |
//! | `connection` | one connection, and each call on it: whose is it? |
//! | `calls` | which call is which [`Request`](payload_interface::Request) |
//! | `answered` | when an answer has left |
//! | `refusal` | what is said to those that are nobody |

mod answered;
mod calls;
mod connection;
mod listener;
mod places;
mod refusal;

pub(super) use calls::Calls;
pub(super) use connection::Served;
pub(super) use listener::{Listener, Stopped, listen};
