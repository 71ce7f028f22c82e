//! What arrives at the far end of what the driver was given.

use super::Stop;
use crate::conformance::heard::{exactly, packet};
use crate::conformance::near::ARRIVAL;
use crate::conformance::rig::Rig;
use crate::conformance::violation::Violation;
use crate::error::ErrorKind;

/// The length of a long packet where neither framing nor radio has a limit.
const LONG_PACKET_BYTES: usize = 4096;

/// Frames of many lengths, first each when the one before arrived, then one
/// after another.
pub(super) fn once_in_order(rig: &mut Rig) -> Result<(), Stop> {
    for number in 0..4 {
        let packet = packet(number, 8 + 17 * number);
        rig.near.transmitting.send(&packet)?;
        exactly(&[packet], &rig.far.hear_packets(1))?;
    }
    let sent: Vec<_> = (4..20).map(|number| packet(number, 30)).collect();
    let heard = rig.while_transmitting(sent.len(), |near| {
        sent.iter().try_for_each(|packet| near.send(packet))
    })?;
    Ok(exactly(&sent, &heard)?)
}

/// The longest packet, then a frame that is too long, then a short one.
pub(super) fn mtu(rig: &mut Rig) -> Result<(), Stop> {
    let near = &rig.near.transmitting;
    let longest = near.packet_bytes_max().unwrap_or(LONG_PACKET_BYTES);
    let frame_bytes_max = near.properties.frame_bytes_max;
    // The worst case of a framing that escapes.
    let worst = vec![0xC0; longest];
    for sent in [packet(0, longest), worst] {
        let heard = rig.while_transmitting(1, |near| near.send(&sent))?;
        exactly(&[sent], &heard)?;
    }
    let Some(frame_bytes_max) = frame_bytes_max else {
        return Ok(());
    };
    let short = packet(1, 20);
    let heard = rig.while_transmitting(1, |near| {
        let too_long = vec![b'x'; frame_bytes_max + 1];
        near.credits(ARRIVAL)?;
        let happened = match near.transmit(&too_long)? {
            Err(error) if error.kind() == ErrorKind::PacketTooLong => return near.send(&short),
            Err(error) => format!("an error of kind {:?}: {error}", error.kind()),
            Ok(()) => "`Ok`".to_owned(),
        };
        Err(Violation::here(
            format!(
                "`ErrorKind::PacketTooLong` for a frame of {} octets, for `frame_bytes_max` is \
                 {frame_bytes_max}",
                too_long.len()
            ),
            happened,
        ))
    })?;
    Ok(exactly(&[short], &heard)?)
}
