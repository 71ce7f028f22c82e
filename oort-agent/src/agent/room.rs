//! Room on the disk, above what is to be left free. What is still to be written is reserved; what
//! is written, the disk counts itself.

use std::io::{self, Read};

use super::{Agent, End};
use crate::item::Uuid;
use crate::queue::Stage;
use crate::store::StoreError;

/// Octets that are kept for somebody until they are written, or this is dropped.
pub(super) struct Room<'a> {
    agent: &'a Agent,
    bytes: u64,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        let mut state = self.agent.state();
        state.reserved = state.reserved.saturating_sub(self.bytes);
    }
}

impl<'a> Room<'a> {
    /// None yet.
    pub(super) fn of(agent: &'a Agent) -> Self {
        Room { agent, bytes: 0 }
    }

    /// How many are kept.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// So many of them are on the disk.
    pub(super) fn written(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        let mut state = self.agent.state();
        state.reserved = state.reserved.saturating_sub(bytes);
    }

    /// For whoever writes all that it reads, before it reads on.
    pub(super) fn of_what_is_read<R>(&mut self, from: R) -> ReadAndWritten<'_, 'a, R> {
        ReadAndWritten {
            room: self,
            from,
            read: 0,
        }
    }

    /// Sees to it that there is room for so many octets more. Items of that or a later stage go
    /// for it; without one, none do.
    pub(super) fn make(&mut self, bytes: u64, stage: Option<Stage>) -> Result<(), StoreError> {
        let agent = self.agent;
        for may_evict in [stage.is_some(), false] {
            // What is written between the two looks is counted by both, never by neither.
            let before = agent.state().reserved;
            let room = agent.settings.space.room(&agent.store.places.transfers);
            let mut state = agent.state();
            let reserved = state.reserved.max(before);
            let wanted = room.floor(agent.settings.floor);
            let wanted = wanted.saturating_add(reserved).saturating_add(bytes);
            let missing = wanted.saturating_sub(room.free);
            if missing == 0 {
                state.reserved = state.reserved.saturating_add(bytes);
                self.bytes = self.bytes.saturating_add(bytes);
                return Ok(());
            }
            if !may_evict {
                break;
            }
            let chosen = state.queue.evictable(missing);
            let is_later = |id: &Uuid| state.queue.stage(*id).flatten() >= stage;
            if chosen.is_empty() || !chosen.iter().all(is_later) {
                break;
            }
            let now = agent.clock.seconds();
            let mut ended = Vec::new();
            for id in chosen {
                log::warn!("{id}: removed, to make room for what is not later");
                let reason = "removed to make room";
                ended.extend(state.end(id, End::Evicted, reason, now, None));
            }
            drop(state);
            agent.written(&ended);
            agent.remove_files(&ended);
            if let Err(error) = agent.store.sync_transfers() {
                log::warn!("{error}");
            }
        }
        Err(StoreError::NoRoom)
    }
}

/// See [`Room::of_what_is_read`].
pub(super) struct ReadAndWritten<'r, 'a, R> {
    room: &'r mut Room<'a>,
    from: R,
    /// By the last call.
    read: u64,
}

impl<R: Read> Read for ReadAndWritten<'_, '_, R> {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.room.written(std::mem::take(&mut self.read));
        let count = self.from.read(octets)?;
        self.read = count as u64;
        Ok(count)
    }
}
