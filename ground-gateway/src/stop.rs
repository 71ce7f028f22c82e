//! Being told to stop, for as many waiters as there are.

use std::convert::Infallible;
use std::io;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, after, bounded, never, select};
use service_host::signals;

/// Says whether to stop. Once it says so it stays so, for every clone.
#[derive(Clone, Debug)]
pub struct Stop {
    stopped: Receiver<Infallible>,
    /// Keeps a `Stop` that never stops from being disconnected.
    _kept: Option<Sender<Infallible>>,
}

/// Stops when it is dropped.
#[derive(Debug)]
pub struct StopHandle {
    _running: Sender<Infallible>,
}

impl Stop {
    /// Never stops.
    pub fn never() -> Self {
        let (kept, stopped) = bounded(0);
        Stop {
            stopped,
            _kept: Some(kept),
        }
    }

    /// Stops when the handle is dropped.
    pub fn pair() -> (StopHandle, Self) {
        let (running, stopped) = bounded(0);
        let stop = Stop {
            stopped,
            _kept: None,
        };
        (StopHandle { _running: running }, stop)
    }

    /// Stops at SIGINT or SIGTERM, or when `limit` is over. A second signal ends
    /// the process at once.
    ///
    /// # Errors
    /// Where the system refuses the handlers or a thread.
    pub fn at_signal(limit: Option<Duration>) -> io::Result<Self> {
        let signals = signals::stop_requested()?;
        let (handle, stop) = Self::pair();
        thread::Builder::new()
            .name("stop".to_owned())
            .spawn(move || {
                let over = limit.map_or_else(never, after);
                select! {
                    recv(signals) -> _ => {}
                    recv(over) -> _ => {}
                }
                drop(handle);
            })?;
        Ok(stop)
    }

    /// Becomes ready, disconnected, when it is time to stop.
    pub(crate) fn stopped(&self) -> &Receiver<Infallible> {
        &self.stopped
    }

    /// Waits for `pause`; false when it is time to stop.
    pub(crate) fn sleep(&self, pause: Duration) -> bool {
        use crossbeam_channel::RecvTimeoutError;
        self.stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout)
    }
}
