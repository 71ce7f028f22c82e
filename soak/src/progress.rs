//! How far it is: a line that renews itself on a terminal, now and then a line of its
//! own where somebody keeps what is written.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::{Duration, Instant};

const ON_A_TERMINAL: Duration = Duration::from_millis(250);
const ELSEWHERE: Duration = Duration::from_secs(10);

pub(crate) struct Progress {
    began: Instant,
    shown: Instant,
    is_terminal: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            shown: Instant::now(),
            is_terminal: stderr().is_terminal(),
        }
    }

    /// Shows that `share` (0 to 1) is done, if it was not just shown.
    pub(crate) fn show(&mut self, share: f64, text: impl FnOnce() -> String) {
        let pause = if self.is_terminal {
            ON_A_TERMINAL
        } else {
            ELSEWHERE
        };
        if self.shown.elapsed() < pause {
            return;
        }
        self.shown = Instant::now();
        let (seconds, percent) = (self.began.elapsed().as_secs(), 100.0 * share);
        let line = format!("{seconds:>6} s  {percent:>3.0} %  {}", text());
        let _ = match self.is_terminal {
            true => write!(stderr(), "\r\x1b[K{line}"),
            false => writeln!(stdout(), "{line}"),
        };
    }

    pub(crate) fn end(&mut self) {
        if self.is_terminal {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
