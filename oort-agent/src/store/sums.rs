//! CRC-32 and SHA-256 of octets, in one pass.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write};

use crc_fast::CrcAlgorithm::Crc32IsoHdlc;
use sha2::{Digest as _, Sha256};

use crate::limits::CHUNK_BYTES;

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
pub(crate) struct Summing {
    crc32: crc_fast::Digest,
    sha256: Sha256,
    bytes: u64,
}

impl Summing {
    pub(crate) fn new() -> Self {
        Summing {
            crc32: crc_fast::Digest::new(Crc32IsoHdlc),
            sha256: Sha256::new(),
            bytes: 0,
        }
    }

    pub(crate) fn add(&mut self, octets: &[u8]) {
        self.crc32.update(octets);
        self.sha256.update(octets);
        self.bytes = self.bytes.saturating_add(octets.len() as u64);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn finish(self) -> Sums {
        Sums {
            crc32: format!("{:08x}", self.crc32.finalize()),
            sha256: hex(&self.sha256.finalize()),
            bytes: self.bytes,
        }
    }
}

/// In digits.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // A string takes all that is written.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// The sums of a file, which is copied to `copy` meanwhile. It is not read further than
/// `bytes` and one more: one that grows as fast as it is read has no end.
pub(crate) fn sums_of(mut file: &File, bytes: u64, mut copy: impl Write) -> io::Result<Sums> {
    file.rewind()?;
    let mut file = file.take(bytes.saturating_add(1));
    let mut summing = Summing::new();
    let mut chunk = vec![0; CHUNK_BYTES.min(usize::try_from(bytes).unwrap_or(CHUNK_BYTES) + 1)];
    loop {
        let read = match file.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let Some(octets) = chunk.get(..read).filter(|octets| !octets.is_empty()) else {
            return Ok(summing.finish());
        };
        summing.add(octets);
        copy.write_all(octets)?;
    }
}
