//! A transmit thread: the only place that calls its `write`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, select};

use super::Shell;
use super::back_off::BackOff;
use super::guard::panic_text;
use crate::control::WriteFn;

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
        let has_packet = shell.with(|link, now| {
            if let Some(result) = written.take() {
                link.handle_written(now, number, result);
            }
            may_write && link.poll_packet(now, number, &mut packet)
        });
        if !has_packet {
            if nothing_more_comes || !may_write {
                return;
            }
            select! {
                recv(wake) -> _ => {}
                recv(shell.end().requested()) -> _ => {}
            }
            continue;
        }
        let began = Instant::now();
        let result = match catch_unwind(AssertUnwindSafe(|| write(connection, &packet))) {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(panic) => Err(panic_text(&*panic)),
        };
        write_took = began.elapsed();
        let Err(error) = &result else {
            back_off.reset();
            written = Some(result);
            continue;
        };
        let pause_ms = back_off.next_pause().as_millis();
        log::warn!("write {number} failed, next try in {pause_ms} ms: {error}");
        shell.with(|link, now| link.handle_written(now, number, result));
        // At the end nobody waits for a radio that fails.
        if !back_off.pause(shell.end()) {
            return;
        }
    }
}
