//! The clock thread: it wakes the engine when a time-out is due.

use std::time::Instant;

use crossbeam_channel::{Receiver, after, never, select};

use super::Shell;

pub(super) fn run(shell: &Shell, wake: &Receiver<()>) {
    while !shell.is_stopping() {
        shell.with(|link, now| link.handle_timeout(now));
        let alarm = shell.rearm();
        let alarm = alarm.map(|at| at.saturating_duration_since(Instant::now()));
        let due = alarm.map_or_else(never, after);
        select! {
            recv(due) -> _ => {}
            recv(wake) -> _ => {}
            recv(shell.stop().requested()) -> _ => {}
        }
    }
}
