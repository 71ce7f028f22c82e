//! Protecting what is sent: the next number, and the trailer.

use std::time::{Duration, Instant};

use super::cipher::{Covered, seal};
use super::spi::{CLEAR, EVERYBODY};
use super::state::StationState;
use super::{LEAD_MESSAGES, Security, Spi};
use crate::accounting::DropReason;
use crate::budget::HeldBytes;
use crate::message::{End, Head, SecurityHeader};

/// So many numbers are made durable ahead of their use. After a loss of power those
/// that were not used are skipped.
pub const BLOCK_MESSAGES: u64 = 256;

/// Why a message is not protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotProtected {
    /// Not yet: no number is on durable storage.
    Wait,
    /// It cannot be: there are no keys.
    Dropped(DropReason),
}

impl Security {
    /// Protects a message when its first packet is about to be built: sets its
    /// security header, encrypts its payload if so configured, and appends the
    /// trailer. `apid` is the message's. `head.security` says for whom it is: on an
    /// answer the question's header, none for everybody.
    ///
    /// # Errors
    /// [`NotProtected`]; the message is as it was.
    pub fn protect(
        &mut self,
        apid: u16,
        head: &mut Head,
        payload: &mut HeldBytes,
    ) -> Result<(), NotProtected> {
        if head.security == Some(CLEAR) {
            return Ok(());
        }
        let no_key = NotProtected::Dropped(DropReason::NotInSync);
        let spi = self.association_for(head).ok_or(no_key)?;
        let key = self.key(spi).ok_or(no_key)?;
        let header = SecurityHeader {
            spi: spi.number(),
            sequence: self.take_number(spi)?,
        };
        let covered = Covered::new(self.sends(), apid, header, head);
        let trailer = seal(self.mode, &key, &covered, payload.as_mut_slice())
            .map_err(|_| NotProtected::Dropped(DropReason::TooLarge))?;
        payload.extend_beyond_limit(&trailer);
        head.security = Some(header);
        Ok(())
    }

    /// Whether a message waits until numbers are durable.
    pub fn waits(&self) -> bool {
        self.waits
    }

    fn association_for(&self, head: &Head) -> Option<Spi> {
        if self.end == End::Ground {
            return Some(Spi::up(self.station, self.keys.newest()));
        }
        let asker = head.security.and_then(|header| Spi::read(header.spi));
        match asker {
            // Under the keys that the station has, as far as we heard.
            Some(asker) => {
                let station = self.state.stations.get(&asker.station)?;
                Some(Spi::down(asker.station, self.usable(station.generation)))
            }
            None if self.state.stations.is_empty() => None,
            None => Some(Spi::down(EVERYBODY, self.broadcast_generation())),
        }
    }

    /// Everybody has the generation that all stations use; while they differ, the
    /// one that stands first in the key file.
    fn broadcast_generation(&self) -> u8 {
        let mut used = self
            .stations()
            .map(|(_, station)| self.usable(station.generation));
        match used.next() {
            Some(first) if used.all(|other| other == first) => first,
            _ => self.keys.oldest(),
        }
    }

    /// The stations in sync, of those that there are.
    pub(super) fn stations(&self) -> impl Iterator<Item = (u8, &StationState)> {
        let stations = self.state.stations.iter();
        let stations = stations.map(|(station, state)| (*station, state));
        stations.filter(|(station, _)| self.end == End::Ground || *station <= self.station)
    }

    fn usable(&self, generation: u8) -> u8 {
        match self.keys.has(generation) {
            true => generation,
            false => self.keys.newest(),
        }
    }

    fn take_number(&mut self, spi: Spi) -> Result<u64, NotProtected> {
        let spi = spi.number();
        let limit = self.limit(spi);
        let next = self.next.entry(spi).or_insert(limit.durable);
        let number = *next;
        let ahead = number.saturating_add(BLOCK_MESSAGES);
        if number >= limit.durable || self.closed {
            self.want(spi, ahead);
            self.waits = true;
            return Err(NotProtected::Wait);
        }
        *next = number.saturating_add(1);
        if limit.wanted - number <= BLOCK_MESSAGES / 2 {
            self.want(spi, ahead);
        }
        Ok(number)
    }

    /// The first number that we have not used, in any case.
    pub(super) fn first_unused(&self, spi: Spi) -> u64 {
        let spi = spi.number();
        let durable = || self.limits.get(&spi).map(|limit| limit.durable);
        let next = self.next.get(&spi).copied();
        next.or_else(durable).unwrap_or(0)
    }

    /// On the ground, before a command is sent again after `timeout`: skips as many
    /// numbers as a satellite that lost power may have given up. Not where it spoke to
    /// us since the last try, as then it takes what we send; skipped for nothing, they would push
    /// a long message that is on its way out of its window.
    pub fn jump_ahead(&mut self, now: Instant, timeout: Duration) {
        let recently = |at: &Instant| now.saturating_duration_since(*at) < timeout;
        if self.heard.get(&self.station).is_some_and(recently) {
            return;
        }
        self.skip_ahead();
    }

    /// On the ground: skips as many numbers as a satellite that lost power may have
    /// given up.
    pub(super) fn skip_ahead(&mut self) {
        let spi = Spi::up(self.station, self.keys.newest());
        let ahead = self.first_unused(spi).saturating_add(LEAD_MESSAGES);
        self.go_on_from(spi, ahead);
    }

    /// On the satellite, when the numbers of a station jump: it began anew, or hears no
    /// answer. Of what it had heard before, it takes as many numbers for used as
    /// [`LEAD_MESSAGES`] says; they are skipped.
    pub(super) fn jump_ahead_of(&mut self, station: u8) {
        for generation in self.keys.generations() {
            for to in [station, EVERYBODY] {
                let spi = Spi::down(to, generation);
                if self.limits.contains_key(&spi.number()) {
                    let ahead = self.first_unused(spi).saturating_add(LEAD_MESSAGES);
                    self.go_on_from(spi, ahead);
                }
            }
        }
    }

    /// Uses no number below `number`.
    pub(super) fn go_on_from(&mut self, spi: Spi, number: u64) {
        let spi = spi.number();
        let limit = self.limit(spi);
        let next = self.next.entry(spi).or_insert(limit.durable);
        *next = number.max(*next);
    }
}
