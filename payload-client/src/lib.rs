//! What a payload application is written with: its channel to the payload controller.
//!
//! A payload implements [`Payload`], as much of it as it has use for, and opens a channel:
//!
//! ```no_run
//! use payload_client::{Channel, Files, OnFailedHealth, Payload, Run, create_channel};
//!
//! struct Camera;
//!
//! impl Payload for Camera {
//!     fn sequence(&self, channel: &Channel, run: &Run) -> Result<(), String> {
//!         let place = channel.current_location().map_err(|error| error.to_string())?;
//!         log::info!("{} over {} {}", run.sequence(), place.latitude, place.longitude);
//!         Ok(())
//!     }
//! }
//!
//! let channel = create_channel(&Files::installed(), Camera)?;
//! channel.register(OnFailedHealth::Restart)?;
//! let _ = channel.wait_for_shutdown(None);
//! channel.delete_channel();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Its calls wait for what comes of them, and no longer than [`Patience`] says. It has a thread
//! of its own for the network; each sequence runs in another one. Whoever calls the payload is
//! to have the controller's certificate.
//!
//! | room | what it knows |
//! |---|---|
//! | [`Setup`], [`Files`] | what `payload-controller provision` made |
//! | [`Channel`] | what a payload asks |
//! | [`Payload`], [`Run`] | what a payload is asked |
//! | [`CallError`] | why something did not come about |

#![warn(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod answers;
mod asks;
mod callbacks;
mod channel;
mod error;
mod payload;
mod run;
mod secret;
mod setup;
mod wire;

pub use channel::{Channel, OnFailedHealth, SDK_VERSION, create_channel, create_insecure_channel};
pub use error::{CallError, ChannelError};
pub use payload::{Payload, RUNS_MAX, Shutdown};
pub use run::Run;
pub use setup::{Files, Patience, Setup, SetupError};

pub use payload_interface as interface;
