//! Section `link`: what a paced radio carries, beside what its bit rate allows.
//!
//! Goodput and the waits of answers are those of virtual time: of the engine, its pacing
//! and the framing, the same on every machine. The gaps between frames are real ones, of
//! the service's threads before a radio of this process.

mod gaps;
mod plot;
mod radio;
mod virtual_time;

use anyhow::Result;

use crate::figure::Figure;
use crate::section::Run;

/// Bits per second.
const RATES_BPS: [u64; 3] = [9_600, 1_000_000, 10_000_000];
/// Octets of the largest packet.
const N1: [usize; 2] = [256, 2048];

/// Measures it.
///
/// # Errors
/// When a link loses something, or the service does not start.
pub(crate) fn run(run: &Run) -> Result<Vec<Figure>> {
    let mut figures = virtual_time::goodput(run)?;
    figures.extend(virtual_time::waits(run)?);
    figures.extend(gaps::measure(run)?);
    plot::draw(run)?;
    Ok(figures)
}

/// As it stands in the names of figures.
fn rate_text(bit_rate_bps: u64) -> String {
    match bit_rate_bps {
        1_000_000.. => format!("{} Mbit/s", bit_rate_bps / 1_000_000),
        _ => format!("{bit_rate_bps} bit/s"),
    }
}
