//! A line that says what is being waited for, on a terminal only.

use std::io::IsTerminal as _;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use indicatif::{ProgressBar, ProgressDrawTarget};

use super::style;

/// Shorter waits need no explanation.
const SILENT: Duration = Duration::from_secs(1);
const REFRESH: Duration = Duration::from_secs(1);

/// Shows the line until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    showing: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Waiting for `what`. Without a terminal at standard error, nothing is shown.
    pub(crate) fn start(what: String) -> Self {
        if !std::io::stderr().is_terminal() {
            return Progress { showing: None };
        }
        let (end, ended) = bounded::<()>(0);
        let began = Instant::now();
        let show = move || {
            let line = ProgressBar::hidden();
            line.set_style(style("{msg}"));
            let mut pause = SILENT;
            let mut shown = false;
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let seconds = began.elapsed().as_secs();
                line.set_message(format!("{what} … {seconds} s"));
                if !shown {
                    line.set_draw_target(ProgressDrawTarget::stderr());
                }
                line.tick();
                (shown, pause) = (true, REFRESH);
            }
            line.finish_and_clear();
        };
        let thread = thread::Builder::new()
            .name("progress".to_owned())
            .spawn(show);
        Progress {
            showing: thread.ok().map(|thread| (end, thread)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.showing.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}
