//! A far end that takes nothing for a while.

use std::time::{Duration, Instant};

use super::Stop;
use crate::conformance::heard::{Heard, exactly, has, packet};
use crate::conformance::near::{ARRIVAL, LATE, Transmitting};
use crate::conformance::rig::Rig;
use crate::conformance::rule::Rule;
use crate::conformance::violation::Violation;
use crate::error::{ErrorKind, RadioError};

/// The longest packet that a stalled line is filled with.
const STALL_PACKET_BYTES_MAX: usize = 1024;
/// A line that takes so much holds more than a kernel's buffers: it does not
/// stall.
const STALL_BYTES_MAX: usize = 16 << 20;
/// No line is filled for longer.
const FILLING_MAX: Duration = Duration::from_secs(8);
/// How long room is waited for that does not come.
const NO_ROOM: Duration = Duration::from_millis(100);
/// Frames offered to a radio of one credit, to see that the credit is good.
const ONE_BY_ONE: usize = 3;
/// Frames offered in one call.
const BATCH: usize = 5;
/// Frames offered in one call to a line that stalls: so many that it stalls amid
/// them.
const STALLING_BATCH: usize = 50;

/// A packet to fill a line with.
pub(super) fn stall_packet(near: &Transmitting, number: usize) -> Vec<u8> {
    packet(number, stall_packet_bytes(near))
}

fn stall_packet_bytes(near: &Transmitting) -> usize {
    let bytes_max = near.packet_bytes_max().unwrap_or(usize::MAX);
    bytes_max.min(STALL_PACKET_BYTES_MAX)
}

/// So many packets fill the line, or nearly, where it loses what is too much.
fn stall_packets(rig: &Rig) -> usize {
    let bytes_max = rig.far.end.held_bytes_max().unwrap_or(STALL_BYTES_MAX);
    bytes_max / stall_packet_bytes(&rig.near.transmitting).max(1)
}

/// The packets among what was heard: after a frame was cut short, its part is
/// dropped at the far end.
fn without_parts(heard: Vec<Heard>) -> Vec<Heard> {
    heard.into_iter().filter(|one| !one.is_dropped()).collect()
}

/// The line is filled until a frame is refused; then the far end takes all of
/// it, and the frame is offered again.
pub(super) fn back_pressure(rig: &mut Rig) -> Result<(), Stop> {
    let packets_max = stall_packets(rig);
    let near = &mut rig.near.transmitting;
    let mut taken = Vec::new();
    let mut refused = None;
    let started = Instant::now();
    while taken.len() < packets_max && started.elapsed() < FILLING_MAX && near.credits(NO_ROOM)? > 0
    {
        let packet = stall_packet(near, taken.len());
        match near.offer(&packet)? {
            Ok(()) => taken.push(packet),
            Err(error) => {
                refused = Some((packet, error));
                break;
            }
        }
    }
    let mut heard = rig.far.hear_rest();
    let after = refused.iter().map(|(packet, _)| packet.clone());
    for packet in after.chain([packet(99_998, 20)]) {
        heard.extend(rig.while_transmitting(1, |near| near.send(&packet))?);
        taken.push(packet);
    }
    if let Some((packet, error)) = &refused {
        heard = without_parts(heard);
        let came = heard.iter().filter(|one| one.packet() == Some(packet));
        if came.count() > 1 {
            return Err(sent_in_spite_of(error).into());
        }
    }
    Ok(exactly(&taken, &heard)?)
}

fn sent_in_spite_of(error: &RadioError) -> Violation {
    Violation::here(
        format!("a frame does not arrive whole for which `transmit` gave: {error}"),
        "it did, and once more when it was offered again",
    )
    .of(Rule::ErrorMeansNotSent)
}

/// The line is filled by as many frames as there are credits, or nearly so where
/// a radio has but one; then the far end takes all of it.
pub(super) fn credits(rig: &mut Rig) -> Result<(), Stop> {
    let mut packets_max = stall_packets(rig);
    let near = &mut rig.near.transmitting;
    let credits_max = near.properties.credits_max();
    if credits_max == 1 {
        packets_max = packets_max.min(ONE_BY_ONE);
    }
    let refused = packet(99_999, 20);
    let mut number = 0;
    while number < packets_max {
        let credits = near.credits(NO_ROOM)?;
        if credits == 0 {
            if credits_max > 1 {
                no_credit_is_full(near.offer(&refused)?)?;
            }
            break;
        }
        let mut is_stalled = false;
        for credit in 1..=credits {
            let packet = stall_packet(near, number);
            number += 1;
            let started = Instant::now();
            let outcome = near.offer(&packet)?;
            let elapsed = started.elapsed();
            let is_late = credits_max > 1 && elapsed > LATE / 2;
            let is_full = credits_max > 1
                && matches!(&outcome, Err(error) if error.kind() == ErrorKind::Full);
            if is_late || is_full {
                return Err(Violation::here(
                    format!("{credits} credits are good for as many frames, taken at once"),
                    format!("frame {credit} took {elapsed:?} and gave {outcome:?}"),
                )
                .into());
            }
            is_stalled |= outcome.is_err();
        }
        if is_stalled {
            break;
        }
    }
    let heard = rig.far.hear_rest();
    if has(&heard, &refused) {
        return Err(Violation::here(
            "a frame refused with `ErrorKind::Full` is not sent",
            "it was sent",
        )
        .into());
    }
    let near = &mut rig.near.transmitting;
    if near.credits(ARRIVAL)? == 0 {
        return Err(Violation::here(
            "there are credits again once the far end took all frames",
            format!("there was none within {ARRIVAL:?}"),
        )
        .into());
    }
    Ok(())
}

fn no_credit_is_full(outcome: Result<(), RadioError>) -> Result<(), Violation> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::Full => Ok(()),
        other => Err(Violation::here(
            "`ErrorKind::Full` for a frame without a credit",
            format!("{other:?}"),
        )),
    }
}

/// Several frames by each call: on a line that takes them, and on one that
/// stalls and then takes them.
pub(super) fn transmit_all(rig: &mut Rig) -> Result<(), Stop> {
    let sent: Vec<_> = (0..4 * BATCH).map(|number| packet(number, 30)).collect();
    let heard = rig.while_transmitting(sent.len(), |near| send_all(near, &sent))?;
    exactly(&sent, &heard)?;

    let batches_max = stall_packets(rig) / STALLING_BATCH;
    let near = &mut rig.near.transmitting;
    let bytes = stall_packet_bytes(near);
    let mut taken = Vec::new();
    let mut rest = Vec::new();
    let started = Instant::now();
    for _ in 0..batches_max {
        if started.elapsed() > FILLING_MAX || near.credits(NO_ROOM)? == 0 {
            break;
        }
        let first = taken.len();
        let batch: Vec<_> = (first..first + STALLING_BATCH)
            .map(|number| packet(number, bytes))
            .collect();
        let count = near.offer_all(&batch)?.unwrap_or(0);
        rest = rest_of(&batch, count)?.to_vec();
        taken.extend(batch.into_iter().take(count));
        if !rest.is_empty() {
            break;
        }
    }
    let mut heard = rig.far.hear_rest();
    heard.extend(rig.while_transmitting(rest.len(), |near| send_all(near, &rest))?);
    taken.append(&mut rest);
    Ok(exactly(&taken, &without_parts(heard))?)
}

/// Sends all packets, as many at once as are taken.
fn send_all(near: &mut Transmitting, packets: &[Vec<u8>]) -> Result<(), Violation> {
    let mut rest = packets;
    let started = Instant::now();
    while !rest.is_empty() {
        let batch = rest.get(..BATCH).unwrap_or(rest);
        let outcome = match near.credits(NO_ROOM)? {
            0 => Ok(0),
            _ => near.offer_all(batch)?,
        };
        let taken = *outcome.as_ref().unwrap_or(&0);
        rest_of(batch, taken)?;
        rest = rest_of(rest, taken)?;
        if started.elapsed() > 2 * ARRIVAL {
            return Err(Violation::here(
                "frames are taken while the far end takes them",
                format!("{} were not: {outcome:?}", rest.len()),
            ));
        }
    }
    Ok(())
}

/// The packets that were not taken of those offered.
fn rest_of(offered: &[Vec<u8>], taken: usize) -> Result<&[Vec<u8>], Violation> {
    offered.get(taken..).ok_or_else(|| {
        Violation::here(
            format!(
                "at most {} frames are taken, as were offered",
                offered.len()
            ),
            format!("{taken}"),
        )
    })
}
