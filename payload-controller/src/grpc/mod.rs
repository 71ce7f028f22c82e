//! What payloads call, and what is called in them: gRPC, its encryption, and who is who.
//!
//! The decisions are those of a [`Front`], which is told of every call that is authenticated
//! and valid, and of every [`GrpcEvent`]; what it wants called, it asks of [`Payloads`].
//!
//! | room | what it knows |
//! |---|---|
//! | `front` | the seam to what decides |
//! | `service` | the thread, its ports, its end |
//! | `settings` | what is configured |
//! | `server` | what payloads call |
//! | `callbacks` | what is called in payloads |
//! | `access` | which app calls, and whether it is the one that it says |
//! | `tls` | encryption, with certificates that are known |
//! | [`limits`] | how much of everything there is |

mod access;
mod callbacks;
mod front;
pub mod limits;
mod refusals;
mod server;
mod service;
mod settings;
mod tls;

pub use access::{App, COOKIE_BYTES, Cookie, NoCookie, SESSION, Security, SessionError, Sessions};
pub use front::{
    Answered, Front, GrpcEvent, NoPayloads, Payloads, Peer, Refusal, Reply, RequestId,
};
pub use limits::Limits;
pub use service::{Config, Grpc, StartError};
pub use settings::{Connection, Settings, SettingsError};
pub use tls::{Identity, IdentityError, certificate};
