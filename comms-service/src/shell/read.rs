//! The read thread: it waits for nothing but the radio.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::{Shell, panic_text};
use crate::control::ReadFn;
use crate::error::CommsError;

/// Pause after the first failure of `read`; doubled with each further one.
const BACK_OFF_MIN: Duration = Duration::from_millis(10);
/// Longest pause after a failure of `read`.
const BACK_OFF_MAX: Duration = Duration::from_secs(1);

/// A `read` that comes back with nothing faster than this did not wait.
const WAITED_MIN: Duration = Duration::from_micros(200);
/// So many such reads in a row, and the thread waits in its stead.
const EMPTY_READS_MAX: u32 = 50;
const EMPTY_PAUSE: Duration = Duration::from_millis(1);

pub(super) fn run<Connection>(shell: &Shell, read: &ReadFn<Connection>, connection: &Connection) {
    let mut back_off = BACK_OFF_MIN;
    let mut empty_reads = 0;
    while !shell.is_stopping() {
        let began = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| read(connection)));
        if shell.is_stopping() {
            return;
        }
        let pause = match result {
            Ok(Ok(octets)) if !octets.is_empty() => {
                shell.with(|link, now| link.handle_packet(now, octets));
                (back_off, empty_reads) = (BACK_OFF_MIN, 0);
                continue;
            }
            Ok(Ok(_) | Err(CommsError::NoData)) => {
                back_off = BACK_OFF_MIN;
                let waited = began.elapsed() >= WAITED_MIN;
                empty_reads = if waited { 0 } else { empty_reads + 1 };
                if empty_reads < EMPTY_READS_MAX {
                    continue;
                }
                EMPTY_PAUSE
            }
            failed => {
                let text = match failed {
                    Ok(Err(error)) => error.to_string(),
                    Err(panic) => panic_text(&*panic),
                    Ok(Ok(_)) => continue,
                };
                log::warn!(
                    "read failed, next try in {} ms: {text}",
                    back_off.as_millis()
                );
                shell.with(|link, _| link.handle_read_error(&text));
                let pause = back_off;
                back_off = (2 * back_off).min(BACK_OFF_MAX);
                pause
            }
        };
        // Nothing is ever sent by this channel: it only disconnects.
        let _ = shell.stop().recv_timeout(pause);
    }
}
