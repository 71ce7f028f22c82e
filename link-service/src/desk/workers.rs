//! The threads that run transfers.

use std::io;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Desk;
use super::elsewhere;
use super::state::State;
use crate::code::Code;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::mover::Ran;
use crate::queue::{self, Route, Stop};
use crate::record::{Phase, Transfer, TransferId};

/// How long a thread that has nothing to do sleeps at most.
const LOOK: Duration = Duration::from_secs(60);

/// The threads. Dropped, they end: one that runs, at its next chunk.
pub struct Workers<F: Folders + 'static, J: Journal + 'static> {
    desk: Arc<Desk<F, J>>,
    threads: Vec<JoinHandle<()>>,
}

/// What a thread is to do.
enum Job {
    Run(Transfer),
    GiveUp(Transfer, Stop),
}

impl<F: Folders + 'static, J: Journal + 'static> Workers<F, J> {
    /// Starts so many. More than the queue has slots find nothing to do.
    ///
    /// # Errors
    /// When the system has no thread.
    pub fn start(desk: &Arc<Desk<F, J>>, count: usize) -> io::Result<Self> {
        let mut workers = Workers {
            desk: Arc::clone(desk),
            threads: Vec::with_capacity(count),
        };
        for number in 0..count {
            let desk = Arc::clone(desk);
            let thread = thread::Builder::new()
                .name(format!("mover-{number}"))
                .spawn(move || desk.work())?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }
}

impl<F: Folders + 'static, J: Journal + 'static> Drop for Workers<F, J> {
    fn drop(&mut self) {
        self.desk.stop();
        for thread in self.threads.drain(..) {
            // It told of a panic itself.
            let _ = thread.join();
        }
    }
}

impl<F: Folders, J: Journal> Desk<F, J> {
    /// Runs what is next until the desk stops.
    fn work(&self) {
        while let Some(job) = self.next_job() {
            let (transfer, ran) = match job {
                Job::Run(mut transfer) => {
                    let id = transfer.id;
                    let ran = self.mover.run(&mut transfer, &|| self.may_go_on(id));
                    (transfer, ran)
                }
                Job::GiveUp(mut transfer, why) => {
                    let (code, text) = match why {
                        Stop::Expired => (Code::Expired, "it was not delivered in its time"),
                        _ => (Code::Cancelled, "it was cancelled"),
                    };
                    let ran = self.mover.give_up(&mut transfer, code, text);
                    (transfer, ran)
                }
            };
            self.note(transfer, ran);
        }
    }

    fn next_job(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if state.stopping {
                return None;
            }
            let now = self.clock.now();
            if let Some(job) = take_job(&mut state, now) {
                if state.queue.poll_timeout().is_some() {
                    // Somebody else looks after the time.
                    self.shared.work.notify_one();
                }
                let (Job::Run(transfer) | Job::GiveUp(transfer, _)) = &job;
                state.running.insert(transfer.id, now.monotonic);
                return Some(job);
            }
            let due = state.queue.poll_timeout();
            let sleep = due.map_or(LOOK, |due| due.saturating_duration_since(Instant::now()));
            let waited = self.shared.work.wait_timeout(state, sleep.min(LOOK));
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn may_go_on(&self, id: TransferId) -> bool {
        let now = self.clock.now();
        let mut state = self.state();
        if let Some(sign) = state.running.get_mut(&id) {
            *sign = now.monotonic;
        }
        !state.stopping && state.queue.stop(now, id).is_none()
    }

    /// Of one that is over, and could not be cleared: whether that was so too often.
    fn is_left(&self, id: TransferId) -> bool {
        let mut state = self.state();
        let Some(entry) = state.transfers.get_mut(&id) else {
            return false;
        };
        entry.clearings = entry.clearings.saturating_add(1);
        entry.clearings >= self.limits.clearing_max
    }

    /// One that ran: it has ended, or runs again.
    fn note(&self, mut transfer: Transfer, ran: Ran) {
        let leads_elsewhere = ran == Ran::Elsewhere;
        let ran = match ran {
            Ran::Retry(code, text) if transfer.attempts >= self.limits.attempts_max => {
                self.mover.give_up(&mut transfer, code, &text)
            }
            ran => ran,
        };
        let ran = match ran {
            // Whoever waits for it hears the end, whatever is left of it.
            Ran::Retry(_, text) if transfer.phase == Phase::Ending && self.is_left(transfer.id) => {
                log::warn!("transfer {} is over, but not cleared: {text}", transfer.id);
                self.mover.end_uncleared(&mut transfer, &text)
            }
            ran => ran,
        };
        let (ran, waits_for) = match ran {
            Ran::Ended(_) => (queue::Ran::Ended, None),
            Ran::Preempted | Ran::Elsewhere => (queue::Ran::Stopped, None),
            Ran::Retry(code, text) => (queue::Ran::Retry, Some((code, text))),
        };
        let id = transfer.id;
        let mut state = self.state();
        state.running.remove(&id);
        let has_ended = matches!(transfer.phase, Phase::Ended(_));
        if let Some(entry) = state.transfers.get_mut(&id) {
            entry.is_now(transfer.clone());
            entry.waits_for = waits_for;
        }
        state.note_arrivals(&transfer);
        let now = self.clock.now();
        state.queue.handle_ran(now, id, ran);
        if leads_elsewhere {
            // Without a link it waits until there is one, or its time is over.
            let route = elsewhere::next_route(&transfer, &self.ways).unwrap_or(Route::Local);
            state.queue.reroute(now, id, route);
        }
        if has_ended {
            state.counts.note_end(&transfer);
            state.note_end(id);
        }
        let forget = || state.forget_one(&self.limits);
        let forgotten: Vec<TransferId> = std::iter::from_fn(forget).collect();
        drop(state);
        // What is next, this thread finds itself.
        for old in forgotten {
            if let Err(error) = self.mover.journal().forget(old) {
                log::warn!("transfer {old} is forgotten, but not by the journal: {error}");
            }
        }
    }
}

fn take_job(state: &mut State, now: queue::Now) -> Option<Job> {
    let transfer_of = |state: &State, id| {
        let entry = state.transfers.get(&id);
        entry.and_then(|entry| Some(entry.transfer()?.into_owned()))
    };
    if let Some((id, why)) = state.queue.poll_over(now) {
        return transfer_of(state, id).map(|transfer| Job::GiveUp(transfer, why));
    }
    let id = state.queue.poll_run(now, &Route::Local)?;
    transfer_of(state, id).map(Job::Run)
}
