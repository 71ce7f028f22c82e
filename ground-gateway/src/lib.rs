//! The ground end of the link: the command `ground`, and the same as a library.
//!
//! ```no_run
//! use ground_gateway::{GroundConfig, LinkClient, Patience, RuntimeDir, Stop};
//!
//! # fn main() -> Result<(), ground_gateway::GroundError> {
//! let config = GroundConfig::find(None)?;
//! let runtime = RuntimeDir::from_environment()?;
//! let client = LinkClient::new(config.link(None)?.clone(), &runtime, Stop::never());
//! let answer = client.query(8020, br#"{"query":"{ ping }"}"#, Patience::default())?;
//! println!("{}", String::from_utf8_lossy(&answer));
//! # Ok(())
//! # }
//! ```
//!
//! A radio has one owner, but an operator has many terminals. So the first
//! command that needs a link becomes its *hub*: it opens the radio and listens
//! on a Unix socket; every command, the hub's own too, is a client of that
//! socket. When the hub's own command is done, it stays until what others sent
//! through it is answered, and leaves; who still needs the link takes over.
//!
//! | room | what stands there |
//! |---|---|
//! | [`run`] | the command line |
//! | [`GroundConfig`] | `[[link]]` of the configuration file |
//! | [`LinkClient`] | one link as a command sees it: query, send, listen |
//! | `replay` | a capture through the code of a live link |
//! | `doctor` | why nothing gets through |
//! | [`archive`] | every frame that was heard, and how it is found again |
//! | [`contacts`] | when there is contact, what the queues need, and who on board is told |
//! | `files` | what was asked for of files, and how it stands |
//! | `delivery` | what came down from the agent, to a directory or a bucket |
//! | `tasking` | windows and uploads: the API, and the way up |
//! | `hub` | the process that holds the radio, and what it speaks with its clients |
//! | `client`, `commands`, `progress` | what a command asks of the hub, and what it shows meanwhile |
//! | `database` | the SQLite files of `archive` and `tasking` |
//! | [`RuntimeDir`] | where lock and socket of a link stand |
//!
//! Linux only, as the store of files is. What comes down between two holders of a link is lost, as it is
//! when nobody holds it.
#![warn(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

pub mod archive;
mod arguments;
mod client;
mod commands;
mod config;
pub mod contacts;
mod database;
mod delivery;
mod direction;
mod doctor;
mod error;
mod files;
mod hub;
mod ip;
mod output;
mod patience;
mod progress;
mod replay;
mod run;
mod runtime;
mod stop;
mod tasking;

pub use client::{LinkClient, ListenEvent, Listener};
pub use config::{GroundConfig, GroundLinkConfig, LINK_NAME_BYTES_MAX, LINKS_MAX};
pub use delivery::{DeliverySettings, PlaceSettings};
pub use error::GroundError;
pub use hub::Heard;
pub use patience::{Patience, RETRIES_MAX, TIMEOUT_DEFAULT, TIMEOUT_MAX, TRANSMIT_WAIT_MAX};
pub use run::run;
pub use runtime::{RUNTIME_DIR_VARIABLE, RuntimeDir};
pub use stop::{Stop, StopHandle};
