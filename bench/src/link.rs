//! Section `link`: what a paced radio carries, beside what its bit rate allows.

use anyhow::{Result, bail};

use crate::figure::Figure;
use crate::section::Run;

/// Measures it.
///
/// # Errors
/// Not there yet.
pub(crate) fn run(_run: &Run) -> Result<Vec<Figure>> {
    bail!("not there yet")
}
