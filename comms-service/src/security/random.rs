//! Random octets without a system call: drawn from a seed that the shell gives.

use hmac::Mac as _;
use zeroize::Zeroizing;

use super::cipher::hmac;

/// Octets of a seed.
pub const SEED_BYTES: usize = 32;

/// HMAC-SHA-256 of a counter under the seed.
pub(super) struct Random {
    seed: Zeroizing<[u8; SEED_BYTES]>,
    drawn: u64,
}

impl Random {
    pub(super) fn new(seed: [u8; SEED_BYTES]) -> Self {
        Random {
            seed: Zeroizing::new(seed),
            drawn: 0,
        }
    }

    pub(super) fn draw(&mut self) -> [u8; 16] {
        self.drawn += 1;
        let counter = self.drawn.to_be_bytes();
        let mac = hmac(&*self.seed, &[b"heliograph random 1", &counter]);
        let octets = mac.map(|mac| mac.finalize().into_bytes());
        let octets = octets.as_deref().and_then(|octets| octets.first_chunk());
        octets.copied().unwrap_or_default()
    }
}
