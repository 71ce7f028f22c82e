//! A transmit thread: the only place that calls its `write`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::{Receiver, select};

use super::{Shell, panic_text};
use crate::control::WriteFn;

pub(super) fn run<Connection>(
    shell: &Shell,
    number: usize,
    write: &WriteFn<Connection>,
    connection: &Connection,
    wake: &Receiver<()>,
) {
    let mut packet = Vec::new();
    while !shell.is_stopping() {
        if !shell.with(|link, now| link.poll_packet(now, number, &mut packet)) {
            select! {
                recv(wake) -> _ => {}
                recv(shell.stop()) -> _ => {}
            }
            continue;
        }
        let result = match catch_unwind(AssertUnwindSafe(|| write(connection, &packet))) {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(panic) => Err(panic_text(&*panic)),
        };
        if let Err(error) = &result {
            log::warn!("write {number} failed: {error}");
        }
        shell.with(|link, now| link.handle_written(now, number, result));
    }
}
