//! What is called in payloads.
//!
//! | room | what it knows |
//! |---|---|
//! | `outbox` | what is to be called in one app, and in which order it leaves |
//! | `flight` | which calls are under way |
//! | `channel` | the connection to one app |
//! | `invoke` | which [`Callback`](payload_interface::Callback) is which call, and what came of it |

mod channel;
mod flight;
mod invoke;
mod outbox;

pub(super) use channel::Dial;
pub(super) use outbox::{Ask, Outbox};
