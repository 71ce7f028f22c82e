//! A transmit thread: the only place that calls its `write`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use radio_hal::FrameBuffer;

use super::Shell;
use super::back_off::BackOff;
use super::guard::panic_text;
use super::radio::Writing;
use crate::accounting::DropReason;
use crate::error::{CommsError, CommsResult};

/// The longest pause before a packet is offered again: for so long the air may be
/// idle after a radio got ready.
const NOT_READY_PAUSE_MAX: Duration = Duration::from_millis(100);

/// What `write` has not taken yet of the packets that it was given, oldest first. It
/// outlives a run of the thread that panics.
#[derive(Debug, Default)]
pub(super) struct Offered {
    packets: FrameBuffer,
    /// Where those that are left are put together.
    rest: FrameBuffer,
}

impl Offered {
    /// The first `packets` of them are done with.
    fn done(&mut self, packets: usize) {
        if packets < self.packets.len() {
            self.rest.clear();
            let left = self.packets.iter().skip(packets);
            left.for_each(|packet| self.rest.push(packet));
            std::mem::swap(&mut self.packets, &mut self.rest);
        } else {
            self.packets.clear();
        }
    }
}

/// What `write` did with the packets that it was offered.
struct Written {
    /// So many from the front are done with.
    packets: usize,
    /// Why the last of them was not taken.
    error: Option<String>,
}

pub(super) fn run<Connection>(
    shell: &Shell,
    number: usize,
    writing: &Writing<Connection>,
    connection: &Connection,
    offered: &mut Offered,
) {
    let mut back_off = BackOff::new();
    let mut write_took = Duration::ZERO;
    let mut written = None;
    // After a panic, what was on the way to the engine may be lost.
    let left = offered.packets.len();
    let reason = DropReason::InternalFault;
    shell.with(|link, now| link.handle_lost_packets(now, number, left, reason));
    loop {
        // Asked before the queue is: what came before the end is still sent.
        let nothing_more_comes = shell.end().is_requested();
        let may_write = shell.may_write(write_took);
        let packets = &mut offered.packets;
        let paced_until = shell.with(|link, now| {
            if let Some(Written { packets, mut error }) = written.take() {
                for packet in 1..=packets {
                    let error = error.take_if(|_| packet == packets);
                    link.handle_written(now, number, error.map_or(Ok(()), Err));
                }
            }
            if !may_write {
                link.handle_lost_packets(now, number, 0, DropReason::Shutdown);
            } else if packets.is_empty() {
                link.poll_packets(now, number, writing.packets_max, packets);
            }
            link.paced_until(number)
        });
        if !may_write {
            packets.clear();
            return;
        }
        if packets.is_empty() {
            let paced = paced_until.map(|at| at.saturating_duration_since(Instant::now()));
            match (nothing_more_comes, paced) {
                (true, None) => return,
                (true, Some(pause)) if !shell.may_write(pause) => return,
                (true, Some(pause)) => std::thread::sleep(pause),
                (false, _) => shell.sleep_until_packets(number, paced_until),
            }
            continue;
        }
        let began = Instant::now();
        let result = write_when_ready(shell, number, || (writing.write)(connection, packets));
        write_took = began.elapsed();
        let (taken, error) = match result {
            Ok(taken) => (taken.min(packets.len()), None),
            Err(error) => (1, Some(error)),
        };
        offered.done(taken);
        let Some(text) = &error else {
            back_off.reset();
            let packets = taken;
            written = Some(Written { packets, error });
            continue;
        };
        if shell.with(|link, _| link.is_withdrawn(number)) {
            let packets = taken;
            written = Some(Written { packets, error });
            continue;
        }
        let pause_ms = back_off.next_pause().as_millis();
        log::warn!("write {number} failed, next try in {pause_ms} ms: {text}");
        let result = error.map_or(Ok(()), Err);
        shell.with(|link, now| link.handle_written(now, number, result));
        // At the end nobody waits for a radio that fails.
        if !back_off.pause(shell.end()) {
            let reason = DropReason::Shutdown;
            shell.with(|link, now| link.handle_lost_packets(now, number, 0, reason));
            offered.packets.clear();
            return;
        }
    }
}

/// Offers packets to `write` until the radio takes some or fails, or the command of
/// the first is taken back; at the end of the link, as long as what is left may be
/// sent.
fn write_when_ready(
    shell: &Shell,
    number: usize,
    mut write: impl FnMut() -> CommsResult<usize>,
) -> Result<usize, String> {
    let mut back_off = BackOff::up_to(NOT_READY_PAUSE_MAX);
    let mut told = false;
    loop {
        let began = Instant::now();
        let error = match catch_unwind(AssertUnwindSafe(&mut write)) {
            Ok(Ok(0)) => "it took none of the packets".to_string(),
            Ok(Ok(taken)) => return Ok(taken),
            Ok(Err(CommsError::NotReady(error))) => error,
            Ok(Err(error)) => return Err(error.to_string()),
            Err(panic) => return Err(panic_text(&*panic)),
        };
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
}
