//! Files over a link that comes and goes, by the CCSDS File Delivery Protocol
//! (CFDP, CCSDS 727.0-B-5).
//!
//! | room | what stands there |
//! |---|---|
//! | [`agent`] | an entity on a link of `comms-service` |
//! | [`pdu`] | what goes over the link: protocol data units, octet for octet |
//! | [`checksum`] | the checksums of a file |
//! | [`extents`] | which octets of a file are there |
//! | [`name`] | which file names are taken from the link |
//! | [`entity`] | who sends and receives files, and does what others ask for |
//! | [`setup`] | an entity from a table of a configuration |
//! | [`store`] | what stands behind an entity: files and a journal |
//!
//! Only [`agent`] owns a clock and starts a thread, and only [`store::Directory`] and
//! [`store::RedbJournal`] do I/O.
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)
)]

pub mod address;
pub mod agent;
pub mod checksum;
pub mod entity;
pub mod extents;
pub mod name;
pub mod pdu;
#[cfg(feature = "service")]
pub mod service;
#[cfg(target_os = "linux")]
pub mod setup;
pub mod store;

pub use checksum::ChecksumType;
pub use extents::Extents;
pub use name::StoreName;
