//! A stop that is asked for once, and seen by all who look or wait.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::unpoisoned;

pub(crate) struct Stop {
    requested: AtomicBool,
    /// Dropped to wake all who wait for the other half.
    sender: Mutex<Option<Sender<()>>>,
    receiver: Receiver<()>,
}

impl Stop {
    pub(super) fn new() -> Self {
        let (sender, receiver) = bounded(0);
        Stop {
            requested: AtomicBool::new(false),
            sender: Mutex::new(Some(sender)),
            receiver,
        }
    }

    pub(super) fn request(&self) {
        self.requested.store(true, Ordering::Release);
        unpoisoned(&self.sender).take();
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Acquire)
    }

    /// Nothing ever comes by it: it only disconnects, when the stop is asked for.
    pub(crate) fn requested(&self) -> &Receiver<()> {
        &self.receiver
    }

    /// Waits, but not beyond the stop; false when that was asked for.
    pub(crate) fn sleep(&self, pause: Duration) -> bool {
        let _ = self.receiver.recv_timeout(pause);
        !self.is_requested()
    }
}
