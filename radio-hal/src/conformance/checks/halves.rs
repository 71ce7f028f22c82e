//! Whether one half of the radio waits for the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Stop;
use super::stalling::stall_packet;
use crate::conformance::heard::{has, packet};
use crate::conformance::near::{ARRIVAL, LATE, Near, RECEIVE, TRANSMIT};
use crate::conformance::rig::Rig;
use crate::conformance::violation::Violation;

/// How long a receiver waits while something is transmitted.
const LONG_WAIT: Duration = Duration::from_secs(1);
/// A call that lasts so long waits for something.
const BLOCKED: Duration = Duration::from_millis(300);
/// The best of so many tries counts: a busy machine delays some of them.
const TRIES: usize = 5;

pub(super) fn independent(rig: &mut Rig) -> Result<(), Stop> {
    transmit_while_receiving(rig)?;
    Ok(receive_while_transmitting(rig)?)
}

/// Nothing comes, and the receiver waits for it.
fn transmit_while_receiving(rig: &mut Rig) -> Result<(), Violation> {
    let wait = rig.setup.own_wait.unwrap_or(LONG_WAIT);
    let calls = Arc::clone(&rig.calls);
    let Near {
        receiving,
        transmitting,
    } = &mut rig.near;
    let over = AtomicBool::new(false);
    let best = thread::scope(|scope| {
        let receiver = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                receiving.hear(wait)?;
            }
            Ok(())
        });
        let mut best = Duration::MAX;
        for number in 0..TRIES {
            // Not at its end, where a lock would soon be free.
            let is_waiting = |elapsed| elapsed > wait / 50 && elapsed < wait / 3;
            while !calls.under_way(RECEIVE).is_some_and(is_waiting) && !receiver.is_finished() {
                thread::sleep(Duration::from_millis(1));
            }
            let started = Instant::now();
            let sent = transmitting.send(&packet(number, 20));
            best = best.min(started.elapsed());
            if sent.is_err() || best < wait / 4 {
                over.store(true, Ordering::Relaxed);
                sent?;
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
        match receiver.join() {
            Ok(Err(violation)) => Err(violation),
            _ => Ok(best),
        }
    })?;
    if best > wait / 2 {
        return Err(Violation::here(
            "a frame is transmitted while a receiver waits",
            format!("it took {best:?} at best, with a receiver that waits {wait:?}"),
        ));
    }
    Ok(())
}

/// The far end takes nothing, so that the transmitter waits, where it does.
fn receive_while_transmitting(rig: &mut Rig) -> Result<(), Violation> {
    let calls = Arc::clone(&rig.calls);
    if rig.far.end.held_bytes_max().is_some() {
        return Ok(());
    }
    let sent = packet(50, 20);
    let over = AtomicBool::new(false);
    let Near {
        receiving,
        transmitting,
    } = &mut rig.near;
    let far = &mut rig.far;
    thread::scope(|scope| {
        let transmitter = scope.spawn(|| {
            let packet = stall_packet(transmitting, 0);
            while !over.load(Ordering::Relaxed) {
                if transmitting.credits(BLOCKED)? == 0 || transmitting.offer(&packet)?.is_err() {
                    break;
                }
            }
            Ok(())
        });
        let is_blocked = |elapsed: Duration| elapsed > BLOCKED;
        while !transmitter.is_finished() && !calls.under_way(TRANSMIT).is_some_and(is_blocked) {
            thread::sleep(Duration::from_millis(1));
        }
        let started = Instant::now();
        let received = far.send_packet(&sent).and_then(|()| {
            let mut heard = Vec::new();
            while !has(&heard, &sent) && started.elapsed() < ARRIVAL {
                heard.extend(receiving.hear(LONG_WAIT)?);
            }
            Ok(has(&heard, &sent))
        });
        let elapsed = started.elapsed();
        over.store(true, Ordering::Relaxed);
        if !received? || elapsed > LATE / 2 {
            return Err(Violation::here(
                "a frame is received while a transmission waits",
                format!("not after {elapsed:?}"),
            ));
        }
        match transmitter.join() {
            Ok(Err(violation)) => Err(violation),
            _ => Ok(()),
        }
    })
}
