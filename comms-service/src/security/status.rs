//! What can be told of the associations without telling a secret.

use std::time::Instant;

use super::{Mode, Security};
use crate::message::End;

/// How the security layer of one end stands. There is no key material in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityStatus {
    /// How messages are protected.
    pub mode: Mode,
    /// Whether this end has keys in common with the other: on a satellite, with one
    /// station at least.
    pub in_sync: bool,
    /// The generations of the master keys, in the order of the key file.
    pub generations: Vec<u8>,
    /// On a satellite each station that there is; on the ground this one.
    pub stations: Vec<StationStatus>,
}

/// One station of a link with security.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StationStatus {
    /// 1..=127.
    pub station: u8,
    /// Of its keys, as it was last heard; none where it has to resync.
    pub generation: Option<u8>,
    /// When it was last heard, validly, since the start; on the ground, the satellite's
    /// last message to it.
    pub heard_at: Option<Instant>,
}

impl Security {
    /// How it stands.
    pub fn status(&self) -> SecurityStatus {
        let stations = match self.end {
            End::Satellite => 1..=self.station,
            End::Ground => self.station..=self.station,
        };
        let status = |station: u8| {
            let known = self.state.stations.get(&station);
            StationStatus {
                station,
                generation: known.map(|known| known.generation),
                heard_at: self.heard.get(&station).copied(),
            }
        };
        SecurityStatus {
            mode: self.mode,
            in_sync: self.is_in_sync(),
            generations: self.keys.generations(),
            stations: stations.map(status).collect(),
        }
    }
}
