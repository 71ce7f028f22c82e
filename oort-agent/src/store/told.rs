//! A file that is written to, and somebody who is told how much of it is.

use std::fs::File;
use std::io::{self, Write};

/// Writes to a file, and says after each piece how many octets it had.
pub(super) struct Told<'a, F> {
    pub(super) file: &'a File,
    pub(super) written: F,
}

impl<F: FnMut(u64)> Write for Told<'_, F> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let count = self.file.write(octets)?;
        (self.written)(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
