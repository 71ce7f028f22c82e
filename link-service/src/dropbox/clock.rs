//! Scans again and again.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use super::{Dropbox, DropboxCounts, Submit};

/// Looks whether requests are over, from one scan to the next.
const POLLS: u32 = 8;

/// The thread `dropbox`. Dropped, it ends.
#[derive(Debug)]
pub struct DropboxThread {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    counter: DropboxCounter,
}

/// What became of requests, for whoever wants to know. Clones count the same.
#[derive(Clone, Debug, Default)]
pub struct DropboxCounter(Arc<Mutex<DropboxCounts>>);

impl DropboxThread {
    /// Scans at once, and then each `interval`; whether requests are over, it looks more
    /// often.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start<S: Submit + 'static>(
        mut dropbox: Dropbox<S>,
        interval: Duration,
    ) -> io::Result<Self> {
        let (stop, stopped) = bounded::<()>(0);
        let counter = DropboxCounter::default();
        let told = counter.clone();
        let run = move || {
            for turn in (0..POLLS).cycle() {
                match turn {
                    0 => dropbox.scan(),
                    _ => dropbox.poll(),
                }
                told.set(dropbox.counts());
                match stopped.recv_timeout(interval / POLLS) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
                }
            }
        };
        Ok(DropboxThread {
            stop: Some(stop),
            thread: Some(Builder::new().name("dropbox".to_owned()).spawn(run)?),
            counter,
        })
    }

    /// What became of requests.
    #[must_use]
    pub fn counter(&self) -> DropboxCounter {
        self.counter.clone()
    }
}

impl DropboxCounter {
    /// As it is now.
    #[must_use]
    pub fn counts(&self) -> DropboxCounts {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, counts: DropboxCounts) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }
}

impl Drop for DropboxThread {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of it was told by the panic.
            let _ = thread.join();
        }
    }
}
