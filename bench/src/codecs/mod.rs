//! Section `codecs`: frames, packets, segments and their protection, beside crates that
//! do the same with the same octets.

mod frames;
mod messages;
mod packets;
mod protection;
pub(crate) mod work;

use anyhow::Result;

use crate::figure::Figure;
use crate::section::Run;

/// Octets of the whole frame or packet.
const SIZES: [usize; 4] = [64, 256, 1024, 2048];
/// The size that goals are for.
const SIZE_USUAL: usize = 256;

/// Measures them.
///
/// # Errors
/// When a codec does not take what it is given.
pub(crate) fn run(run: &Run) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for size in SIZES {
        crate::progress::say(format_args!("  {size} octets"));
        figures.extend(frames::measure(run, size)?);
        figures.extend(packets::measure(run, size)?);
        figures.extend(protection::measure(run, size)?);
        figures.extend(messages::measure(run, size)?);
    }
    Ok(figures)
}

/// The same octets in each run; what must be escaped occurs in them.
pub(crate) fn octets(count: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    std::iter::repeat_with(|| random.u8(..))
        .take(count)
        .collect()
}
