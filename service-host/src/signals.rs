//! Being told to stop.

use std::io;
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

/// Exit code of a process ended by signal `n` is 128 + `n`, by the convention
/// of the shells.
const SIGNAL_EXIT_CODE_BASE: i32 = 128;

/// A request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C at a terminal.
    Interrupt,
    /// SIGTERM: the service manager stops the service.
    Terminate,
}

impl std::fmt::Display for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// Takes over SIGINT and SIGTERM: the first one arrives at the receiver, for
/// the service to stop in good order; a second one ends the process at once
/// with code 130 or 143, for a stop that hangs.
///
/// Call it once, early: before it, the signals end the process.
/// Fails if the operating system refuses the handlers or the thread.
pub fn stop_requested() -> io::Result<Receiver<Signal>> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let (request, requests) = bounded(1);
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for (count, number) in signals.forever().enumerate() {
                if count > 0 {
                    low_level::exit(SIGNAL_EXIT_CODE_BASE + number);
                }
                let signal = if number == SIGINT {
                    Signal::Interrupt
                } else {
                    Signal::Terminate
                };
                // Nobody listening any more means that the service is already
                // stopping; the next signal then ends it.
                let _ = request.send(signal);
            }
        })?;
    Ok(requests)
}
