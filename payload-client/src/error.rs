//! Why something did not come about.

use std::net::SocketAddr;

use payload_interface::{Invalid, ReturnCode};

use crate::setup::SetupError;

/// Why there is no channel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The files of the payload.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A secure channel is wanted, and the payload was provisioned for plain text, or the other
    /// way round.
    #[error("the payload was provisioned with SSL_FLAG={flag}: call {call} for that")]
    OtherSecurity {
        /// As it stands in `sdk_env.conf`.
        flag: u8,
        /// What is to be called instead.
        call: &'static str,
    },
    /// Its port.
    #[error("cannot listen on {address}: {error}; another process of the payload may still run")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// Its certificate or its key.
    #[error("{0}: `payload-controller provision --renew` makes another certificate")]
    Identity(#[from] rustls::Error),
    /// The system.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

/// Why a call did not do what it was to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// A field holds what does not fit. Nothing was sent.
    #[error("{rpc}: {invalid}")]
    Invalid {
        /// The rpc.
        rpc: &'static str,
        /// What is wrong.
        invalid: Invalid,
    },
    /// There is no controller, or it is another one. Nothing was sent.
    #[error("{rpc}: there is no controller: {why}")]
    Unreachable {
        /// The rpc.
        rpc: &'static str,
        /// Why.
        why: String,
    },
    /// The controller did not take it.
    #[error("{rpc}: the controller says {code}: {reason}")]
    Refused {
        /// The rpc.
        rpc: &'static str,
        /// As the interface has it.
        code: ReturnCode,
        /// For people; empty where the controller gives none.
        reason: String,
    },
    /// The controller has no such call.
    #[error("{rpc}: the controller does not know that call")]
    Unimplemented {
        /// The rpc.
        rpc: &'static str,
    },
    /// Nobody knows whether it was done.
    #[error("{rpc}: whether it was done is unknown: {why}")]
    Unknown {
        /// The rpc.
        rpc: &'static str,
        /// Why.
        why: String,
    },
    /// It was taken, and nothing more was heard of it in time.
    #[error("{rpc}: it was taken, and what came of it was not told in time")]
    NoResult {
        /// The rpc.
        rpc: &'static str,
    },
    /// It was taken, and failed.
    #[error("{rpc}: it was taken, and failed with status {status}")]
    Failed {
        /// The rpc.
        rpc: &'static str,
        /// A number of `ReqStatus`.
        status: i32,
    },
    /// The channel is closed.
    #[error("{rpc}: the channel is closed")]
    Closed {
        /// The rpc.
        rpc: &'static str,
    },
}
