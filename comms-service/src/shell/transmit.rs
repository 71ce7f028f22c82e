//! A transmit thread: the only place that calls its `write`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, after, never, select};

use super::Shell;
use super::back_off::BackOff;
use super::guard::panic_text;
use crate::control::WriteFn;
use crate::error::{CommsError, CommsResult};

/// The longest pause before a packet is offered again: for so long the air may be
/// idle after a radio got ready.
const NOT_READY_PAUSE_MAX: Duration = Duration::from_millis(100);

pub(super) fn run<Connection>(
    shell: &Shell,
    number: usize,
    write: &WriteFn<Connection>,
    connection: &Connection,
    wake: &Receiver<()>,
) {
    let mut back_off = BackOff::new();
    let mut packet = Vec::new();
    let mut write_took = Duration::ZERO;
    let mut written = None;
    loop {
        // Asked before the queue is: what came before the end is still sent.
        let nothing_more_comes = shell.end().is_requested();
        let may_write = shell.may_write(write_took);
        let (has_packet, paced_until) = shell.with(|link, now| {
            if let Some(result) = written.take() {
                link.handle_written(now, number, result);
            }
            let has_packet = may_write && link.poll_packet(now, number, &mut packet);
            (has_packet, link.paced_until(number))
        });
        if !has_packet {
            let paced = paced_until.map(|at| at.saturating_duration_since(Instant::now()));
            match (nothing_more_comes, paced) {
                _ if !may_write => return,
                (true, None) => return,
                (true, Some(pause)) if !shell.may_write(pause) => return,
                (true, Some(pause)) => std::thread::sleep(pause),
                (false, paced) => select! {
                    recv(wake) -> _ => {}
                    recv(shell.end().requested()) -> _ => {}
                    recv(paced.map_or_else(never, after)) -> _ => {}
                },
            }
            continue;
        }
        let began = Instant::now();
        let result = write_when_ready(shell, number, || write(connection, &packet));
        write_took = began.elapsed();
        let Err(error) = &result else {
            back_off.reset();
            written = Some(result);
            continue;
        };
        if shell.with(|link, _| link.is_withdrawn(number)) {
            written = Some(result);
            continue;
        }
        let pause_ms = back_off.next_pause().as_millis();
        log::warn!("write {number} failed, next try in {pause_ms} ms: {error}");
        shell.with(|link, now| link.handle_written(now, number, result));
        // At the end nobody waits for a radio that fails.
        if !back_off.pause(shell.end()) {
            return;
        }
    }
}

/// Offers one packet to `write` until the radio takes it or fails, or its command
/// is taken back; at the end of the link, as long as what is left may be sent.
fn write_when_ready(
    shell: &Shell,
    number: usize,
    mut write: impl FnMut() -> CommsResult<()>,
) -> Result<(), String> {
    let mut back_off = BackOff::up_to(NOT_READY_PAUSE_MAX);
    let mut told = false;
    loop {
        let began = Instant::now();
        match catch_unwind(AssertUnwindSafe(&mut write)) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(CommsError::NotReady(error))) => {
                if !std::mem::replace(&mut told, true) {
                    log::info!("write {number} waits for the radio: {error}");
                }
                let pause = back_off.next_pause();
                if !back_off.pause(shell.end()) {
                    if !shell.may_write(began.elapsed() + pause) {
                        return Err(error);
                    }
                    std::thread::sleep(pause);
                }
                if shell.with(|link, _| link.is_withdrawn(number)) {
                    return Err(error);
                }
            }
            Ok(Err(error)) => return Err(error.to_string()),
            Err(panic) => return Err(panic_text(&*panic)),
        }
    }
}
