//! What is done for windows: payloads are reached, get their configuration and their files, and
//! are called through `payload_exec`, on this machine or by SSH.
//!
//! | room | what it knows |
//! |---|---|
//! | [`Signaller`] | which thread does what |
//! | [`SignalledPayload`] | how a payload is called |
//! | [`exec_arguments`], [`window_config`] | what it is told |
//! | `transport` | this machine, and another by SSH |
//! | `uploads` | what the agent has for an inbox |
//! | `keeper` | a process that calls `payload_exec`, and outlives the controller |
//! | `call` | where the keeper and the controller tell each other |
//! | `running` | a command with bounded output and time |
//! | [`doctor`] | whether a `payload_exec` would do on board |

mod arguments;
mod call;
pub mod doctor;
pub(crate) mod keeper;
mod payload;
mod running;
mod signaller;
mod transport;
mod uploads;

pub use arguments::{exec_arguments, window_config};
pub use payload::{SignalledPayload, Ssh, Transport, UploadSource};
pub use signaller::Signaller;
