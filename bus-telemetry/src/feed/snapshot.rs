//! What is told at once: some groups.

use std::time::Duration;

use serde::Deserialize;

use super::check::check;
use crate::state::{Attitude, EarthFixed, Inertial, Location, Power, Thermal};

/// Most octets of a datagram, or of an answer.
pub const SNAPSHOT_OCTETS_MAX: usize = 16_384;

/// What a datagram or an answer told: some groups, each checked.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Seconds since 1970.
    pub(super) utc_s: Option<Told<f64>>,
    pub(super) inertial: Option<Told<Inertial>>,
    pub(super) earth_fixed: Option<Told<EarthFixed>>,
    pub(super) location: Option<Told<Location>>,
    pub(super) attitude: Option<Told<Attitude>>,
    pub(super) eclipse: Option<Told<bool>>,
    pub(super) power: Option<Told<Power>>,
    pub(super) thermal: Option<Told<Thermal>>,
    pub(super) payload_server_c: Option<Told<f64>>,
}

/// A group as it is told.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told<T> {
    pub(super) value: T,
    /// How old it was when it was sent.
    #[serde(default)]
    pub(super) age_s: f64,
}

impl<T> Told<T> {
    pub(super) fn age(&self) -> Duration {
        // Checked already; what is no length of time is as old as can be.
        Duration::try_from_secs_f64(self.age_s).unwrap_or(Duration::MAX)
    }
}

/// Why a datagram or an answer is dropped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// It is longer than [`SNAPSHOT_OCTETS_MAX`].
    #[error("longer than {SNAPSHOT_OCTETS_MAX} octets")]
    TooLong,
    /// It is no JSON, or has a field that is not known, missing, or of another type.
    #[error("no snapshot: {0}")]
    Malformed(String),
    /// It has no group.
    #[error("it tells nothing")]
    Empty,
    /// A value is none that a spacecraft can have.
    #[error("`{field}` {problem}")]
    OutOfRange {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The service says an error, and tells nothing.
    #[error("the service refuses: {0}")]
    Refused(String),
}

impl Snapshot {
    /// Reads a whole datagram; all of it is taken, or nothing.
    pub fn parse(datagram: &[u8]) -> Result<Self, FeedError> {
        if datagram.len() > SNAPSHOT_OCTETS_MAX {
            return Err(FeedError::TooLong);
        }
        Self::checked(serde_json::from_slice(datagram))
    }

    /// One that was read, if it can be.
    pub(super) fn checked(read: serde_json::Result<Self>) -> Result<Self, FeedError> {
        let snapshot = read.map_err(|error| FeedError::Malformed(error.to_string()))?;
        check(&snapshot)?;
        Ok(snapshot)
    }

    /// The age of each group that is there.
    pub(super) fn ages_s(&self) -> impl Iterator<Item = f64> {
        [
            self.utc_s.as_ref().map(|told| told.age_s),
            self.inertial.as_ref().map(|told| told.age_s),
            self.earth_fixed.as_ref().map(|told| told.age_s),
            self.location.as_ref().map(|told| told.age_s),
            self.attitude.as_ref().map(|told| told.age_s),
            self.eclipse.as_ref().map(|told| told.age_s),
            self.power.as_ref().map(|told| told.age_s),
            self.thermal.as_ref().map(|told| told.age_s),
            self.payload_server_c.as_ref().map(|told| told.age_s),
        ]
        .into_iter()
        .flatten()
    }
}
