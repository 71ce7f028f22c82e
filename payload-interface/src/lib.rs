//! The Antaris payload interface, without sockets: what goes over the wire, and what fits.
//!
//! | room | what it knows |
//! |---|---|
//! | [`messages`], [`extension`] | what goes over the wire, as `payload-interface/proto` has it |
//! | [`Request`] | a call of a payload to the controller |
//! | [`Callback`] | a call of the controller to a payload |
//! | [`Answer`], [`ReturnCode`], [`ReqStatus`], [`CallOutcome`] | what comes of a call |
//! | [`Profile`], [`Invalid`] | what is made of a payload's fields, and what is refused |
//! | [`limits`] | how much of everything fits |
//! | [`AppName`], [`AppNumber`] | who an app is |

#![warn(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod answer;
mod app;
mod callback;
mod calls;
mod code;
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub)]
mod generated;
mod invalid;
pub mod limits;
mod profile;
mod request;
mod rule;

/// The original's messages and services.
pub mod messages {
    pub use crate::generated::antaris_api_peer_to_peer::*;
}

/// What the original lacks.
pub mod extension {
    pub use crate::generated::heliograph::payload::v1::*;
}

pub use answer::{Answer, CallId, CallOutcome};
pub use app::{APP_NAME_BYTES_MAX, AppName, AppNameError, AppNumber};
pub use callback::Callback;
pub use code::{ReqStatus, ReturnCode};
pub use invalid::{Invalid, Problem};
pub use profile::Profile;
pub use request::Request;
