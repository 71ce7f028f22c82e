//! Scans again and again.

use std::io;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use super::{Dropbox, DropboxCounts, Submit};
use crate::folders::Folders;

/// While requests are on their way, scans follow each other this much faster.
const HASTE: u32 = 8;

/// The thread `dropbox`. Dropped, it ends.
#[derive(Debug)]
pub struct DropboxThread {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<DropboxCounts>>,
}

impl DropboxThread {
    /// Scans at once, and then each `interval`; more often while requests are on their way.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start<F, S>(mut dropbox: Dropbox<F, S>, interval: Duration) -> io::Result<Self>
    where
        F: Folders + 'static,
        S: Submit + 'static,
    {
        let (stop, stopped) = bounded::<()>(0);
        let run = move || {
            loop {
                dropbox.scan();
                let pause = match dropbox.is_waiting() {
                    true => interval / HASTE,
                    false => interval,
                };
                match stopped.recv_timeout(pause) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return dropbox.counts(),
                }
            }
        };
        Ok(DropboxThread {
            stop: Some(stop),
            thread: Some(Builder::new().name("dropbox".to_owned()).spawn(run)?),
        })
    }

    /// Ends it after the scan that runs; gives what became of requests.
    #[must_use]
    pub fn stop(mut self) -> DropboxCounts {
        self.end()
    }

    fn end(&mut self) -> DropboxCounts {
        self.stop = None;
        let counts = self.thread.take().map(JoinHandle::join);
        counts.and_then(Result::ok).unwrap_or_default()
    }
}

impl Drop for DropboxThread {
    fn drop(&mut self) {
        self.end();
    }
}
