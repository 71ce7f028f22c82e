//! A line in memory, which keeps what it is given in pieces.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use radio_hal::conformance::{Cutting, FarEnd};
use radio_hal::{ErrorKind, RadioError};

/// Octets on their way to the far end, at most.
pub(crate) const LINE_BYTES_MAX: usize = 16 << 10;

/// A line in memory; a clone is the same line.
#[derive(Clone)]
pub(crate) struct Line(Arc<(Mutex<State>, Condvar)>);

pub(crate) struct State {
    pub(crate) to_near: VecDeque<Vec<u8>>,
    to_far: VecDeque<Vec<u8>>,
    pub(crate) plugged: bool,
    /// How many times it was plugged in: tells one line from the next.
    pub(crate) generation: u64,
    /// Whether a radio has it: no other can.
    claimed: bool,
}

impl State {
    pub(crate) fn room_bytes(&self) -> usize {
        let used: usize = self.to_far.iter().map(Vec::len).sum();
        LINE_BYTES_MAX.saturating_sub(used)
    }

    pub(crate) fn put(&mut self, octets: &[u8]) {
        if !octets.is_empty() {
            self.to_far.push_back(octets.to_vec());
        }
    }
}

impl Line {
    pub(crate) fn new() -> Self {
        let state = State {
            to_near: VecDeque::new(),
            to_far: VecDeque::new(),
            plugged: true,
            generation: 1,
            claimed: false,
        };
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }

    pub(crate) fn changed(&self) {
        self.0.1.notify_all();
    }

    /// Waits for a change, at most until the deadline; gives `None` after it.
    pub(crate) fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        deadline: Instant,
    ) -> Option<MutexGuard<'a, State>> {
        let remaining = deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return None;
        }
        Some(self.0.1.wait_timeout(state, remaining).unwrap().0)
    }

    pub(crate) fn claim(&self) -> Result<Claim, RadioError> {
        if std::mem::replace(&mut self.state().claimed, true) {
            let text = "another radio has the line";
            return Err(RadioError::new(ErrorKind::Unavailable, text));
        }
        Ok(Claim(self.clone()))
    }
}

/// A radio has the line as long as this lives.
pub(crate) struct Claim(Line);

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.state().claimed = false;
    }
}

impl FarEnd for Line {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.state().to_near.push_back(octets.to_vec());
        self.changed();
        Ok(())
    }

    fn receive(&mut self, timeout: Duration) -> Vec<u8> {
        let deadline = Instant::now() + timeout;
        let mut state = self.state();
        loop {
            if let Some(piece) = state.to_far.pop_front() {
                self.changed();
                return piece;
            }
            match self.wait(state, deadline) {
                Some(changed) => state = changed,
                None => return Vec::new(),
            }
        }
    }

    fn cutting(&self) -> Cutting {
        Cutting::KeepsOctets
    }

    fn cut(&mut self) {
        let mut state = self.state();
        state.plugged = false;
        state.to_far.clear();
        drop(state);
        self.changed();
    }

    fn restore(&mut self) -> io::Result<()> {
        let mut state = self.state();
        state.to_near.clear();
        state.to_far.clear();
        state.plugged = true;
        state.generation += 1;
        drop(state);
        self.changed();
        Ok(())
    }
}
