//! What goes to durable storage, and when.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Security, State};
use crate::message::End;

/// How long after a failed store the next is tried.
const STORE_AGAIN: Duration = Duration::from_secs(1);

/// Of one association: numbers below `durable` survive a loss of power.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// Tells it from another of the same SPI, under other keys.
    id: u64,
    pub(super) durable: u64,
    /// What the next store is to make durable.
    pub(super) wanted: u64,
}

/// A store that was asked for and has not ended.
#[derive(Debug)]
pub(super) struct Storing {
    token: u64,
    version: u64,
    limits: BTreeMap<u16, (u64, u64)>,
}

impl Security {
    /// A limit of which `durable` is on storage.
    pub(super) fn new_limit(&mut self, durable: u64) -> Limit {
        self.limits_made += 1;
        Limit {
            id: self.limits_made,
            durable,
            wanted: durable,
        }
    }

    pub(super) fn limit(&mut self, spi: u16) -> Limit {
        if let Some(limit) = self.limits.get(&spi) {
            return *limit;
        }
        let limit = self.new_limit(0);
        self.limits.insert(spi, limit);
        limit
    }

    pub(super) fn want(&mut self, spi: u16, number: u64) {
        if let Some(limit) = self.limits.get_mut(&spi) {
            limit.wanted = limit.wanted.max(number);
        }
    }

    /// Octets to be stored, if there are any now; then, with the token,
    /// [`handle_stored`](Self::handle_stored).
    pub fn poll_store(&mut self, now: Instant) -> Option<(u64, Vec<u8>)> {
        let early = self.store_again_at.is_some_and(|at| now < at);
        let behind = |limit: &Limit| limit.wanted > limit.durable;
        let wanted = self.version > self.durable_version || self.limits.values().any(behind);
        if self.closed || self.storing.is_some() || early || !wanted {
            return None;
        }
        self.state.serial += 1;
        let token = self.state.serial;
        let limits = self.limits.iter();
        self.storing = Some(Storing {
            token,
            version: self.version,
            limits: limits
                .map(|(spi, limit)| (*spi, (limit.id, limit.wanted)))
                .collect(),
        });
        let numbers = self.limits.iter();
        Some((
            token,
            self.encode(numbers.map(|(spi, limit)| (*spi, limit.wanted)).collect()),
        ))
    }

    /// The octets of `token` are durable, or could not be stored.
    pub fn handle_stored(&mut self, now: Instant, token: u64, is_durable: bool) {
        let Some(stored) = self.storing.take_if(|storing| storing.token == token) else {
            return;
        };
        if !is_durable {
            self.store_again_at = Some(now + STORE_AGAIN);
            return;
        }
        self.store_again_at = None;
        self.durable_version = stored.version;
        for (spi, (id, number)) in stored.limits {
            if let Some(limit) = self.limits.get_mut(&spi).filter(|limit| limit.id == id) {
                limit.durable = limit.durable.max(number);
            }
        }
        self.waits = false;
    }

    /// The exact state at a clean stop: nothing is sent or taken after that.
    pub fn close(&mut self) -> Vec<u8> {
        self.closed = true;
        self.state.serial += 1;
        let exact = |(spi, limit): (&u16, &Limit)| {
            let window = self.windows.get(spi).map(super::Window::next);
            let number = self.next.get(spi).copied().or(window);
            (*spi, number.unwrap_or(limit.durable))
        };
        let numbers = self.limits.iter().map(exact).collect();
        self.encode(numbers)
    }

    fn encode(&self, numbers: BTreeMap<u16, u64>) -> Vec<u8> {
        let state = State {
            numbers,
            ..self.state.clone()
        };
        state.encode()
    }

    /// When [`handle_timeout`](Self::handle_timeout) or
    /// [`poll_store`](Self::poll_store) is due, if nothing happens before.
    pub fn next_deadline(&self) -> Option<Instant> {
        let beacon = self.beacon_at.filter(|_| self.end == End::Satellite);
        let again = self.resync_again.as_ref().map(|again| again.at);
        let store = self.store_again_at.filter(|_| self.storing.is_none());
        [beacon, again, store].into_iter().flatten().min()
    }
}
