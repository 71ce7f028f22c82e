//! The spacecraft's side of hosted payloads. Its interface is the one that payload
//! applications of the Antaris SDK speak.
//!
//! | room | what it knows |
//! |---|---|
//! | [`core`] | what is decided: no socket, no clock, no thread |
//! | [`journal`] | what is known over restarts |
//! | [`settings`] | what is configured |
//! | [`shell`] | the thread that owns the core |
//! | [`grpc`] | what payloads call, and what is called in them |
//! | [`provision`] | certificates, cookies and the files of an app |
//! | [`files`] | a file of an app comes to the link service |
//! | [`process`] | an app's process |
//! | [`signalling`] | what is done for windows: files, clocks, calls of `payload_exec` |
//! | [`board`] | what decisions become, and what is remembered |
//! | `operator` | GraphQL and the metrics page |
//! | `simulate` | the controller by itself, for who writes a payload |

#![warn(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod arguments;
pub mod board;
pub mod core;
pub mod files;
pub mod grpc;
pub mod journal;
mod operator;
pub mod process;
pub mod provision;
mod run;
pub mod settings;
pub mod shell;
pub mod signalling;
mod simulate;

pub use run::{Service, run};
