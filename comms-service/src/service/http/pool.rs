//! Which connections are free for which service.
//!
//! Connections live in numbered slots. A slot is free, or its connection is idle, or
//! it belongs to whoever took it from here.

use std::time::{Duration, Instant};

/// Idle connections kept to each service.
const IDLE_PER_SERVICE_MAX: usize = 4;
/// Idle connections kept in all.
pub(super) const IDLE_MAX: usize = 256;
/// Idle connections are closed after this.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// Those beyond [`IDLE_PER_SERVICE_MAX`] are closed after this: in a burst of
/// queries, a connection is idle only until the next one comes.
const SURPLUS_TIMEOUT: Duration = Duration::from_millis(250);
/// Connections idle for longer are not used again.
const REUSE_MAX: Duration = Duration::from_secs(4);

#[derive(Debug)]
pub(super) struct Pool {
    free: Vec<usize>,
    /// The one used last comes last.
    idle: Vec<Idle>,
    busy: usize,
    is_closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Idle {
    port: u16,
    slot: usize,
    since: Instant,
}

impl Pool {
    pub(super) fn new(slots: usize) -> Self {
        Pool {
            free: (0..slots).rev().collect(),
            idle: Vec::new(),
            busy: 0,
            is_closed: false,
        }
    }

    /// A slot for a query to `port`: that of the connection used last, so that few
    /// are used and the others may be closed, or a free one.
    pub(super) fn take(&mut self, now: Instant, port: u16) -> Option<usize> {
        let may_serve =
            |idle: &Idle| idle.port == port && now.duration_since(idle.since) <= REUSE_MAX;
        let slot = match self.idle.iter().rposition(may_serve) {
            _ if self.is_closed => return None,
            Some(at) => self.idle.remove(at).slot,
            None => self.free.pop()?,
        };
        self.busy += 1;
        Some(slot)
    }

    /// The query of a slot is done; its connection is kept if there is room, which
    /// this tells. If there is none, it is to be [`free`](Self::free)d.
    pub(super) fn keep(&mut self, now: Instant, port: u16, slot: usize) -> bool {
        self.busy -= 1;
        let has_room = self.idle.len() < IDLE_MAX;
        if has_room {
            let since = now;
            self.idle.push(Idle { port, slot, since });
        }
        has_room
    }

    /// The query of a slot is done, and its connection closed.
    pub(super) fn release(&mut self, slot: usize) {
        self.busy -= 1;
        self.free.push(slot);
    }

    /// A slot that was taken from the idle ones is empty.
    pub(super) fn free(&mut self, slot: usize) {
        self.free.push(slot);
    }

    /// Takes an idle connection away; false if it is not idle any more.
    pub(super) fn take_idle(&mut self, slot: usize) -> bool {
        let at = self.idle.iter().position(|idle| idle.slot == slot);
        at.map(|at| self.idle.remove(at)).is_some()
    }

    /// Takes away the connections that were idle for long enough.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<usize> {
        let mut expired = Vec::new();
        let mut at = self.idle.len();
        while let Some(before) = at.checked_sub(1) {
            at = before;
            let Some(idle) = self.idle.get(at).copied() else {
                break;
            };
            let newer = self.idle.iter().skip(at + 1);
            let is_surplus =
                newer.filter(|newer| newer.port == idle.port).count() >= IDLE_PER_SERVICE_MAX;
            let timeout = match is_surplus {
                true => SURPLUS_TIMEOUT,
                false => IDLE_TIMEOUT,
            };
            if now.duration_since(idle.since) >= timeout {
                expired.push(self.idle.remove(at).slot);
            }
        }
        expired
    }

    /// If no query is with a service, takes no more; gives whether that is so.
    pub(super) fn close_if_idle(&mut self) -> bool {
        self.is_closed |= self.busy == 0;
        self.is_closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: u16 = 8000;

    #[test]
    fn the_connection_used_last_is_used_next() {
        let now = Instant::now();
        let mut pool = Pool::new(9);
        let slots = [(); 3].map(|()| pool.take(now, PORT).unwrap());
        for slot in slots {
            assert!(pool.keep(now, PORT, slot));
        }
        assert_eq!(pool.take(now, PORT), Some(slots[2]));
        let other = pool.take(now, PORT + 1).unwrap();
        assert!(!slots.contains(&other));
    }

    #[test]
    fn four_connections_to_a_service_stay_for_five_seconds() {
        let now = Instant::now();
        let mut pool = Pool::new(40);
        for port in [PORT, PORT + 1] {
            let slots = [(); 6].map(|()| pool.take(now, port).unwrap());
            for slot in slots {
                pool.keep(now, port, slot);
            }
        }
        assert!(pool.expire(now).is_empty());
        assert_eq!(pool.expire(now + SURPLUS_TIMEOUT).len(), 4);
        assert!(pool.expire(now + IDLE_TIMEOUT / 2).is_empty());
        assert_eq!(pool.expire(now + IDLE_TIMEOUT).len(), 8);
    }

    #[test]
    fn a_connection_idle_for_more_than_four_seconds_is_not_used_again() {
        let now = Instant::now();
        let mut pool = Pool::new(2);
        let first = pool.take(now, PORT).unwrap();
        pool.keep(now, PORT, first);
        assert_ne!(pool.take(now + REUSE_MAX * 2, PORT), Some(first));
    }

    #[test]
    fn once_it_is_closed_it_takes_no_query() {
        let now = Instant::now();
        let mut pool = Pool::new(2);
        let slot = pool.take(now, PORT).unwrap();
        assert!(!pool.close_if_idle());
        pool.release(slot);
        assert!(pool.close_if_idle());
        assert_eq!(pool.take(now, PORT), None);
    }
}
