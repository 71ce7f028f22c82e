//! What was refused: all of it is counted, and a part of it told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::front::{Front, GrpcEvent, Refusal};

/// Within that time, so many are told.
const WINDOW: Duration = Duration::from_secs(1);

/// Counts refusals, and tells as many of them as can be read.
pub(super) struct Refusals {
    front: Arc<dyn Front>,
    told_max: u32,
    state: Mutex<State>,
}

struct State {
    counts: BTreeMap<&'static str, u64>,
    since: Instant,
    told: u32,
}

impl Refusals {
    pub(super) fn new(front: Arc<dyn Front>, told_max: u32) -> Self {
        Refusals {
            front,
            told_max,
            state: Mutex::new(State {
                counts: BTreeMap::new(),
                since: Instant::now(),
                told: 0,
            }),
        }
    }

    /// Counts one, and tells it if there is room.
    pub(super) fn tell(&self, event: GrpcEvent) {
        let GrpcEvent::Refused { why, .. } = &event else {
            return;
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state.counts.entry(name(why)).or_default() += 1;
        if state.since.elapsed() >= WINDOW {
            (state.since, state.told) = (Instant::now(), 0);
        }
        let is_told = state.told < self.told_max;
        state.told = state.told.saturating_add(1);
        drop(state);
        if is_told {
            self.front.event(event);
        }
    }

    /// How many of each reason.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.counts.clone()
    }
}

fn name(why: &Refusal) -> &'static str {
    match why {
        Refusal::Unknown => "unknown",
        Refusal::Elsewhere => "elsewhere",
        Refusal::WrongConnection => "wrong_connection",
        Refusal::NoSession => "no_session",
        Refusal::Invalid(_) => "invalid",
        Refusal::Busy => "busy",
    }
}

impl std::fmt::Debug for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.counts()).finish()
    }
}
