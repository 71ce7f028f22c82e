//! What a payload does when it is called.

use std::time::Duration;

use payload_interface::messages as msg;
use payload_interface::{Callback, ReturnCode};

use crate::channel::Channel;
use crate::run::Run;

/// Runs of one payload at once; with more, a further one is refused.
pub const RUNS_MAX: usize = 16;

/// A payload. Its methods are called from threads of the library, several at once: each but
/// [`sequence`](Payload::sequence) and [`shutdown`](Payload::shutdown) within the time that the
/// controller gives a call, three seconds as a rule.
pub trait Payload: Send + Sync + 'static {
    /// Does what that sequence is; in a thread of its own. The controller is told what came of
    /// it when this returns: an error is its text. A run that is asked to end early, because it
    /// was cancelled or the payload shuts down, sees it by [`Run::is_cancelled`].
    ///
    /// # Errors
    /// Why it did not do what it was to do.
    fn sequence(&self, channel: &Channel, run: &Run) -> Result<(), String>;

    /// Whether there is such a sequence. One that there is not is refused.
    fn has_sequence(&self, sequence: &str) -> bool {
        let _ = sequence;
        true
    }

    /// How the payload is; anything but success is a failed health check.
    fn health(&self) -> ReturnCode {
        ReturnCode::SUCCESS
    }

    /// The payload is to end. Runs have been asked to; when they have, and this has returned,
    /// the controller is told so.
    fn shutdown(&self, shutdown: Shutdown) {
        let _ = shutdown;
    }

    /// Its counters: names of at most 15 octets, 8 of them at most.
    fn metrics(&self) -> Vec<(String, u32)> {
        Vec::new()
    }

    /// A message from the spacecraft, as it is.
    fn message(&self, command_id: i32, data: &[u8]) -> ReturnCode {
        let _ = (command_id, data);
        ReturnCode::NOT_IMPLEMENTED
    }

    /// Ephemeris, as [`Channel::start_ephemeris`] asked for.
    fn ephemeris(&self, ephemeris: &msg::GnssEphData) {
        let _ = ephemeris;
    }

    /// The bus voltage, as [`Channel::start_voltage`] asked for.
    fn voltage(&self, volts: f32) {
        let _ = volts;
    }

    /// What the thermal control does, as [`Channel::start_thermal`] asked for.
    fn thermal(&self, status: &msg::SesThermalStatusNtf) {
        let _ = status;
    }

    /// Another controller was switched.
    fn remote_power(&self, status: &msg::NtfRemoteAcPwrStatus) {
        let _ = status;
    }

    /// How far [`Channel::copy_files`] is.
    fn copied(&self, notice: &msg::HostToPeerFcmOperationNotify) {
        let _ = notice;
    }

    /// Before anything is done with a callback: a code is returned at once, and nothing is
    /// done. For payloads that write all of it down, or misbehave on purpose.
    fn intercept(&self, callback: &Callback) -> Option<ReturnCode> {
        let _ = callback;
        None
    }
}

/// That a payload is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// How long it has.
    pub grace: Duration,
    /// Why, as the ground says it.
    pub reason: i32,
}
