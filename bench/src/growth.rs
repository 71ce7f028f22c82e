//! Section `growth`: how the cost grows with ports, downlinks, message size and queue.

use anyhow::Result;

use crate::figure::Figure;
use crate::section::Run;

/// Measures it.
///
/// # Errors
/// None yet.
pub(crate) fn run(_run: &Run) -> Result<Vec<Figure>> {
    Ok(Vec::new())
}
