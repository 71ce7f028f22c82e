//! Being told to stop.
//!
//! A service stops on SIGINT, SIGTERM and SIGQUIT: [`stop_requested`]. A command at a
//! terminal also stops, in good order, when its terminal is closed:
//! [`stop_requested_or_hang_up`]. SIGHUP tells a service to read its configuration
//! again: [`stop_or_reload_requested`].

use std::fs;
use std::io;
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

/// Exit code of a process ended by signal `n` is 128 + `n`, by the convention
/// of the shells.
const SIGNAL_EXIT_CODE_BASE: i32 = 128;

/// A request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// SIGINT: Ctrl-C at a terminal.
    Interrupt,
    /// SIGTERM: the service manager stops the service.
    Terminate,
    /// SIGQUIT: Ctrl-\ at a terminal, or whoever would have a core otherwise.
    Quit,
    /// SIGHUP: the terminal was closed.
    HangUp,
}

impl Signal {
    fn from_number(number: i32) -> Self {
        match number {
            SIGINT => Self::Interrupt,
            SIGQUIT => Self::Quit,
            SIGHUP => Self::HangUp,
            _ => Self::Terminate,
        }
    }
}

impl std::fmt::Display for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Quit => "SIGQUIT",
            Self::HangUp => "SIGHUP",
        })
    }
}

/// Takes over SIGINT, SIGTERM and SIGQUIT: the first one arrives at the receiver,
/// for the program to stop in good order; a second one ends the process at once
/// with code 130, 143 or 131, for a stop that hangs.
///
/// Call it once, before anything is started that wants a good end: until then,
/// the signals end the process.
///
/// # Errors
/// When the operating system refuses the handlers or the thread.
pub fn stop_requested() -> io::Result<Receiver<Signal>> {
    take_over(&[SIGINT, SIGTERM, SIGQUIT])
}

/// [`stop_requested`] that takes over SIGHUP as well: each arrives at the second
/// receiver, those that come in quick succession as one.
///
/// # Errors
/// When the operating system refuses the handlers or the thread.
pub fn stop_or_reload_requested() -> io::Result<(Receiver<Signal>, Receiver<()>)> {
    let (reload, reloads) = bounded(1);
    let stops = take_over_with(&[SIGINT, SIGTERM, SIGQUIT, SIGHUP], move |number| {
        let is_reload = number == SIGHUP;
        if is_reload {
            // One that waits says it all.
            let _ = reload.try_send(());
        }
        is_reload
    })?;
    Ok((stops, reloads))
}

/// [`stop_requested`] that takes over SIGHUP as well, unless the process was
/// started to ignore it, as `nohup` does.
///
/// A SIGHUP after the first signal changes nothing: the kernel and the shell
/// each send one when a terminal is closed.
///
/// # Errors
/// When the operating system refuses the handlers or the thread.
pub fn stop_requested_or_hang_up() -> io::Result<Receiver<Signal>> {
    if hang_up_is_ignored() {
        return stop_requested();
    }
    take_over(&[SIGINT, SIGTERM, SIGQUIT, SIGHUP])
}

fn take_over(numbers: &[i32]) -> io::Result<Receiver<Signal>> {
    take_over_with(numbers, |_| false)
}

/// Takes over signals; those that `is_other` takes do not ask to stop.
fn take_over_with(
    numbers: &[i32],
    is_other: impl Fn(i32) -> bool + Send + 'static,
) -> io::Result<Receiver<Signal>> {
    let mut signals = Signals::new(numbers)?;
    let (request, requests) = bounded(1);
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let mut asked = false;
            for number in signals.forever() {
                if is_other(number) {
                    continue;
                }
                if !asked {
                    asked = true;
                    // Nobody listening any more means that the program is
                    // already stopping; the next signal then ends it.
                    let _ = request.send(Signal::from_number(number));
                } else if number != SIGHUP {
                    low_level::exit(SIGNAL_EXIT_CODE_BASE + number);
                }
            }
        })?;
    Ok(requests)
}

/// Whether SIGHUP is ignored, as far as the system tells: Linux does, in the
/// process's status, as a mask of signals in hexadecimal (proc(5)).
fn hang_up_is_ignored() -> bool {
    let Ok(status) = fs::read_to_string("/proc/self/status") else {
        return false;
    };
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}
