//! What outlives the process of a window.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use payload_interface::AppName;
use serde::{Deserialize, Serialize};

/// Most octets of a window's id.
pub const WINDOW_ID_BYTES_MAX: usize = 64;

/// The id of a window: 1 to 64 of `A-Za-z0-9-`, no `-` first. It is an argument of the payload
/// and the name of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WindowId(Box<str>);

/// What is no id of a window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no id of a window: 1 to {WINDOW_ID_BYTES_MAX} of A-Z, a-z, 0-9 and `-`, which is not the first",
    .0.escape_debug()
)]
pub struct WindowIdError(String);

impl WindowId {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WindowId {
    type Err = WindowIdError;

    fn from_str(id: &str) -> Result<Self, WindowIdError> {
        let is_inner = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
        let is_id = (1..=WINDOW_ID_BYTES_MAX).contains(&id.len())
            && id.as_bytes().iter().all(is_inner)
            && !id.starts_with('-');
        match is_id {
            true => Ok(WindowId(id.into())),
            false => Err(WindowIdError(
                id.chars().take(WINDOW_ID_BYTES_MAX).collect(),
            )),
        }
    }
}

impl TryFrom<String> for WindowId {
    type Error = WindowIdError;

    fn try_from(id: String) -> Result<Self, WindowIdError> {
        id.parse()
    }
}

impl From<WindowId> for String {
    fn from(id: WindowId) -> String {
        id.0.into()
    }
}

impl fmt::Display for WindowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A window, as it was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowOrder {
    /// By which it is known.
    pub id: WindowId,
    /// Whose.
    pub payload: AppName,
    /// For whom: `-u` of `payload_exec`.
    pub user: String,
    /// s since 1970.
    pub start_s: u64,
    /// How long, in s.
    pub duration_s: u64,
    /// `tasking_parameters`: a JSON object, as it came.
    pub parameters: String,
}

impl WindowOrder {
    /// Its start, since 1970.
    #[must_use]
    pub fn start(&self) -> Duration {
        Duration::from_secs(self.start_s)
    }

    /// Its end, since 1970.
    #[must_use]
    pub fn end(&self) -> Duration {
        Duration::from_secs(self.start_s.saturating_add(self.duration_s))
    }
}

/// How it stands with a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WindowState {
    /// Its preparation has not begun.
    Scheduled,
    /// Its payload gets power, the time, its configuration and its files.
    Preparing,
    /// `payload_exec … -e` is under way.
    Configuring,
    /// It is configured, and waits for its start.
    Ready,
    /// It was started.
    Running,
    /// It was started, and its end is over.
    Executed,
    /// It was not, or the payload said that it failed.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl WindowState {
    /// All of them.
    pub const ALL: [WindowState; 8] = [
        WindowState::Scheduled,
        WindowState::Preparing,
        WindowState::Configuring,
        WindowState::Ready,
        WindowState::Running,
        WindowState::Executed,
        WindowState::Failed,
        WindowState::Cancelled,
    ];

    /// Whether nothing more becomes of it.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(
            self,
            WindowState::Executed | WindowState::Failed | WindowState::Cancelled
        )
    }

    /// As people are told it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            WindowState::Scheduled => "scheduled",
            WindowState::Preparing => "preparing",
            WindowState::Configuring => "configuring",
            WindowState::Ready => "ready",
            WindowState::Running => "running",
            WindowState::Executed => "executed",
            WindowState::Failed => "failed",
            WindowState::Cancelled => "cancelled",
        }
    }
}

/// A call of `payload_exec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Step {
    /// `-e`.
    Configure,
    /// The window's own.
    Start,
    /// `-s`, where the payload wants one.
    Stop,
}

impl Step {
    /// As people are told it, and as its directory is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Step::Configure => "configure",
            Step::Start => "start",
            Step::Stop => "stop",
        }
    }
}

/// How a call of `payload_exec` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StepOutcome {
    /// Exit code 0.
    Done,
    /// Another one, a signal that nobody here sent, or it could not be begun.
    Failed,
    /// It was killed, as its time was over.
    TimedOut,
    /// It was killed, as its window was over or cancelled.
    Killed,
    /// Nobody knows: the controller, or the machine, ended meanwhile, or the connection.
    Unknown,
}

impl StepOutcome {
    /// As people are told it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            StepOutcome::Done => "done",
            StepOutcome::Failed => "failed",
            StepOutcome::TimedOut => "timed-out",
            StepOutcome::Killed => "killed",
            StepOutcome::Unknown => "unknown",
        }
    }
}

/// How a call of `payload_exec` ended, and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEnd {
    /// How.
    pub outcome: StepOutcome,
    /// How long it took.
    pub took_ms: u64,
    /// What it returned; none after a signal.
    pub exit_code: Option<i32>,
    /// Why it could not be begun, or what there is to say beyond its exit code.
    pub why: String,
    /// The last of what it wrote to its standard output.
    pub output: String,
    /// The last of what it wrote to its standard error.
    pub errors: String,
}

impl StepEnd {
    /// One of which there is nothing to say but why.
    #[must_use]
    pub fn without(outcome: StepOutcome, why: impl Into<String>) -> Self {
        StepEnd {
            outcome,
            took_ms: 0,
            exit_code: None,
            why: why.into(),
            output: String::new(),
            errors: String::new(),
        }
    }

    /// As a reason.
    #[must_use]
    pub fn reason(&self, step: Step) -> String {
        let step = step.name();
        match (self.outcome, self.exit_code) {
            (StepOutcome::TimedOut, _) => {
                let took = Duration::from_millis(self.took_ms).as_secs_f64();
                format!("{step} took longer than its time, and was killed after {took:.1} s")
            }
            (StepOutcome::Failed, Some(code)) => match self.why.is_empty() {
                true => format!("{step} ended with exit code {code}"),
                false => format!("{step} ended with exit code {code}: {}", self.why),
            },
            (outcome, _) => match self.why.is_empty() {
                true => format!("{step}: {}", outcome.name()),
                false => format!("{step}: {}", self.why),
            },
        }
    }
}

/// A call of `payload_exec`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// ms since 1970.
    pub began: u64,
    /// How it ended, once it has.
    pub ended: Option<StepEnd>,
}

/// How it stands with a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRecord {
    /// As it was ordered.
    pub order: WindowOrder,
    /// How it stands.
    pub state: WindowState,
    /// Why it failed or was cancelled; else empty.
    pub reason: String,
    /// ms since 1970 when it ended.
    pub ended: Option<u64>,
    /// Whether its device is to be switched off when it is over.
    pub has_power: bool,
    /// What it becomes when it has been stopped, where that is not that it was executed.
    pub verdict: Option<(WindowState, String)>,
    /// The configuration.
    pub configure: Option<StepRecord>,
    /// The start, and what came of it.
    pub execution: Option<StepRecord>,
    /// The stop.
    pub stop: Option<StepRecord>,
}

impl WindowRecord {
    pub(crate) fn new(order: WindowOrder) -> Self {
        WindowRecord {
            order,
            state: WindowState::Scheduled,
            reason: String::new(),
            ended: None,
            has_power: false,
            verdict: None,
            configure: None,
            execution: None,
            stop: None,
        }
    }

    /// The call, once it was begun.
    #[must_use]
    pub fn step(&self, step: Step) -> Option<&StepRecord> {
        match step {
            Step::Configure => self.configure.as_ref(),
            Step::Start => self.execution.as_ref(),
            Step::Stop => self.stop.as_ref(),
        }
    }

    pub(crate) fn step_mut(&mut self, step: Step) -> &mut Option<StepRecord> {
        match step {
            Step::Configure => &mut self.configure,
            Step::Start => &mut self.execution,
            Step::Stop => &mut self.stop,
        }
    }
}
