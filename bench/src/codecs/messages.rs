//! Messages through the engines of both ends, without I/O: in how many segments, and
//! with which protection.

use anyhow::Result;
use comms_service::security::Mode;

use super::work::Work;
use crate::engines::{Ends, PACKET_BYTES_MAX};
use crate::figure::Figure;
use crate::section::Run;

/// Protection beside none, and messages in segments beside whole ones.
///
/// # Errors
/// When the ends do not come into sync, or a message does not arrive.
pub(super) fn measure(run: &Run, bytes: usize) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let work = |name: &str| Work {
        run,
        name: format!("message through both engines, {name}"),
        bytes,
        times_faster: None,
        allocates_nothing: false,
    };
    for (name, mode) in [
        ("authenticated, beside clear", Mode::Authenticate),
        ("encrypted, beside clear", Mode::Encrypt),
    ] {
        let mut secured = Ends::new(PACKET_BYTES_MAX, Some(mode))?;
        let mut clear = Ends::new(PACKET_BYTES_MAX, None)?;
        figures.extend(work(name).beside(secured.carrying(bytes)?, clear.carrying(bytes)?)?);
    }
    let segment_bytes = (bytes / 4).max(48);
    let mut cut = Ends::new(segment_bytes, None)?;
    let mut whole = Ends::new(PACKET_BYTES_MAX, None)?;
    let name = format!("in packets of {segment_bytes}, beside whole");
    figures.extend(work(&name).beside(cut.carrying(bytes)?, whole.carrying(bytes)?)?);
    Ok(figures)
}
