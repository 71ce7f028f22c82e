//! A bundle: a file and what is known of it as one, on its way between the agent of a payload
//! and the ground. It is a tar archive (POSIX ustar) of two regular files, in this order,
//! compressed (gzip, RFC 1952) or not:
//!
//! | name | what it is |
//! |---|---|
//! | `meta.json` | what is known: JSON, at most [`META_BYTES_MAX`] octets |
//! | `data` | the octets of the file |
//!
//! What stands in `meta.json` is for whoever makes and takes it. No name in an archive is used
//! for anything but to tell the two apart.

#![warn(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod read;
mod sums;
mod write;

pub use read::{BundleError, read};
pub use sums::{Summed, Summing, Sums};
pub use write::{compression_helps, write};

/// How a bundle is called, behind its identifier.
pub const SUFFIX: &str = ".oort.tar";
/// The same, compressed.
pub const SUFFIX_GZIP: &str = ".oort.tar.gz";
/// Octets of `meta.json` at most.
pub const META_BYTES_MAX: u64 = 64 << 10;

const META: &str = "meta.json";
const DATA: &str = "data";
const BUFFER_BYTES: usize = 64 << 10;
