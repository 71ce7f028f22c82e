//! Section `memory`: resident memory and threads of the service.

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
