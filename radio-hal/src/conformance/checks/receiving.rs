//! What the driver gives of what the far end sends.

use std::thread;
use std::time::{Duration, Instant};

use super::Stop;
use crate::conformance::heard::{Octets, deframe, exactly, packet};
use crate::conformance::near::ARRIVAL;
use crate::conformance::rig::Rig;
use crate::conformance::violation::Violation;
use crate::deframer::Deframer;
use crate::radio::Medium;

/// Between the two parts of a frame, so that they arrive as two.
const BETWEEN_PARTS: Duration = Duration::from_millis(4);
const NO_STREAM: &str = "the line carries datagrams, which are never cut";

/// Frames of many lengths, each sent when the one before was given.
pub(super) fn once_in_order(rig: &mut Rig) -> Result<(), Stop> {
    let sent: Vec<_> = (0..12)
        .map(|number| packet(number, 8 + 5 * number))
        .collect();
    let heard = rig.while_receiving(|_, far, listening| {
        for packet in &sent {
            far.send_packet(packet)?;
            if !listening.wait_for_packet(packet) {
                break;
            }
        }
        Ok(listening.take_packets(0))
    })?;
    Ok(exactly(&sent, &heard)?)
}

/// A frame with special octets, in two parts cut at every place, and octet by
/// octet.
pub(super) fn cut_anywhere(rig: &mut Rig) -> Result<(), Stop> {
    if rig.setup.line != Medium::Stream {
        return Err(Stop::NotApplicable(NO_STREAM));
    }
    let mut sent = Vec::new();
    let heard = rig.while_receiving(|_, far, listening| {
        let cuts = far.frame(b"#00000 \xC0\x7E\xDB ")?.len();
        for cut in 1..=cuts {
            let packet = [&packet(cut, 7), &b"\xC0\x7E\xDB "[..]].concat();
            let frame = far.frame(&packet)?;
            let parts: Vec<_> = match frame.split_at_checked(cut) {
                Some((head, tail)) if !tail.is_empty() => vec![head, tail],
                _ => frame.chunks(1).collect(),
            };
            for part in parts {
                far.send(part)?;
                thread::sleep(BETWEEN_PARTS);
            }
            let came = listening.wait_for_packet(&packet);
            sent.push(packet);
            if !came {
                break;
            }
        }
        Ok(listening.take_packets(0))
    })?;
    exactly(&sent, &heard).map_err(|violation| {
        let cut = sent.len();
        Violation {
            failure: crate::conformance::Failure {
                expected: format!(
                    "{} (this one arrived in two parts, the first of {cut} octets)",
                    violation.failure.expected
                ),
                ..violation.failure
            },
            ..violation
        }
    })?;
    Ok(())
}

/// Eight frames in two pieces, the fourth cut between them.
pub(super) fn several_at_once(rig: &mut Rig) -> Result<(), Stop> {
    if rig.setup.line != Medium::Stream {
        return Err(Stop::NotApplicable(
            "the line carries datagrams, and one is one frame",
        ));
    }
    let sent: Vec<_> = (0..8).map(|number| packet(number, 20)).collect();
    let heard = rig.while_receiving(|_, far, listening| {
        let mut octets = Vec::new();
        let mut cut = 0;
        for (index, packet) in sent.iter().enumerate() {
            let frame = far.frame(packet)?;
            if index == 3 {
                cut = octets.len() + frame.len() / 2;
            }
            octets.extend(frame);
        }
        let (first, second) = octets.split_at_checked(cut).unwrap_or_default();
        far.send(first)?;
        far.send(second)?;
        Ok(listening.take_packets(sent.len()))
    })?;
    Ok(exactly(&sent, &heard)?)
}

/// Several frames that wait for the receiver are a piece each, and a frame that
/// is sent is one datagram.
pub(super) fn one_piece_each(rig: &mut Rig) -> Result<(), Stop> {
    if rig.near.transmitting.properties.medium != Medium::Datagrams {
        return Err(Stop::NotApplicable(
            "the driver gives pieces of a stream, which may be cut anywhere",
        ));
    }
    let sent: Vec<_> = (0..6).map(|number| packet(number, 30)).collect();
    for packet in &sent {
        rig.far.send_packet(packet)?;
    }
    let mut heard = Vec::new();
    let deadline = Instant::now() + ARRIVAL;
    while heard.len() < sent.len() && Instant::now() < deadline {
        let (received, _) = rig.near.receiving.receive(rig.setup.wait())?;
        for piece in received.iter() {
            let before = heard.len();
            // Each in a deframer of its own: a piece is a whole frame.
            let deframer = Deframer::new(&rig.setup.framing);
            let mut deframer = deframer
                .map_err(|error| Violation::here("the framing is valid", error.to_string()))?;
            deframe(&mut deframer, piece, &mut heard);
            if heard.len() != before + 1 {
                return Err(Violation::here(
                    "one frame in one piece",
                    format!("{} frames in {}", heard.len() - before, Octets(piece)),
                )
                .into());
            }
        }
    }
    exactly(&sent, &heard)?;
    if rig.setup.line == Medium::Datagrams {
        for packet in &sent {
            rig.near.transmitting.send(packet)?;
        }
        for packet in &sent {
            let frame = rig.near.transmitting.frame(packet)?;
            let datagram = rig.far.end.receive(ARRIVAL);
            if datagram != frame {
                return Err(Violation::here(
                    format!("one datagram of {}", Octets(&frame)),
                    format!("a datagram of {}", Octets(&datagram)),
                )
                .into());
            }
        }
    }
    Ok(())
}
