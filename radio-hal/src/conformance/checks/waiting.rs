//! How long `receive` waits.

use std::time::{Duration, Instant};

use super::Stop;
use crate::conformance::heard::{Octets, packet};
use crate::conformance::near::LATE;
use crate::conformance::rig::Rig;
use crate::conformance::violation::Violation;
use crate::radio::Medium;

/// A wait so long that one who waits for its end is found out.
const LONG_WAIT: Duration = LATE.saturating_mul(2);

/// Nothing comes: each call is timed by the driver's wrapper.
pub(super) fn nothing_comes(rig: &mut Rig) -> Result<(), Stop> {
    let wait = rig.setup.wait();
    rig.near.receiving.early_max = 0;
    for timeout in [wait, Duration::ZERO, wait / 4, wait, wait] {
        let heard = rig.near.receiving.hear(timeout)?;
        if let Some(heard) = heard.first() {
            return Err(Violation::here(
                "`receive` gives nothing, for nothing was sent",
                format!("it gave {heard:?}"),
            )
            .into());
        }
    }
    Ok(())
}

/// One octet comes on a stream, or one frame where the driver gives whole ones.
pub(super) fn something_comes(rig: &mut Rig) -> Result<(), Stop> {
    let mut octets = rig.far.frame(&packet(1, 40))?;
    if rig.near.transmitting.properties.medium == Medium::Stream {
        octets.truncate(1);
    }
    rig.far.send(&octets)?;
    let started = Instant::now();
    let mut arrived = false;
    while !arrived && started.elapsed() < LATE {
        let (received, _) = rig.near.receiving.receive(LONG_WAIT)?;
        arrived = !received.is_empty();
    }
    let elapsed = started.elapsed();
    if !arrived || elapsed > LATE {
        return Err(Violation::here(
            format!("`receive` gives {} when they arrive", Octets(&octets)),
            format!("not after {elapsed:?}"),
        )
        .into());
    }
    Ok(())
}
