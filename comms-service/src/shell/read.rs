//! The read thread: it waits for nothing but the radio.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use radio_hal::FrameBuffer;

use super::Shell;
use super::back_off::BackOff;
use super::guard::panic_text;
use crate::control::ReadManyFn;
use crate::error::CommsError;

/// A `read` that comes back with nothing faster than this did not wait.
const WAITED_MIN: Duration = Duration::from_micros(200);
/// So many such reads in a row, and the thread waits in its stead.
const EMPTY_READS_MAX: u32 = 50;
const EMPTY_PAUSE: Duration = Duration::from_millis(1);

pub(super) fn run<Connection>(
    shell: &Shell,
    read: &ReadManyFn<Connection>,
    connection: &Connection,
) {
    let mut back_off = BackOff::new();
    let mut packets = FrameBuffer::new();
    let mut empty_reads = 0;
    // Only a read that came back with nothing can have been one that did not wait.
    let mut began = Instant::now();
    while !shell.is_stopping() {
        packets.clear();
        let result = catch_unwind(AssertUnwindSafe(|| read(connection, &mut packets)));
        if shell.is_stopping() {
            return;
        }
        if !packets.is_empty() {
            shell.with_all(packets.iter(), |link, now, packets| {
                link.handle_packets(now, packets);
            });
        }
        let error = match result {
            Ok(Ok(())) if !packets.is_empty() => {
                back_off.reset();
                empty_reads = 0;
                began = Instant::now();
                continue;
            }
            Ok(Ok(()) | Err(CommsError::NoData)) => {
                back_off.reset();
                let waited = began.elapsed() >= WAITED_MIN;
                empty_reads = if waited { 0 } else { empty_reads + 1 };
                if empty_reads >= EMPTY_READS_MAX {
                    shell.stop().sleep(EMPTY_PAUSE);
                }
                began = Instant::now();
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic_text(&*panic),
        };
        let pause_ms = back_off.next_pause().as_millis();
        log::warn!("read failed, next try in {pause_ms} ms: {error}");
        shell.with(|link, _| link.handle_read_error(&error));
        back_off.pause(shell.stop());
        began = Instant::now();
    }
}
