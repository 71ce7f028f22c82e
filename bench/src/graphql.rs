//! Section `graphql`: requests through a service to a payload's HTTP server, beside direct ones.

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
