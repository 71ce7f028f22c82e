//! A service that stops, and one that starts right after it.

use std::time::Duration;

use super::Stop;
use crate::conformance::heard::{exactly, packet};
use crate::conformance::near::Near;
use crate::conformance::rig::Rig;
use crate::conformance::rule::Rule;
use crate::conformance::violation::Violation;
use crate::error::RadioError;
use crate::loopback::LoopbackRadio;

/// The receiver returns, both halves are dropped, and the device is there for
/// the next one.
pub(super) fn dropped(rig: &mut Rig) -> Result<(), Stop> {
    let Some(reopen) = rig.reopen.as_ref() else {
        return Err(Stop::NotApplicable(
            "the bench has no device that could be opened twice",
        ));
    };
    // A stop comes while the receiver waits: it returns, and then all is dropped.
    rig.near.receiving.hear(rig.setup.wait())?;
    let expected = "the device can be opened again at once when both halves were dropped";
    let failed = |error: RadioError| Violation::here(expected, format!("it cannot: {error}"));
    // Something must stand where the driver was.
    let (nobody, _) = LoopbackRadio::pair();
    let nobody = Near::new(nobody, &rig.setup, &rig.calls).map_err(failed)?;
    let gone = std::mem::replace(&mut rig.near, nobody);
    rig.calls
        .call("drop", Rule::DroppedIsReleased, Duration::ZERO, || {
            drop(gone);
        })?;
    let radio = rig
        .calls
        .call("open", Rule::DroppedIsReleased, Duration::ZERO, reopen)?
        .map_err(failed)?;
    rig.near = Near::new(radio, &rig.setup, &rig.calls).map_err(failed)?;
    // What the first one sent last is not the second one's.
    rig.far.hear_rest();

    let sent: Vec<_> = (0..8).map(|number| packet(number, 20)).collect();
    let heard = rig.while_receiving(|_, far, listening| {
        for packet in &sent {
            far.send_packet(packet)?;
            listening.wait_for_packet(packet);
        }
        Ok(listening.take_packets(sent.len()))
    })?;
    exactly(&sent, &heard)?;
    let heard = rig.while_transmitting(sent.len(), |near| {
        sent.iter().try_for_each(|packet| near.send(packet))
    })?;
    Ok(exactly(&sent, &heard)?)
}
