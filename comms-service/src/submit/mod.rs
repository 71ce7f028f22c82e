//! Acknowledged submit: a message to the ground, and word of what became of it.
//!
//! A service offers it where `submit` is configured
//! ([`SubmitOptions`](crate::options::SubmitOptions)). The book's "For mission apps"
//! has the octets of it. [`SubmitClient`] is for apps in Rust:
//!
//! ```no_run
//! use comms_service::submit::{Outgoing, State, SubmitClient};
//!
//! # fn main() -> std::io::Result<()> {
//! let mut client = SubmitClient::connect_unix("/run/heliograph/submit.sock")?;
//! let receipt = client.send(&Outgoing::new(13_011, b"battery 7.4 V"))?;
//! match receipt.state {
//!     State::Sent => println!("the radio has it"),
//!     State::Refused { try_again: true, .. } => println!("later, then"),
//!     other => println!("it came to nothing: {other:?}"),
//! }
//! # Ok(())
//! # }
//! ```

mod client;
pub(crate) mod wire;

pub use client::{Outgoing, State, SubmitClient, SubmitReceipt};
