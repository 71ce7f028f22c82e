//! How one file stands, as commands and programs see it.

use std::fmt;

use file_delivery::StoreName;
use serde::{Deserialize, Serialize};

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    /// To the satellite.
    Up,
    /// From the satellite.
    Down,
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// The file is brought into the store.
    Copying,
    /// The satellite is asked for it, and nothing of it has come.
    Asked,
    /// Something of it moved within the last seconds.
    Moving,
    /// The satellite is heard; nothing of the file moves.
    Waiting,
    /// The satellite is not heard.
    Contact,
    /// A limit of retries was reached; it goes on when the satellite is heard.
    Resting,
    /// Somebody suspended it.
    Suspended,
    /// All of it is there; the other end is to confirm it.
    Closing,
    /// It is whole where it was to be.
    Arrived,
    /// It is not, and never will be.
    Failed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::Copying => "copying",
            State::Asked => "asked for",
            State::Moving => "moving",
            State::Waiting => "waiting",
            State::Contact => "waiting for contact",
            State::Resting => "resting",
            State::Suspended => "suspended",
            State::Closing => "closing",
            State::Arrived => "arrived",
            State::Failed => "failed",
        })
    }
}

/// One file; one object of `--json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transfer {
    /// The transaction: that of the request, where a file was asked for.
    pub(crate) id: String,
    pub(crate) direction: Direction,
    /// The name at the satellite, as far as it is known.
    pub(crate) remote: String,
    /// The path here.
    pub(crate) local: String,
    pub(crate) state: State,
    /// Octets that are there, of those that are to be.
    pub(crate) octets: u64,
    pub(crate) size: Option<u64>,
    /// Holes in what came, and octets that are to be sent again.
    pub(crate) holes: usize,
    pub(crate) octets_to_repeat: u64,
    pub(crate) octets_per_s: Option<f64>,
    /// Octets that a usual pass moves; none before one was seen.
    pub(crate) octets_per_pass: Option<u64>,
    pub(crate) passes_left: Option<u64>,
    /// Ends are numbered, for whoever follows them.
    pub(crate) end: Option<u64>,
    /// Why it failed.
    pub(crate) failure: Option<String>,
}

impl Transfer {
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Arrived | State::Failed)
    }

    pub(crate) fn octets_left(&self) -> Option<u64> {
        Some(self.size?.saturating_sub(self.octets))
    }
}

/// The name of a file at the satellite.
pub(crate) fn remote_name(remote: &str) -> Result<StoreName, String> {
    let name = remote.parse::<StoreName>();
    name.map_err(|error| format!("REMOTE {remote:?}: {error}"))
}
