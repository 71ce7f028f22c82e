//! What is written down: each change, and each refusal.

use std::fmt;
use std::time::Duration;

use payload_interface::{AppName, ReturnCode};

use super::record::{FileId, RunId, RunState, Rung};
use super::signalling::{WindowId, WindowState};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// UTC since 1970.
    pub at: Duration,
    /// To which app.
    pub app: Option<AppName>,
    /// What.
    pub what: What,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It is as usual.
    Usual,
    /// Somebody may have to look at it.
    Warning,
    /// Somebody has to look at it.
    Alarm,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// The app's life took another turn.
    Life {
        /// What it is now.
        now: &'static str,
        /// Why.
        why: String,
    },
    /// It registered.
    Registered {
        /// Counted from 1.
        session: u64,
        /// Of its SDK.
        version: String,
    },
    /// A request was refused.
    Refused {
        /// Its rpc.
        rpc: &'static str,
        /// What it was told.
        code: ReturnCode,
        /// Why.
        reason: String,
    },
    /// A call failed for good.
    DeadLetter {
        /// Its rpc.
        rpc: &'static str,
        /// Why.
        reason: String,
    },
    /// A health check was missed.
    Missed {
        /// In a row.
        misses: u32,
        /// Why.
        why: String,
    },
    /// A rung of the ladder was taken.
    Rung {
        /// Which.
        rung: Rung,
        /// Why.
        why: String,
    },
    /// The app told something that it was not asked.
    Unasked {
        /// The rpc.
        rpc: &'static str,
    },
    /// A run stands otherwise.
    Run {
        /// Which.
        run: RunId,
        /// Of what.
        sequence: String,
        /// How.
        state: RunState,
        /// What there is to say.
        text: String,
    },
    /// A run that had ended was said to be done.
    DoneAfterEnd {
        /// Which.
        run: RunId,
    },
    /// A file stands otherwise.
    File {
        /// Which.
        file: FileId,
        /// Its path.
        path: String,
        /// How.
        what: String,
    },
    /// A device was switched.
    Switched {
        /// Which.
        device: u16,
        /// On or off.
        on: bool,
    },
    /// A device was not switched.
    NotSwitched {
        /// Which.
        device: u16,
        /// On or off.
        on: bool,
        /// Why.
        why: String,
    },
    /// The app's counters.
    Metrics(Vec<(String, u32)>),
    /// What came of a message to the app.
    MessageAnswered {
        /// Of the message.
        command_id: i32,
        /// As the app said.
        status: i32,
    },
    /// Something of a window.
    Window {
        /// Which.
        id: WindowId,
        /// Whose.
        payload: AppName,
        /// How it stands.
        state: WindowState,
        /// What there is to say.
        text: String,
        /// Whether somebody may have to look at it.
        is_warning: bool,
    },
    /// The app said that it shut down.
    ShutDown {
        /// As the app said.
        status: i32,
    },
}

impl What {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            What::Window { is_warning, .. } => match is_warning {
                true => Severity::Warning,
                false => Severity::Usual,
            },
            What::Registered { .. }
            | What::Switched { .. }
            | What::Metrics(_)
            | What::MessageAnswered { .. }
            | What::ShutDown { .. }
            | What::Life { .. }
            | What::File { .. } => Severity::Usual,
            What::Run { state, .. } => match state {
                RunState::Unknown
                | RunState::Late
                | RunState::Expired
                | RunState::Lost
                | RunState::Failed
                | RunState::Refused { .. } => Severity::Warning,
                _ => Severity::Usual,
            },
            What::Refused { .. }
            | What::DeadLetter { .. }
            | What::Missed { .. }
            | What::DoneAfterEnd { .. }
            | What::NotSwitched { .. } => Severity::Warning,
            What::Rung { .. } | What::Unasked { .. } => Severity::Alarm,
        }
    }
}

/// What a payload may have said, in one line.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        self.0.chars().try_for_each(|one| match one.is_control() {
            true => write!(f, "{}", one.escape_debug()),
            false => f.write_char(one),
        })
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(app) = &self.app {
            write!(f, "{app}: ")?;
        }
        self.what.fmt(f)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |on: &bool| if *on { "on" } else { "off" };
        match self {
            What::Life { now, why } => write!(f, "{now}: {why}"),
            What::Registered { session, version } => {
                write!(f, "registered, session {session}, SDK {version}")
            }
            What::Refused { rpc, code, reason } => write!(f, "{rpc} refused, {code}: {reason}"),
            What::DeadLetter { rpc, reason } => write!(f, "{rpc} given up: {reason}"),
            What::Missed { misses, why } => {
                write!(f, "health check missed, {misses} in a row: {why}")
            }
            What::Rung { rung, why } => {
                let rung = match rung {
                    Rung::Shutdown => "shutting down",
                    Rung::Kill => "killing",
                    Rung::PowerCycle => "power cycle",
                    Rung::Quarantine => "quarantine",
                };
                write!(f, "{rung}: {why}")
            }
            What::Unasked { rpc } => write!(f, "{rpc} came without having been asked for"),
            What::Run {
                run,
                sequence,
                state,
                text,
            } => {
                write!(f, "run {} of `{sequence}` {}", run.0, state.name())?;
                match text.is_empty() {
                    true => Ok(()),
                    false => write!(f, ": {text}"),
                }
            }
            What::DoneAfterEnd { run } => {
                write!(f, "run {} had ended, and is said to be done", run.0)
            }
            What::File { file, path, what } => {
                write!(f, "file {} `{}` {what}", file.0, path.escape_debug())
            }
            What::Switched { device, on: is_on } => write!(f, "device {device} is {}", on(is_on)),
            What::NotSwitched {
                device,
                on: is_on,
                why,
            } => write!(f, "device {device} was not switched {}: {why}", on(is_on)),
            What::Metrics(counters) => {
                f.write_str("counters")?;
                let mut counters = counters.iter();
                counters.try_for_each(|(name, count)| write!(f, " {}={count}", name.escape_debug()))
            }
            What::MessageAnswered { command_id, status } => {
                write!(f, "message {command_id} answered with {status}")
            }
            What::Window {
                id,
                payload,
                state,
                text,
                ..
            } => {
                let state = state.name();
                write!(f, "window {id} of {payload} is {state}")?;
                match text.is_empty() {
                    true => Ok(()),
                    false => write!(f, ": {}", OneLine(text)),
                }
            }
            What::ShutDown { status } => write!(f, "said that it shut down, {status}"),
        }
    }
}
