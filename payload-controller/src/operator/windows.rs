//! Windows of payloads that are called through `payload_exec`, as the ground orders and sees
//! them.

use comms_service::telemetry::Counter;
use juniper::{GraphQLEnum, GraphQLInputObject, GraphQLObject};

use super::Context;
use crate::core::{self, StepRecord, WindowRecord};

/// A window that is ordered.
#[derive(GraphQLInputObject)]
#[graphql(context = Context)]
pub(super) struct WindowOrder {
    /// 1 to 64 of A-Z, a-z, 0-9 and `-`, which is not the first: `-w` of `payload_exec`.
    id: String,
    /// Of [[payload-controller.signalled]].
    payload: String,
    /// For whom: `-u` of `payload_exec`.
    user: String,
    /// s since 1970.
    start: Counter,
    /// How long.
    duration_s: i32,
    /// A JSON object as text, of 16 KiB at most: `tasking_parameters`.
    parameters: String,
}

impl WindowOrder {
    pub(super) fn checked(self) -> Result<core::WindowOrder, String> {
        let duration_s = u64::try_from(self.duration_s);
        Ok(core::WindowOrder {
            id: window_id(&self.id)?,
            payload: self.payload.parse().map_err(|error| format!("{error}"))?,
            user: self.user,
            start_s: self.start.0,
            duration_s: duration_s.map_err(|_| "`durationS` is below 0".to_owned())?,
            parameters: self.parameters,
        })
    }
}

pub(super) fn window_id(id: &str) -> Result<core::WindowId, String> {
    let id = id.parse::<core::WindowId>();
    id.map_err(|error| error.to_string())
}

/// How it stands with a window.
#[derive(Clone, Copy, PartialEq, Eq, GraphQLEnum)]
pub(super) enum WindowState {
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

impl From<core::WindowState> for WindowState {
    fn from(state: core::WindowState) -> Self {
        match state {
            core::WindowState::Scheduled => WindowState::Scheduled,
            core::WindowState::Preparing => WindowState::Preparing,
            core::WindowState::Configuring => WindowState::Configuring,
            core::WindowState::Ready => WindowState::Ready,
            core::WindowState::Running => WindowState::Running,
            core::WindowState::Executed => WindowState::Executed,
            core::WindowState::Failed => WindowState::Failed,
            core::WindowState::Cancelled => WindowState::Cancelled,
        }
    }
}

/// A window.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct PayloadWindow {
    /// By which it is known.
    id: String,
    /// Whose.
    payload: String,
    /// For whom.
    user: String,
    /// s since 1970.
    start: Counter,
    /// How long.
    duration_s: i32,
    /// How it stands.
    state: WindowState,
    /// Why it failed or was cancelled; else empty.
    reason: String,
    /// ms since 1970 when it ended; null before.
    ended_at: Option<Counter>,
    /// `payload_exec … -e`; null before.
    configure: Option<StepResult>,
    /// `payload_exec` for the window itself; null before.
    execution: Option<StepResult>,
    /// `payload_exec … -s`; null where there is none.
    stop: Option<StepResult>,
}

/// A call of `payload_exec`.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct StepResult {
    /// ms since 1970.
    began_at: Counter,
    /// How long it took; null while it goes on.
    took_ms: Option<i32>,
    /// What it returned; null after a signal, a time-out, and while it goes on.
    exit_code: Option<i32>,
    /// `done`, `failed`, `timed-out`, `killed`, or `unknown`: the controller, the machine or the
    /// connection ended meanwhile. Null while it goes on.
    outcome: Option<String>,
    /// The last 4096 octets of its standard output.
    output: String,
    /// The last 4096 octets of its standard error.
    errors: String,
}

impl PayloadWindow {
    pub(super) fn of(window: &WindowRecord) -> Self {
        let order = &window.order;
        let step = |step: &Option<StepRecord>| step.as_ref().map(StepResult::of);
        PayloadWindow {
            id: order.id.to_string(),
            payload: order.payload.to_string(),
            user: order.user.clone(),
            start: Counter(order.start_s),
            duration_s: i32::try_from(order.duration_s).unwrap_or(i32::MAX),
            state: window.state.into(),
            reason: window.reason.clone(),
            ended_at: window.ended.map(Counter),
            configure: step(&window.configure),
            execution: step(&window.execution),
            stop: step(&window.stop),
        }
    }
}

impl StepResult {
    fn of(step: &StepRecord) -> Self {
        let began_at = Counter(step.began);
        let Some(end) = &step.ended else {
            return StepResult {
                began_at,
                took_ms: None,
                exit_code: None,
                outcome: None,
                output: String::new(),
                errors: String::new(),
            };
        };
        StepResult {
            began_at,
            took_ms: Some(i32::try_from(end.took_ms).unwrap_or(i32::MAX)),
            exit_code: end.exit_code,
            outcome: Some(end.outcome.name().to_owned()),
            output: end.output.clone(),
            errors: end.errors.clone(),
        }
    }
}
