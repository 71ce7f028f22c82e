//! gRPC: the messages of the original, by their names and numbers, in a service of ours.
//!
//! | room | what it knows |
//! |---|---|
//! | [`messages`] | what goes over the wire |
//! | `request` | what is asked |
//! | `answer` | what is told |
//! | `status` | why a call fails that has no answer of its own |
//! | `calls` | which call does what |
//! | `follow`, `receive` | calls with many answers |
//! | `server`, `connection` | the port, and who is at it |
//! | [`limits`] | how much of everything there is |

mod answer;
mod calls;
mod connection;
mod follow;
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub)]
mod generated;
pub mod limits;
mod receive;
mod request;
mod server;
mod status;

/// What goes over the wire, as `link-service/proto` has it.
pub mod messages {
    pub use super::generated::heliograph::link::v1::*;
    pub use super::generated::microsoft::azure::space_fx::message_formats::common::*;
    pub use super::generated::microsoft::azure::space_fx::message_formats::host_services::link::*;
}

pub use calls::Calls;
pub use limits::Limits;
pub use server::{GrpcServer, StartError};
