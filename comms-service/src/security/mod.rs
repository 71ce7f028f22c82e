//! Authentication and anti-replay, message by message, after the layout of CCSDS
//! 355.0-B-2: off unless configured, format `space-packet` only.
//!
//! | room | what stands there |
//! |---|---|
//! | `spi` | who an association is between |
//! | `key_file`, `keys` | master keys, and the key of each association |
//! | `cipher` | the octets of one message |
//! | `window` | which numbers were seen |
//! | `state`, `files` | what must not be forgotten, and where it is kept |
//! | `control` | the messages of a resync |
//! | `status` | what can be told of it |
//! | `sending`, `receiving`, `resync`, `storing` | what [`Security`] decides |
//!
//! [`Security`] does no I/O: the engine asks it for octets to be stored, and it
//! goes on when it is told that they are. Two rules hold at any moment, also over
//! a loss of power at any step:
//!
//! - A number is used only if a higher one is on durable storage already. After a
//!   start the sender goes on behind that, so no number is used twice.
//! - A message is passed on only if a number higher than its own is on durable
//!   storage. After a start the receiver refuses everything below that, so no
//!   message is taken twice.
//!
//! With its state lost an end has no keys: they depend on random octets that both
//! ends gave at the last resync.

mod cipher;
mod control;
mod files;
mod key_file;
mod keys;
mod random;
mod receiving;
mod resync;
mod sending;
mod spi;
mod state;
mod status;
mod storing;
mod window;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

pub use cipher::{SECURITY_HEADER_BYTES, TRAILER_BYTES};
pub use control::CHALLENGE_BYTES;
pub use files::{StateFiles, StateFilesError};
pub use key_file::{KEY_FILE_BYTES_MAX, KeyFileError};
pub use keys::{GENERATIONS_MAX, KEY_BYTES, KeyRing, Mode};
pub use random::SEED_BYTES;
pub use sending::{BLOCK_MESSAGES, NotProtected};
pub use spi::STATIONS_MAX;
pub use state::{STATE_BYTES_MAX, State};
pub use status::{SecurityStatus, StationStatus};
pub use window::WINDOW_MESSAGES;

pub use receiving::LEAD_MESSAGES;
pub(crate) use receiving::Opened;
pub(crate) use spi::CLEAR;

use crate::message::{End, SecurityHeader};
use control::SecurityControl;
use keys::Key;
use random::Random;
use spi::{Direction, EVERYBODY, Spi};
use state::{Pending, StationState};
use storing::{Limit, Storing};
use window::Window;

/// What a [`Security`] begins with.
#[derive(Debug)]
pub struct SecuritySetup {
    /// Which end this is.
    pub end: End,
    /// How messages are protected; both ends alike.
    pub mode: Mode,
    /// The master keys.
    pub keys: KeyRing,
    /// On the ground which station this is, 1..=127; on a satellite how many there
    /// are.
    pub station: u8,
    /// What was stored last; none at the first start, or where it is lost.
    pub state: Option<State>,
    /// Random octets, drawn anew at each start.
    pub seed: [u8; SEED_BYTES],
    /// On a satellite: between two challenges.
    pub challenge_interval: Duration,
    /// On a satellite: it offers a resync to a station that it has not heard for so
    /// long. The station may have lost its state.
    pub silence: Duration,
}

/// What of a [`SecuritySetup`] can change while the link runs. Not the mode: under the
/// same keys the other end would take nothing, not even the way back.
#[derive(Clone, Debug)]
pub struct SecuritySettings {
    /// The master keys.
    pub keys: KeyRing,
    /// As in [`SecuritySetup`].
    pub station: u8,
    /// As in [`SecuritySetup`].
    pub challenge_interval: Duration,
    /// As in [`SecuritySetup`].
    pub silence: Duration,
}

/// The security associations of one end of a link. See the head of this module.
pub struct Security {
    end: End,
    mode: Mode,
    keys: KeyRing,
    station: u8,
    challenge_interval: Duration,
    silence: Duration,
    random: Random,
    /// All but its numbers, which `limits` has.
    state: State,
    limits: BTreeMap<u16, Limit>,
    /// The next number of each association that we send under.
    next: BTreeMap<u16, u64>,
    windows: BTreeMap<u16, Window>,
    derived: BTreeMap<u16, Key>,

    /// Counts changes of `state`, and which of them are durable.
    version: u64,
    durable_version: u64,
    limits_made: u64,
    storing: Option<Storing>,
    store_again_at: Option<Instant>,
    /// A message waits for a number.
    waits: bool,
    closed: bool,

    outbox: Vec<Outgoing>,
    /// When each station was last heard, validly, since the start; on the ground, when
    /// the satellite last spoke to each.
    heard: BTreeMap<u8, Instant>,
    started: Option<Instant>,
    beacon_at: Option<Instant>,
    announced_at: Option<Instant>,
    /// On the ground: the operator wants new keys.
    wanted: bool,
    /// The resync that is sent again.
    resync_for: Option<Pending>,
    resync_again: Option<resync::Again>,
    challenged_at: Option<Instant>,
}

/// A control message that waits for a version to be durable.
struct Outgoing {
    needs: u64,
    to: Option<SecurityHeader>,
    control: SecurityControl,
}

impl Security {
    /// The associations as `setup` left them. A satellite without state draws a
    /// challenge, and waits for its stations to resync.
    pub fn new(setup: SecuritySetup) -> Self {
        let found = setup.state.is_some();
        let mut state = setup.state.unwrap_or_default();
        let mut security = Security {
            end: setup.end,
            mode: setup.mode,
            keys: setup.keys,
            station: setup.station,
            challenge_interval: setup.challenge_interval,
            silence: setup.silence,
            random: Random::new(setup.seed),
            limits: BTreeMap::new(),
            next: BTreeMap::new(),
            windows: BTreeMap::new(),
            derived: BTreeMap::new(),
            version: 0,
            durable_version: 0,
            limits_made: 0,
            storing: None,
            store_again_at: None,
            waits: false,
            closed: false,
            outbox: Vec::new(),
            heard: BTreeMap::new(),
            started: None,
            beacon_at: None,
            announced_at: None,
            wanted: false,
            resync_for: None,
            resync_again: None,
            challenged_at: None,
            state: State::default(),
        };
        for (spi, number) in std::mem::take(&mut state.numbers) {
            let limit = security.new_limit(number);
            security.limits.insert(spi, limit);
        }
        security.state = state;
        if found && security.end == End::Ground {
            // So that the satellite sees that we began anew.
            security.skip_ahead();
        }
        if !found && security.end == End::Satellite {
            let challenge = security.random.draw();
            security.state.challenge = Some(challenge);
            security.state.broadcast_salt = Some(challenge);
            security.version += 1;
        }
        security
    }

    /// Takes other master keys and settings. Numbers and salts stay, so a generation that
    /// is taken away and comes again goes on where it was. Gives whether the keys differ.
    pub fn reconfigure(&mut self, settings: SecuritySettings) -> bool {
        let other_keys = self.keys != settings.keys;
        self.keys = settings.keys;
        self.station = settings.station;
        self.challenge_interval = settings.challenge_interval;
        self.silence = settings.silence;
        self.derived.clear();
        // Due at the next time-out: what is offered, and how often, may be another.
        self.beacon_at = None;
        other_keys
    }

    /// Whether this end has keys: on a satellite, for one station at least.
    pub fn is_in_sync(&self) -> bool {
        match self.end {
            End::Satellite => !self.state.stations.is_empty(),
            End::Ground => self.state.stations.contains_key(&self.station),
        }
    }

    /// Whether a part of a message is of use before the whole is there: encrypted, it
    /// is not.
    pub fn reads_parts(&self) -> bool {
        self.mode == Mode::Authenticate
    }

    fn sends(&self) -> Direction {
        match self.end {
            End::Satellite => Direction::Down,
            End::Ground => Direction::Up,
        }
    }

    fn receives(&self) -> Direction {
        match self.end {
            End::Satellite => Direction::Up,
            End::Ground => Direction::Down,
        }
    }

    /// The key of an association; none before a resync, or without a master key.
    fn key(&mut self, spi: Spi) -> Option<Key> {
        let number = spi.number();
        if let Some(key) = self.derived.get(&number) {
            return Some(key.clone());
        }
        let salt: &[u8] = match spi.station {
            EVERYBODY => self.state.broadcast_salt.as_ref()?,
            station => &self.state.stations.get(&station)?.salt,
        };
        let key = self.keys.derive(self.mode, spi, salt)?;
        self.derived.insert(number, key.clone());
        Some(key)
    }

    /// Forgets the associations of a station: new keys begin at 0.
    fn forget(&mut self, station: u8) {
        let other = |number: &u16| Spi::read(*number).is_none_or(|spi| spi.station != station);
        self.limits.retain(|spi, _| other(spi));
        self.next.retain(|spi, _| other(spi));
        self.windows.retain(|spi, _| other(spi));
        self.derived.retain(|spi, _| other(spi));
    }

    /// Gives a station new keys.
    fn rekey(&mut self, station: u8, state: StationState) {
        self.forget(station);
        self.state.stations.insert(station, state);
        self.version += 1;
    }
}

/// The octets of a known answer.
#[cfg(test)]
fn hex(text: &str) -> Vec<u8> {
    let octets = (0..text.len()).step_by(2);
    octets
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
