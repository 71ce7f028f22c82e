//! New keys after a loss of state: challenge, resync, resync done.
//!
//! A satellite offers a challenge as long as a station has no keys with it, or was
//! not heard for long. Each challenge gives each station new keys once. The ground
//! believes that it worked only when it is told so under the new keys, so a forged
//! challenge costs a message and nothing else.

use std::time::{Duration, Instant};

use hmac::Mac as _;

use super::cipher::hmac;
use super::control::{
    BOUNDS_MAX, Bound, CHALLENGE_BYTES, Challenge, Resync, ResyncDone, SecurityControl,
};
use super::spi::{CLEAR, Direction, EVERYBODY};
use super::state::{PENDING_MAX, Pending, SALT_BYTES, StationState, salt};
use super::window::Window;
use super::{Opened, Outgoing, Security, Spi};
use crate::accounting::DropReason;
use crate::message::{End, SecurityHeader};

/// A resync is sent again after that, as often as `RESYNC_TRIES_MAX` says.
const RESYNC_AGAIN: Duration = Duration::from_secs(10);
const RESYNC_TRIES_MAX: u32 = 6;
/// A challenge or a resync that repeats is answered no more often than that.
const ANNOUNCE_AGAIN: Duration = Duration::from_secs(5);
/// Once many resyncs are open, a new challenge replaces the oldest no more often
/// than that.
const CHALLENGE_AGAIN: Duration = Duration::from_secs(5);
/// Most control messages that wait to be sent.
const OUTBOX_MAX: usize = 64;

/// On the ground: when to send the newest resync again.
pub(super) struct Again {
    pub(super) at: Instant,
    tries_left: u32,
}

impl Security {
    /// The next control message to be sent, and for whom: the header to put into its
    /// head.
    pub(crate) fn poll_control(&mut self) -> Option<(Option<SecurityHeader>, Vec<u8>)> {
        let durable = self.durable_version;
        let ready = self.outbox.iter().position(|out| out.needs <= durable)?;
        let out = self.outbox.remove(ready);
        Some((out.to, out.control.encode()))
    }

    fn send(&mut self, to: Option<SecurityHeader>, control: SecurityControl) {
        if self.outbox.len() < OUTBOX_MAX {
            self.outbox.push(Outgoing {
                needs: self.version,
                to,
                control,
            });
        }
    }

    /// It is `now`; to be called once at the start, too.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.started.get_or_insert(now);
        if self.end == End::Satellite && self.beacon_at.is_none_or(|at| at <= now) {
            self.beacon_at = Some(now + self.challenge_interval);
            self.offer(now);
            self.tell_bounds(now);
        }
        if let Some(again) = self.resync_again.take_if(|again| again.at <= now) {
            self.send_resync();
            self.resync_again = again.tries_left.checked_sub(1).map(|tries_left| Again {
                at: now + RESYNC_AGAIN,
                tries_left,
            });
        }
    }

    // The satellite's side.

    /// Tells the challenge while a station needs it.
    fn offer(&mut self, now: Instant) {
        let silence = self.silence;
        let silent = |station: &u8| {
            let since = self.heard.get(station).copied().or(self.started);
            since.is_some_and(|since| now.saturating_duration_since(since) >= silence)
        };
        let in_sync = |station: &u8| self.state.stations.contains_key(station);
        let wanting: Vec<u8> = (1..=self.station)
            .filter(|station| !in_sync(station) || silent(station))
            .collect();
        let Some(mut challenge) = self.state.challenge.filter(|_| !wanting.is_empty()) else {
            return;
        };
        if wanting
            .iter()
            .any(|station| self.has_used(*station, &challenge))
        {
            challenge = self.random.draw();
            self.state.challenge = Some(challenge);
            self.version += 1;
        }
        self.send(Some(CLEAR), SecurityControl::Challenge(challenge));
    }

    fn has_used(&self, station: u8, challenge: &Challenge) -> bool {
        let station = self.state.stations.get(&station);
        station.is_some_and(|station| station.salt.starts_with(challenge))
    }

    /// After a start: tells the stations with which numbers they have to go on. After a
    /// resync: tells a station that it has new keys, until it speaks under them; it may
    /// have been out of sight when it was first told, and the old ones are no more.
    fn tell_bounds(&mut self, now: Instant) {
        let silent: Vec<(u8, u8)> = self
            .stations()
            .filter(|(station, _)| !self.has_spoken(*station))
            .map(|(station, state)| (station, state.generation))
            .collect();
        for (station, generation) in silent {
            self.announce(now, station, generation);
        }
        let unheard = |station: u8| !self.heard.contains_key(&station) && self.has_spoken(station);
        let bounds: Vec<Bound> = self
            .stations()
            .filter(|(station, _)| unheard(*station))
            .map(|(station, state)| self.bound(Spi::up(station, state.generation)))
            .collect();
        for bounds in bounds.chunks(BOUNDS_MAX) {
            self.send_done(None, bounds.to_vec());
        }
    }

    /// Whether a station used its newest keys, which shows that it knows them.
    fn has_spoken(&self, station: u8) -> bool {
        let by_it = |number: &u16| {
            let spi = Spi::read(*number);
            spi.is_some_and(|spi| (spi.direction, spi.station) == (Direction::Up, station))
        };
        let mut limits = self.limits.iter();
        limits.any(|(spi, limit)| by_it(spi) && limit.wanted > 0)
    }

    fn bound(&self, spi: Spi) -> Bound {
        let number = match self.windows.get(&spi.number()) {
            Some(window) => window.next(),
            None => self.first_unused(spi),
        };
        Bound {
            station: spi.station,
            generation: spi.generation,
            number,
        }
    }

    fn send_done(&mut self, to: Option<SecurityHeader>, bounds: Vec<Bound>) {
        if let Some(broadcast_salt) = self.state.broadcast_salt {
            let done = ResyncDone {
                broadcast_salt,
                bounds,
            };
            self.send(to, SecurityControl::ResyncDone(done));
        }
    }

    /// A message in the clear. Only two are taken, each at one end.
    pub(super) fn handle_clear(
        &mut self,
        now: Instant,
        control: SecurityControl,
    ) -> Result<Opened, DropReason> {
        match (self.end, control) {
            (End::Satellite, SecurityControl::Resync(resync)) => {
                self.handle_resync(now, &resync)?
            }
            (End::Ground, SecurityControl::Challenge(challenge)) => {
                self.handle_challenge(now, &challenge)?;
            }
            _ => return Err(DropReason::NoSecurity),
        }
        Ok(Opened::Taken)
    }

    fn handle_resync(&mut self, now: Instant, resync: &Resync) -> Result<(), DropReason> {
        let Resync {
            station,
            generation,
            nonce,
            proof,
        } = *resync;
        if !(1..=self.station).contains(&station) {
            return Err(DropReason::UnknownAssociation);
        }
        let key = self.keys.resync(generation, station);
        let key = key.ok_or(DropReason::UnknownAssociation)?;
        let challenge = self.state.challenge.ok_or(DropReason::ResyncRefused)?;
        let known = self.state.stations.get(&station);
        if let Some(known) = known
            && known.salt.ends_with(&nonce)
            && known.proof == proof
        {
            // The answer to it was lost; or somebody else repeats it, once the station
            // knows its keys.
            let early = |at: Instant| now.saturating_duration_since(at) < ANNOUNCE_AGAIN;
            let is_over = self.has_spoken(station) || generation != known.generation;
            if is_over || self.announced_at.is_some_and(early) {
                return Err(DropReason::ResyncRefused);
            }
            self.announce(now, station, generation);
            return Ok(());
        }
        let computed = hmac(&*key, &[&challenge, &nonce]).ok_or(DropReason::ResyncRefused)?;
        let proven = computed.verify_truncated_left(&proof).is_ok();
        if !proven || self.has_used(station, &challenge) {
            return Err(DropReason::ResyncRefused);
        }
        let state = StationState {
            generation,
            salt: salt(&challenge, &nonce),
            proof,
        };
        self.rekey(station, state);
        self.heard.insert(station, now);
        self.announce(now, station, generation);
        Ok(())
    }

    /// Tells a station, under its new keys, that it has them.
    fn announce(&mut self, now: Instant, station: u8, generation: u8) {
        self.announced_at = Some(now);
        let up = Spi::up(station, generation);
        let mut bounds = vec![self.bound(up)];
        for generation in self.keys.generations() {
            bounds.push(self.bound(Spi::down(EVERYBODY, generation)));
        }
        let to = SecurityHeader {
            spi: up.number(),
            sequence: 0,
        };
        self.send_done(Some(to), bounds);
    }

    // The ground's side.

    /// The operator wants new keys: the next challenge is answered.
    pub fn want_resync(&mut self) {
        self.wanted = true;
    }

    /// Whether a resync that the operator wants has not succeeded yet.
    pub fn wants_resync(&self) -> bool {
        self.wanted
    }

    fn handle_challenge(&mut self, now: Instant, challenge: &Challenge) -> Result<(), DropReason> {
        if self.is_in_sync() && !self.wanted {
            return Err(DropReason::ResyncRefused);
        }
        let pending = &self.state.pending;
        if let Some(known) = pending
            .iter()
            .position(|known| known.challenge == *challenge)
        {
            // Whoever repeats it does not make us transmit as often.
            let early = |at: Instant| now.saturating_duration_since(at) < ANNOUNCE_AGAIN;
            if self.challenged_at.is_some_and(early) {
                return Err(DropReason::ResyncRefused);
            }
            self.resync_for = self.state.pending.get(known).copied();
        } else {
            let early = |at: Instant| now.saturating_duration_since(at) < CHALLENGE_AGAIN;
            if pending.len() >= PENDING_MAX {
                if self.challenged_at.is_some_and(early) {
                    return Err(DropReason::ResyncRefused);
                }
                self.state.pending.remove(0);
            }
            let pending = Pending {
                challenge: *challenge,
                nonce: self.random.draw(),
            };
            self.state.pending.push(pending);
            self.resync_for = Some(pending);
            self.version += 1;
        }
        self.challenged_at = Some(now);
        self.send_resync();
        self.resync_again = Some(Again {
            at: now + RESYNC_AGAIN,
            tries_left: RESYNC_TRIES_MAX,
        });
        Ok(())
    }

    fn send_resync(&mut self) {
        let Some(pending) = self.resync_for else {
            return;
        };
        let (station, generation) = (self.station, self.keys.newest());
        if let Some(proof) = self.proof(generation, &pending) {
            let resync = Resync {
                station,
                generation,
                nonce: pending.nonce,
                proof,
            };
            self.send(Some(CLEAR), SecurityControl::Resync(resync));
        }
    }

    fn proof(&self, generation: u8, pending: &Pending) -> Option<Challenge> {
        let key = self.keys.resync(generation, self.station)?;
        let proof = hmac(&*key, &[&pending.challenge, &pending.nonce])?.finalize();
        proof.into_bytes().first_chunk::<CHALLENGE_BYTES>().copied()
    }

    /// The satellite spoke under the keys of `pending`. A resync that was sent for a
    /// later challenge may be on its way still, and change the keys once more; those
    /// before are over.
    pub(super) fn adopt(&mut self, now: Instant, generation: u8, pending: &Pending) {
        let salt: [u8; SALT_BYTES] = pending.salt();
        let proof = self.proof(generation, pending).unwrap_or_default();
        let state = StationState {
            generation,
            salt,
            proof,
        };
        self.rekey(self.station, state);
        if let Some(at) = self.state.pending.iter().position(|known| known == pending) {
            self.state.pending.drain(..=at);
        }
        self.resync_again = None;
        self.challenged_at = Some(now);
        self.wanted = false;
    }

    /// The satellite tells with which numbers to go on. It is authentic.
    pub(super) fn handle_resync_done(&mut self, done: &ResyncDone) {
        if self.state.broadcast_salt != Some(done.broadcast_salt) {
            self.forget(EVERYBODY);
            self.state.broadcast_salt = Some(done.broadcast_salt);
            self.version += 1;
        }
        for bound in &done.bounds {
            if bound.station == self.station {
                self.go_on_from(Spi::up(bound.station, bound.generation), bound.number);
            } else if bound.station == EVERYBODY {
                // Only where we know nothing: messages with numbers below may be on
                // their way.
                let spi = Spi::down(EVERYBODY, bound.generation).number();
                if self.limit(spi).durable == 0 && !self.windows.contains_key(&spi) {
                    self.windows.insert(spi, Window::new(bound.number));
                    self.want(spi, bound.number);
                }
            }
        }
    }
}
