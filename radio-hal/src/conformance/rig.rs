//! One driver on one line: what a check works with.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::bench::{Bench, Reopen, Setup};
use super::calls::Calls;
use super::far::Far;
use super::heard::{Heard, has, packets};
use super::near::{ARRIVAL, Near, Receiving, Transmitting};
use super::violation::Violation;
use crate::error::RadioError;

/// Between an error of the driver and the next call, as its callers do.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(20);
/// Between two looks at what was heard.
const LOOK: Duration = Duration::from_millis(2);

/// One driver on one line.
pub(super) struct Rig {
    pub(super) setup: Setup,
    pub(super) near: Near,
    pub(super) far: Far,
    pub(super) reopen: Option<Reopen>,
    pub(super) calls: Arc<Calls>,
}

impl Rig {
    pub(super) fn open(bench: &mut dyn Bench) -> Result<Self, RadioError> {
        let setup = bench.setup();
        let link = bench.connect()?;
        let calls = Arc::default();
        Ok(Self {
            near: Near::new(link.radio, &setup, &calls)?,
            far: Far::new(link.far, &setup)?,
            reopen: link.reopen,
            setup,
            calls,
        })
    }

    /// Receives in a thread of its own, as a service does, while `work` runs with
    /// the other parts.
    pub(super) fn while_receiving<R>(
        &mut self,
        work: impl FnOnce(&mut Transmitting, &mut Far, &Listening) -> Result<R, Violation>,
    ) -> Result<R, Violation> {
        let listening = Listening {
            heard: Mutex::default(),
            over: AtomicBool::new(false),
            wait: self.setup.wait(),
        };
        let Near {
            receiving,
            transmitting,
        } = &mut self.near;
        thread::scope(|scope| {
            let receiver = scope.spawn(|| listening.listen(receiving));
            let worked = work(transmitting, &mut self.far, &listening);
            listening.over.store(true, Ordering::Relaxed);
            match receiver.join() {
                // What the receiver broke is why the work failed.
                Ok(Err(violation)) => Err(violation),
                _ => worked,
            }
        })
    }

    /// Hears at the far end while `work` transmits in a thread of its own; gives
    /// what was heard until `count` packets were there.
    pub(super) fn while_transmitting(
        &mut self,
        count: usize,
        work: impl FnOnce(&mut Transmitting) -> Result<(), Violation> + Send,
    ) -> Result<Vec<Heard>, Violation> {
        let transmitting = &mut self.near.transmitting;
        let far = &mut self.far;
        thread::scope(|scope| {
            let transmitter = scope.spawn(|| work(transmitting));
            let mut heard = Vec::new();
            while !transmitter.is_finished() {
                heard.extend(far.hear(LOOK));
            }
            if let Ok(Err(violation)) = transmitter.join() {
                return Err(violation);
            }
            let missing = count.saturating_sub(packets(&heard));
            heard.extend(far.hear_packets(missing));
            Ok(heard)
        })
    }
}

/// What the driver gave so far.
pub(super) struct Listening {
    heard: Mutex<Vec<Heard>>,
    over: AtomicBool,
    wait: Duration,
}

impl Listening {
    fn listen(&self, receiving: &mut Receiving) -> Result<(), Violation> {
        let outcome = loop {
            if self.over.load(Ordering::Relaxed) {
                break Ok(());
            }
            match receiving.hear(self.wait) {
                Err(violation) => break Err(violation),
                Ok(heard) => {
                    let failed = heard.iter().any(Heard::is_error);
                    self.with(|all| all.extend(heard));
                    if failed {
                        thread::sleep(PAUSE_AFTER_ERROR);
                    }
                }
            }
        };
        // Whoever waits for more waits in vain.
        self.over.store(true, Ordering::Relaxed);
        outcome
    }

    fn with<R>(&self, look: impl FnOnce(&mut Vec<Heard>) -> R) -> R {
        look(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the predicate holds for what was heard; gives whether it came
    /// to that before nothing new came for `silence`.
    pub(super) fn wait_for(&self, silence: Duration, is_there: impl Fn(&[Heard]) -> bool) -> bool {
        let mut known = 0;
        let mut deadline = Instant::now() + silence;
        loop {
            let (there, count) = self.with(|heard| (is_there(heard), heard.len()));
            if there {
                return true;
            }
            if count != known {
                known = count;
                deadline = Instant::now() + silence;
            }
            if self.over.load(Ordering::Relaxed) || Instant::now() > deadline {
                return false;
            }
            thread::sleep(LOOK);
        }
    }

    /// Waits for `count` packets, and a little longer for what is too much; takes
    /// what was heard.
    pub(super) fn take_packets(&self, count: usize) -> Vec<Heard> {
        self.wait_for(ARRIVAL, |heard| packets(heard) >= count);
        self.wait_for(self.wait, |_| false);
        self.with(std::mem::take)
    }

    /// Waits for this packet; gives whether it came.
    pub(super) fn wait_for_packet(&self, packet: &[u8]) -> bool {
        self.wait_for(ARRIVAL, |heard| has(heard, packet))
    }

    /// Waits up to `within` for an error; gives whether there is one.
    pub(super) fn wait_for_error(&self, within: Duration) -> bool {
        self.wait_for(within, |heard| heard.iter().any(Heard::is_error))
    }

    pub(super) fn take(&self) -> Vec<Heard> {
        self.with(std::mem::take)
    }
}
