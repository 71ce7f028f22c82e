//! CRC-32 and SHA-256 of octets, in one pass.

use std::io::{self, Read};

use crc_fast::CrcAlgorithm::Crc32IsoHdlc;
use sha2::{Digest as _, Sha256};

/// Both sums, and how many octets there were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// CRC-32 (IEEE 802.3), 8 digits in lower case.
    pub crc32: String,
    /// SHA-256, 64 digits in lower case.
    pub sha256: String,
    /// Octets.
    pub bytes: u64,
}

/// Adds up.
#[derive(Clone, Debug)]
pub struct Summing {
    crc32: crc_fast::Digest,
    sha256: Sha256,
    bytes: u64,
}

/// Adds up what is read through it.
#[derive(Debug)]
pub struct Summed<R> {
    from: R,
    summing: Summing,
}

impl Default for Summing {
    fn default() -> Self {
        Summing {
            crc32: crc_fast::Digest::new(Crc32IsoHdlc),
            sha256: Sha256::new(),
            bytes: 0,
        }
    }
}

impl Summing {
    /// Some more.
    pub fn add(&mut self, octets: &[u8]) {
        self.crc32.update(octets);
        self.sha256.update(octets);
        self.bytes = self.bytes.saturating_add(octets.len() as u64);
    }

    /// Octets so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// That was all.
    #[must_use]
    pub fn finish(self) -> Sums {
        Sums {
            crc32: format!("{:08x}", self.crc32.finalize()),
            sha256: hex::encode(self.sha256.finalize()),
            bytes: self.bytes,
        }
    }
}

impl<R> Summed<R> {
    /// Of what is read from there.
    pub fn new(from: R) -> Self {
        Summed {
            from,
            summing: Summing::default(),
        }
    }

    /// Of what was read so far.
    pub fn sums(&self) -> Sums {
        self.summing.clone().finish()
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.summing.add(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
