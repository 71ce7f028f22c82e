//! What the ground, or an operator, orders.

use std::time::Duration;

use payload_interface::AppName;

use super::record::{RunId, RunState};
use super::signalling::{WindowId, WindowOrder, WindowRefusal};

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// An app is begun.
    Start(AppName),
    /// An app is shut down: asked to, then killed, then switched off.
    Shutdown {
        /// Which.
        app: AppName,
        /// What it is told to have; what the rules say where it is none.
        grace: Option<Duration>,
        /// As the payload is told it.
        reason: u8,
    },
    /// An app in quarantine, or one that was given up, is begun again, and what it did is
    /// forgotten.
    Release(AppName),
    /// A sequence is begun.
    StartSequence {
        /// Whose.
        app: AppName,
        /// Its name; 15 octets at most.
        sequence: String,
        /// What it is given; 127 octets at most.
        params: String,
        /// It is to be done within that time.
        within: Duration,
    },
    /// A run is to end early. Only payloads that know the extension can do so.
    CancelRun(RunId, String),
    /// A run of which nothing is heard is given up.
    AbandonRun(RunId),
    /// A device is switched.
    Power {
        /// Which.
        device: u16,
        /// On or off.
        on: bool,
    },
    /// A payload gets a message.
    Message {
        /// Which.
        app: AppName,
        /// As it is.
        command_id: u16,
        /// 1020 octets at most.
        data: Vec<u8>,
    },
    /// A payload is asked for its counters.
    Metrics(AppName),
    /// A window is scheduled; the same order again changes nothing.
    ScheduleWindow(Box<WindowOrder>),
    /// A window is not to be, or ends early.
    CancelWindow(WindowId),
}

/// What an order came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is done, or under way.
    Accepted,
    /// A run has begun.
    Run(RunId),
}

/// Why an order is not followed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no such app.
    #[error("there is no app `{0}`: `apps` lists those there are")]
    UnknownApp(AppName),
    /// There is no such run.
    #[error("there is no run {}: it was never begun, or is forgotten", .0.0)]
    UnknownRun(RunId),
    /// There is no such device.
    #[error("there is no device {0}: [[payload-controller.devices]] lists those there are")]
    UnknownDevice(u16),
    /// The app is not registered.
    #[error("`{app}` is not registered: it is {life}")]
    NotRegistered {
        /// Which.
        app: AppName,
        /// What it is.
        life: &'static str,
    },
    /// It is so already.
    #[error("`{app}` is {life} already")]
    Already {
        /// Which.
        app: AppName,
        /// What it is.
        life: &'static str,
    },
    /// A run of that name may still go on in the payload.
    #[error(
        "run {} of `{sequence}` is {}, and the payload may still be at it: wait, restart the app or abandon the run",
        .run.0, .state.name()
    )]
    StillOpen {
        /// Which.
        run: RunId,
        /// Its sequence.
        sequence: String,
        /// How it stands.
        state: RunState,
    },
    /// The run has ended.
    #[error("run {} is {}", .run.0, .state.name())]
    Ended {
        /// Which.
        run: RunId,
        /// How.
        state: RunState,
    },
    /// Too many of something.
    #[error("`{app}` has {most} {what} already: wait until one ends")]
    TooMany {
        /// Which.
        app: AppName,
        /// Of what.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// What is to be told does not fit the interface.
    #[error("{0}")]
    Invalid(String),
    /// An interlock of a device.
    #[error(transparent)]
    Interlock(#[from] super::power::Interlock),
    /// A window is not scheduled, or not cancelled.
    #[error(transparent)]
    Window(#[from] WindowRefusal),
}
