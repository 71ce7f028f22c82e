//! Frames that wait for the disk. Who gives one never waits: where there is no room, it is
//! dropped and counted.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ArchivedFrame;

/// Frames that wait at most.
pub(crate) const QUEUE_FRAMES_MAX: usize = 16_384;
/// Their octets at most; a single frame may always wait.
pub(crate) const QUEUE_BYTES_MAX: usize = 4 << 20;

/// Frames on their way to the archive thread.
#[derive(Debug)]
pub(super) struct Queue {
    frames_max: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<ArchivedFrame>,
    octets: usize,
    /// Since the last [`Queue::take`].
    heard: u64,
    full: u64,
    is_closed: bool,
}

/// What was taken out at once: `heard == frames.len() + full`.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) frames: Vec<ArchivedFrame>,
    /// Frames that were given since the last time.
    pub(super) heard: u64,
    /// Those of them for which there was no room.
    pub(super) full: u64,
}

impl Queue {
    pub(super) fn new(frames_max: usize) -> Self {
        Queue {
            frames_max,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn give(&self, frame: ArchivedFrame) {
        let mut state = self.state();
        state.heard += 1;
        let octets = frame.octets.len();
        let has_room = state.frames.is_empty()
            || (state.frames.len() < self.frames_max && state.octets + octets <= QUEUE_BYTES_MAX);
        if !has_room {
            state.full += 1;
            return;
        }
        state.octets += octets;
        state.frames.push_back(frame);
        // In between, who takes looks by itself.
        if state.frames.len() == 1 || self.is_much(&state) {
            self.changed.notify_all();
        }
    }

    fn is_much(&self, state: &State) -> bool {
        state.frames.len() >= self.frames_max.div_ceil(2) || state.octets >= QUEUE_BYTES_MAX / 2
    }

    /// Waits for a frame, then up to `gather` for more, and takes all; none once it is closed
    /// and empty.
    pub(super) fn take(&self, gather: Duration) -> Option<Taken> {
        let mut state = self.state();
        while state.heard == 0 && !state.is_closed {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        let deadline = Instant::now() + gather;
        while !state.is_closed && !self.is_much(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.heard == 0 {
            return None;
        }
        state.octets = 0;
        Some(Taken {
            frames: std::mem::take(&mut state.frames).into(),
            heard: std::mem::take(&mut state.heard),
            full: std::mem::take(&mut state.full),
        })
    }

    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }

    /// Whether who takes should come.
    pub(super) fn is_urgent(&self) -> bool {
        let state = self.state();
        state.is_closed || self.is_much(&state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(octets: usize) -> ArchivedFrame {
        ArchivedFrame {
            at: Duration::ZERO,
            octets: vec![7; octets],
            refused: None,
        }
    }

    #[test]
    fn what_has_no_room_is_counted_and_nobody_waits() {
        let queue = Queue::new(3);
        for _ in 0..5 {
            queue.give(frame(10));
        }
        let taken = queue.take(Duration::ZERO).unwrap();
        assert_eq!((taken.heard, taken.full, taken.frames.len()), (5, 2, 3));
        queue.close();
        assert!(queue.take(Duration::ZERO).is_none());
    }

    #[test]
    fn octets_are_bounded_but_for_a_single_frame() {
        let queue = Queue::new(100);
        queue.give(frame(2 * QUEUE_BYTES_MAX));
        queue.give(frame(1));
        let taken = queue.take(Duration::ZERO).unwrap();
        assert_eq!((taken.frames.len(), taken.full), (1, 1));
        queue.give(frame(1));
        assert_eq!(queue.take(Duration::ZERO).unwrap().frames.len(), 1);
    }

    #[test]
    fn what_was_given_before_it_was_closed_is_taken() {
        let queue = Queue::new(100);
        queue.give(frame(1));
        queue.close();
        let taken = queue.take(Duration::from_secs(3600)).unwrap();
        assert_eq!(taken.frames.len(), 1);
    }
}
