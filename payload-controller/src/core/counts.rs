//! What was counted: each thing that was offered is somewhere.

use std::collections::BTreeMap;

use payload_interface::ReturnCode;
use serde::Serialize;

/// Counters of one app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AppCounts {
    /// Requests that came.
    pub requests: u64,
    /// By what they were answered with.
    pub answers: BTreeMap<i32, u64>,
    /// Calls of the payload.
    pub calls: CallCounts,
    /// Runs that were ordered.
    pub runs: u64,
    /// Those that ended, by how.
    pub runs_ended: BTreeMap<&'static str, u64>,
    /// Files that were asked for.
    pub files: u64,
    /// Those that ended, by how: `on ground`, `refused`, `given up`, `repeated`.
    pub files_ended: BTreeMap<&'static str, u64>,
    /// Health checks.
    pub checks: u64,
    /// Those that were missed.
    pub checks_missed: u64,
    /// What it told without having been asked.
    pub unasked: u64,
    /// Starts.
    pub boots: u64,
    /// Ends of a session, by `shut down`, `exited`, `lost`, …
    pub downs: u64,
    /// Values of streams that there were none of, as the telemetry was stale.
    pub stale: u64,
}

/// Calls of a payload: `offered` is the sum of all others and of those that wait or are under
/// way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallCounts {
    /// Calls that were to be made.
    pub offered: u64,
    /// It returned success.
    pub succeeded: u64,
    /// It returned another number.
    pub declined: u64,
    /// It did not return in time, for good.
    pub timed_out: u64,
    /// It was not there, for good.
    pub unreachable: u64,
    /// It was refused by its gRPC.
    pub refused: u64,
    /// It has no such call.
    pub unimplemented: u64,
    /// It became too old.
    pub too_old: u64,
    /// A newer one took its place.
    pub replaced: u64,
    /// The outbox was full.
    pub full: u64,
    /// The app was gone, or what it was for.
    pub gone: u64,
    /// Tries beyond the first, which are no calls of their own.
    pub retries: u64,
}

impl CallCounts {
    /// Those that ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.succeeded
            + self.declined
            + self.timed_out
            + self.unreachable
            + self.refused
            + self.unimplemented
            + self.too_old
            + self.replaced
            + self.full
            + self.gone
    }
}

impl AppCounts {
    pub(crate) fn answered(&mut self, code: ReturnCode) {
        self.requests += 1;
        *self.answers.entry(code.0).or_default() += 1;
    }

    pub(crate) fn run_ended(&mut self, how: &'static str) {
        *self.runs_ended.entry(how).or_default() += 1;
    }

    pub(crate) fn file_ended(&mut self, how: &'static str) {
        *self.files_ended.entry(how).or_default() += 1;
    }
}
