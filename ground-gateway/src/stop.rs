//! Being told to stop, for as many waiters as there are.

use std::convert::Infallible;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use service_host::signals;

/// Says whether to stop. Once it says so it stays so, for every clone.
#[derive(Clone, Debug)]
pub struct Stop {
    stopped: Receiver<Infallible>,
    /// When it stops at the latest.
    over: Option<Instant>,
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
            over: None,
            _kept: Some(kept),
        }
    }

    /// Stops when the handle is dropped.
    pub fn pair() -> (StopHandle, Self) {
        let (running, stopped) = bounded(0);
        let stop = Stop {
            stopped,
            over: None,
            _kept: None,
        };
        (StopHandle { _running: running }, stop)
    }

    /// Stops at SIGINT, SIGTERM or the end of the terminal. A second signal ends
    /// the process at once.
    ///
    /// # Errors
    /// Where the system refuses the handlers or a thread.
    pub fn at_signal() -> io::Result<Self> {
        let signals = signals::stop_requested_or_hang_up()?;
        let (handle, stop) = Self::pair();
        thread::Builder::new()
            .name("stop".to_owned())
            .spawn(move || {
                let _ = signals.recv();
                drop(handle);
            })?;
        Ok(stop)
    }

    /// Stops when either does.
    ///
    /// # Errors
    /// The system has no thread to listen to both.
    pub(crate) fn or(&self, other: &Stop) -> io::Result<Self> {
        let (handle, either) = Self::pair();
        let (one, other) = (self.clone(), other.clone());
        thread::Builder::new()
            .name("stop".to_owned())
            .spawn(move || {
                crossbeam_channel::select! {
                    recv(one.stopped) -> _ => {}
                    recv(other.stopped) -> _ => {}
                }
                drop(handle);
            })?;
        Ok(either)
    }

    /// The same, which stops after `limit` too.
    pub(crate) fn within(&self, limit: Option<Duration>) -> Self {
        Stop {
            over: limit.map(|limit| Instant::now() + limit),
            ..self.clone()
        }
    }

    /// Whether somebody said to stop.
    pub(crate) fn is_told(&self) -> bool {
        self.stopped.try_recv() == Err(TryRecvError::Disconnected)
    }

    /// Becomes ready, disconnected, when somebody says to stop.
    pub(crate) fn told(&self) -> &Receiver<Infallible> {
        &self.stopped
    }

    /// The earlier of `deadline` and the time at which this stops by itself.
    pub(crate) fn or_over(&self, deadline: Option<Instant>) -> Option<Instant> {
        [deadline, self.over].into_iter().flatten().min()
    }

    /// Whether its time is over.
    pub(crate) fn is_over(&self) -> bool {
        self.over.is_some_and(|over| Instant::now() >= over)
    }

    /// Waits for `pause`; false when it is time to stop.
    pub(crate) fn sleep(&self, pause: Duration) -> bool {
        let pause_end = Instant::now() + pause;
        let until = self.or_over(Some(pause_end)).unwrap_or(pause_end);
        self.stopped.recv_deadline(until) == Err(RecvTimeoutError::Timeout) && !self.is_over()
    }
}
