//! Section `codecs`: frames, packets, segments and their protection.

use anyhow::Result;

use crate::figure::Figure;
use crate::section::Run;

/// Measures them.
///
/// # Errors
/// None yet.
pub(crate) fn run(_run: &Run) -> Result<Vec<Figure>> {
    Ok(Vec::new())
}
