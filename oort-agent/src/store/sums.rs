//! CRC-32 and SHA-256 of a file.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write};

use oort_bundle::{Summing, Sums};

use crate::limits::CHUNK_BYTES;

/// The sums of a file, which is copied to `copy` meanwhile. It is not read further than
/// `bytes` and one more: one that grows as fast as it is read has no end.
pub(crate) fn sums_of(mut file: &File, bytes: u64, mut copy: impl Write) -> io::Result<Sums> {
    file.rewind()?;
    let mut file = file.take(bytes.saturating_add(1));
    let mut summing = Summing::default();
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
