//! Random bits for the sequence counts that a link begins with.

use std::hash::{BuildHasher, RandomState};

/// Drawn anew at each call; never 0. They are no secret.
pub(crate) fn seed() -> u64 {
    let bits = getrandom::u64();
    // The standard library has random bits of its own.
    let bits = bits.unwrap_or_else(|_| RandomState::new().hash_one(0));
    bits.max(1)
}
