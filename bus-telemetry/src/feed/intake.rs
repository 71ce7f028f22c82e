//! A [`Board`] that a thread fills and others ask, and what became of all that was told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::board::Board;
use super::snapshot::{FeedError, Snapshot};
use crate::state::BusState;
use crate::telemetry::TelemetryError;

/// Its times are by a clock that does not jump.
#[derive(Debug)]
pub(super) struct Intake {
    started: Instant,
    board: Mutex<Board>,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    accepted: AtomicU64,
    too_long: AtomicU64,
    malformed: AtomicU64,
    empty: AtomicU64,
    out_of_range: AtomicU64,
    refused: AtomicU64,
    receive_failed: AtomicU64,
}

/// What became of each datagram or answer; all but `receive_failed` together are those that
/// came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Taken.
    pub accepted: u64,
    /// Dropped: [`FeedError::TooLong`].
    pub too_long: u64,
    /// Dropped: [`FeedError::Malformed`].
    pub malformed: u64,
    /// Dropped: [`FeedError::Empty`].
    pub empty: u64,
    /// Dropped: [`FeedError::OutOfRange`].
    pub out_of_range: u64,
    /// Dropped: [`FeedError::Refused`].
    pub refused: u64,
    /// The system could not give a datagram, or there was no answer.
    pub receive_failed: u64,
}

impl Intake {
    pub(super) fn new(age_max: Duration) -> Self {
        Self {
            started: Instant::now(),
            board: Mutex::new(Board::new(age_max)),
            tally: Tally::default(),
        }
    }

    /// By the clock of its times.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes, or counts, what was told at `at`.
    pub(super) fn take(
        &self,
        told: Result<Snapshot, FeedError>,
        at: Duration,
    ) -> Result<(), FeedError> {
        let tally = &self.tally;
        match &told {
            Ok(_) => {}
            Err(FeedError::TooLong) => count(&tally.too_long),
            Err(FeedError::Malformed(_)) => count(&tally.malformed),
            Err(FeedError::Empty) => count(&tally.empty),
            Err(FeedError::OutOfRange { .. }) => count(&tally.out_of_range),
            Err(FeedError::Refused(_)) => count(&tally.refused),
        }
        let board = self.board.lock();
        let mut board = board.unwrap_or_else(PoisonError::into_inner);
        board.put(told?, at);
        // After it can be seen: who sees the count may ask.
        count(&tally.accepted);
        Ok(())
    }

    /// Nothing could be had.
    pub(super) fn failed(&self) {
        count(&self.tally.receive_failed);
    }

    pub(super) fn state(&self) -> Result<BusState, TelemetryError> {
        let board = self.board.lock();
        let board = board.unwrap_or_else(PoisonError::into_inner);
        board.state(self.now())
    }

    pub(super) fn counters(&self) -> Counters {
        let tally = &self.tally;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            accepted: count(&tally.accepted),
            too_long: count(&tally.too_long),
            malformed: count(&tally.malformed),
            empty: count(&tally.empty),
            out_of_range: count(&tally.out_of_range),
            refused: count(&tally.refused),
            receive_failed: count(&tally.receive_failed),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
