//! Section `ground`: what the ground keeps, and how fast it is found again.

pub(crate) mod archive;
mod windows;

use anyhow::Result;

use crate::figure::Figure;
use crate::section::Run;

/// Measures it.
///
/// # Errors
/// When something does not run to its end.
pub(crate) fn run(run: &Run) -> Result<Vec<Figure>> {
    let mut figures = archive::measure(run)?;
    figures.extend(windows::measure(run)?);
    Ok(figures)
}
