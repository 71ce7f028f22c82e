//! A line that is cut and comes back.

use std::thread;
use std::time::{Duration, Instant};

use super::Stop;
use crate::conformance::bench::Cutting;
use crate::conformance::far::Far;
use crate::conformance::heard::{Heard, exactly, has, packet};
use crate::conformance::near::{ARRIVAL, Transmitting};
use crate::conformance::rig::Rig;
use crate::conformance::rule::Rule;
use crate::conformance::violation::Violation;
use crate::radio::Medium;

/// A line that is back is to be open again within this time.
const REOPEN_MAX: Duration = Duration::from_secs(8);
/// How long the line is gone: long enough for a receiver that spins to be seen.
const GONE: Duration = Duration::from_millis(400);

const NEVER_CUT: &str = "the line cannot be cut";
const NOT_REOPENING: &str = "the driver does not claim to open its device again";

fn needs_cutting(rig: &Rig) -> Result<(), Stop> {
    match rig.far.end.cutting() {
        Cutting::Never => Err(Stop::NotApplicable(NEVER_CUT)),
        _ => Ok(()),
    }
}

fn needs_reopening(rig: &Rig) -> Result<(), Stop> {
    needs_cutting(rig)?;
    match rig.setup.reopens {
        true => Ok(()),
        false => Err(Stop::NotApplicable(NOT_REOPENING)),
    }
}

/// The line is cut right behind a frame.
pub(super) fn given_before(rig: &mut Rig) -> Result<(), Stop> {
    needs_cutting(rig)?;
    if rig.far.end.cutting() != Cutting::KeepsOctets {
        return Err(Stop::NotApplicable(
            "this line loses what was not read when it is cut",
        ));
    }
    let (first, last) = (packet(1, 20), packet(2, 20));
    let mut heard = rig.while_receiving(|_, far, listening| {
        far.send_packet(&first)?;
        listening.wait_for_packet(&first);
        Ok(listening.take())
    })?;
    rig.far.send_packet(&last)?;
    rig.far.cut();
    heard.extend(rig.while_receiving(|_, _, listening| {
        listening.wait_for_error(ARRIVAL);
        Ok(listening.take())
    })?);
    let before: Vec<_> = heard
        .into_iter()
        .take_while(|one| !one.is_error())
        .collect();
    Ok(exactly(&[first, last], &before)?)
}

/// The line is cut within a frame, and its rest comes after the interruption.
pub(super) fn is_told(rig: &mut Rig) -> Result<(), Stop> {
    needs_cutting(rig)?;
    if rig.setup.line != Medium::Stream {
        return Err(Stop::NotApplicable(
            "a datagram comes whole or not at all, and needs no error",
        ));
    }
    let reopens = rig.setup.reopens;
    let (before, cut, after) = (packet(1, 20), packet(2, 40), packet(3, 20));
    let heard = rig.while_receiving(|_, far, listening| {
        let tail = send_a_half(far, &before, &cut, || listening.wait_for_packet(&before))?;
        far.cut();
        let told = listening.wait_for_error(ARRIVAL);
        if !reopens {
            return match told {
                true => Ok(None),
                false => Err(nothing_told()),
            };
        }
        thread::sleep(GONE);
        far.restore()?;
        far.send(&tail)?;
        far.send_packet(&after)?;
        listening.wait_for(REOPEN_MAX, |heard| has(heard, &after));
        Ok(Some(listening.take()))
    })?;
    let Some(heard) = heard else { return Ok(()) };
    told_once(&heard, &before, &after)?;

    // Once more, where the transmitter finds out and opens the line again.
    let (before, cut, after) = (packet(4, 20), packet(5, 40), packet(6, 20));
    let (tail, mut heard) = rig.while_receiving(|_, far, listening| {
        let tail = send_a_half(far, &before, &cut, || listening.wait_for_packet(&before))?;
        Ok((tail, listening.take()))
    })?;
    rig.far.cut();
    rig.far.restore()?;
    transmit_until_heard(&mut rig.near.transmitting, &mut rig.far)?;
    heard.extend(rig.while_receiving(|_, far, listening| {
        far.send(&tail)?;
        far.send_packet(&after)?;
        listening.wait_for(REOPEN_MAX, |heard| has(heard, &after));
        Ok(listening.take())
    })?);
    Ok(told_once(&heard, &before, &after)?)
}

/// Sends a frame and, once it was given, a half of the next; gives the other half.
fn send_a_half(
    far: &mut Far,
    before: &[u8],
    cut: &[u8],
    was_given: impl FnOnce() -> bool,
) -> Result<Vec<u8>, Violation> {
    far.send_packet(before)?;
    was_given();
    let mut head = far.frame(cut)?;
    let tail = head.split_off(head.len() / 2);
    far.send(&head)?;
    // The driver is to have read it.
    thread::sleep(Duration::from_millis(50));
    Ok(tail)
}

fn nothing_told() -> Violation {
    Violation::here(
        "an error of `receive` after the line was cut",
        "there was none",
    )
}

/// `before`, an error, then `after`, and no other packet.
fn told_once(heard: &[Heard], before: &[u8], after: &[u8]) -> Result<(), Violation> {
    let foreign = heard
        .iter()
        .filter_map(Heard::packet)
        .find(|packet| ![before, after].contains(packet));
    if let Some(foreign) = foreign {
        let text = foreign.escape_ascii();
        return Err(Violation::here(
            "a frame that was cut is dropped",
            format!("it was joined to what came later: \"{text}\""),
        ));
    }
    let position = |packet| heard.iter().position(|one| one.packet() == Some(packet));
    let error = heard.iter().position(Heard::is_error);
    match (position(after), error) {
        (None, Some(_)) => Err(Violation::here(
            "a frame sent after the line came back is given",
            format!("within {REOPEN_MAX:?} only: {heard:?}"),
        )
        .of(Rule::ReceivesAgain)),
        (Some(after), Some(error)) if error < after => Ok(()),
        _ => Err(nothing_told()),
    }
}

/// Twice, for the second time longer.
pub(super) fn receives_again(rig: &mut Rig) -> Result<(), Stop> {
    needs_reopening(rig)?;
    for (number, gone) in [(0, GONE), (2, 2 * GONE)] {
        let (before, after) = (packet(number, 20), packet(number + 1, 20));
        let given = rig.while_receiving(|_, far, listening| {
            far.send_packet(&before)?;
            listening.wait_for_packet(&before);
            far.cut();
            listening.wait_for_error(ARRIVAL);
            thread::sleep(gone);
            far.restore()?;
            far.send_packet(&after)?;
            Ok(listening.wait_for(REOPEN_MAX, |heard| has(heard, &after)))
        })?;
        if !given {
            return Err(Violation::here(
                "a frame sent after the line came back is given",
                format!("it was not within {REOPEN_MAX:?}"),
            )
            .into());
        }
    }
    Ok(())
}

/// While somebody receives, and while nobody does.
pub(super) fn transmits_again(rig: &mut Rig) -> Result<(), Stop> {
    needs_reopening(rig)?;
    rig.while_receiving(|near, far, listening| {
        far.cut();
        listening.wait_for_error(ARRIVAL);
        thread::sleep(GONE);
        far.restore()?;
        transmit_until_heard(near, far)
    })?;
    rig.far.cut();
    thread::sleep(GONE);
    rig.far.restore()?;
    Ok(transmit_until_heard(
        &mut rig.near.transmitting,
        &mut rig.far,
    )?)
}

/// Transmits frames until one of them arrives.
fn transmit_until_heard(near: &mut Transmitting, far: &mut Far) -> Result<(), Violation> {
    let started = Instant::now();
    let packet = packet(77, 20);
    let mut last_error = None;
    while started.elapsed() < REOPEN_MAX {
        if near.credits(GONE / 5)? > 0 {
            last_error = near.offer(&packet)?.err();
        }
        if has(&far.hear(GONE / 10), &packet) {
            far.hear_rest();
            return Ok(());
        }
    }
    let error = last_error.map_or("there was no credit".to_owned(), |error| error.to_string());
    Err(Violation::here(
        "a frame transmitted after the line came back arrives",
        format!("none did within {REOPEN_MAX:?}; {error}"),
    )
    .of(Rule::TransmitsAgain))
}
