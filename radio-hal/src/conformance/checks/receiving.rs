//! What the driver gives of what the far end sends.

use std::thread;
use std::time::{Duration, Instant};

use super::Stop;
use crate::conformance::heard::{Heard, Octets, deframe, exactly, packet};
use crate::conformance::near::ARRIVAL;
use crate::conformance::rig::Rig;
use crate::conformance::violation::Violation;
use crate::deframer::Deframer;
use crate::framing::{FramingConfig, FramingError};
use crate::radio::Medium;

/// Between the two parts of a frame, so that they arrive as two.
const BETWEEN_PARTS: Duration = Duration::from_millis(4);
/// Frames sent within this time may be received by one call.
const TOGETHER: Duration = Duration::from_millis(50);
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
        for cut in 1.. {
            let packet = [&packet(cut, 7), &b"\xC0\x7E\xDB "[..]].concat();
            let frame = far.frame(&packet)?;
            let (parts, is_last) = match frame.split_at_checked(cut) {
                Some((head, tail)) if !tail.is_empty() => (vec![head, tail], false),
                _ => (frame.chunks(1).collect(), true),
            };
            for part in parts {
                far.send(part)?;
                thread::sleep(BETWEEN_PARTS);
            }
            let came = listening.wait_for_packet(&packet);
            sent.push(packet);
            if is_last || !came {
                break;
            }
        }
        Ok(listening.take_packets(0))
    })?;
    exactly(&sent, &heard).map_err(|mut violation| {
        let cut = format!("; it came in two parts, the first of {} octets", sent.len());
        violation.failure.expected.push_str(&cut);
        violation
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
    let heard = pieces(rig, &sent)?;
    exactly(&sent, &heard)?;
    if rig.setup.line == Medium::Datagrams {
        datagrams(rig, &sent)?;
    }
    Ok(())
}

/// Transmits frames without a pause, and each is a datagram.
fn datagrams(rig: &mut Rig, sent: &[Vec<u8>]) -> Result<(), Violation> {
    let (far, transmitting) = (&mut rig.far, &mut rig.near.transmitting);
    let frames: Result<Vec<_>, _> = sent.iter().map(|one| transmitting.frame(one)).collect();
    thread::scope(|scope| {
        let sender = scope.spawn(|| sent.iter().try_for_each(|one| transmitting.send(one)));
        for frame in frames? {
            let datagram = far.end.receive(ARRIVAL);
            if datagram != frame {
                return Err(Violation::here(
                    format!("one datagram of {}", Octets(&frame)),
                    format!("a datagram of {}", Octets(&datagram)),
                ));
            }
        }
        sender.join().unwrap_or(Ok(()))
    })
}

/// Receives what the far end sends without a pause, a frame from each piece.
fn pieces(rig: &mut Rig, sent: &[Vec<u8>]) -> Result<Vec<Heard>, Violation> {
    let framing = &rig.setup.framing;
    let (far, receiving) = (&mut rig.far, &mut rig.near.receiving);
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut frames = Vec::new();
            for packet in sent {
                frames.push(far.frame(packet)?);
            }
            match rig.setup.line {
                Medium::Datagrams => frames.iter().try_for_each(|frame| far.send(frame)),
                Medium::Stream => far.send(&frames.concat()),
            }
        });
        // What can wait for the receiver does so.
        thread::sleep(TOGETHER);
        let mut heard = Vec::new();
        let deadline = Instant::now() + ARRIVAL;
        while heard.len() < sent.len() && Instant::now() < deadline {
            let (received, _) = receiving.receive(rig.setup.wait())?;
            for piece in received.iter() {
                heard.push(one_frame_of(piece, framing)?);
            }
        }
        match sender.join() {
            Ok(Err(violation)) => Err(violation),
            _ => Ok(heard),
        }
    })
}

/// The frame of a piece, by a deframer of its own: it is there whole, and alone.
fn one_frame_of(piece: &[u8], framing: &FramingConfig) -> Result<Heard, Violation> {
    let invalid = |error: FramingError| Violation::here("a valid framing", error.to_string());
    let mut deframer = Deframer::new(framing).map_err(invalid)?;
    let mut heard = Vec::new();
    deframe(&mut deframer, piece, &mut heard);
    let count = heard.len();
    match heard.pop() {
        Some(frame) if count == 1 => Ok(frame),
        _ => Err(Violation::here(
            "one frame in one piece",
            format!("{count} frames in {}", Octets(piece)),
        )),
    }
}
