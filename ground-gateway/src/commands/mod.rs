//! What each command does, and what it prints.

mod listen;
mod query;
mod send;

use std::io::Write as _;

pub(crate) use listen::listen;
pub(crate) use query::query;
pub(crate) use send::send;

use crate::error::GroundError;

/// Writes one line to standard output, at once.
fn print_line(line: &[u8]) -> Result<(), GroundError> {
    let mut output = std::io::stdout().lock();
    output
        .write_all(line)
        .and_then(|()| output.write_all(b"\n"))
        .and_then(|()| output.flush())
        .map_err(GroundError::Output)
}

/// Two digits for each octet.
fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
