//! Keep Alive: how far the receiver is (CCSDS 727.0-B-5 §5.2.8).
//!
//! ```text
//! octet 0     directive code 0C
//!       ..+4  progress: offset after the last octet; 8 octets of a large file
//! ```

use super::fields::{Fields, put_file_size};
use super::header::Header;
use super::{BuildError, PduError};

pub(crate) const PART: &str = "Keep Alive";

/// A Keep Alive PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Offset from the start of the file to which data came.
    pub progress: u64,
}

impl KeepAlive {
    pub(crate) fn read(header: &Header, mut fields: Fields<'_>) -> Result<Self, PduError> {
        let progress = fields.file_size(header.large_file, "progress")?;
        fields.end()?;
        Ok(KeepAlive { progress })
    }

    pub(crate) fn put(&self, header: &Header, out: &mut Vec<u8>) -> Result<(), BuildError> {
        put_file_size(self.progress, header.large_file, "progress", out)
    }
}
