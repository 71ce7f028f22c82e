//! A run of a sequence, as the operator sees it.

use comms_service::telemetry::Counter;
use juniper::{GraphQLEnum, GraphQLObject};

use super::{Context, time};
use crate::core::{RunRecord, RunState};

/// Which runs.
#[derive(Clone, Copy, PartialEq, Eq, GraphQLEnum)]
pub(super) enum RunStanding {
    /// Those that have not ended.
    Open,
    /// Those that have.
    Ended,
}

/// A run of a sequence.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct Run {
    /// Its number.
    id: Counter,
    /// Whose sequence.
    app: String,
    /// The sequence's name.
    sequence: String,
    /// What it was given.
    params: String,
    /// How it stands: `asked`, `accepted`, `running`, `late` or `unknown`, or how it ended:
    /// `done`, `done late`, `failed`, `cancelled`, `refused`, `expired` or `lost`.
    state: String,
    /// What the payload returned, where it refused.
    code: Option<i32>,
    /// When it was ordered (RFC 3339).
    asked_time: Option<String>,
    /// When it is to be done (RFC 3339).
    due_time: Option<String>,
    /// When it ended (RFC 3339).
    ended_time: Option<String>,
    /// 0 to 100, as the payload said last.
    percent: i32,
    /// What there is to say of it.
    text: String,
    /// What the payload gave as its result, in hexadecimal digits.
    result_hex: String,
}

impl RunStanding {
    pub(super) fn is_of(self, run: &RunRecord) -> bool {
        run.state.has_ended() == (self == RunStanding::Ended)
    }
}

impl Run {
    pub(super) fn of(run: &RunRecord) -> Self {
        let code = match run.state {
            RunState::Refused { code } => code.map(|code| code.0),
            _ => None,
        };
        Run {
            id: Counter(run.id.0),
            app: run.app.to_string(),
            sequence: run.sequence.clone(),
            params: run.params.clone(),
            state: run.state.name().to_owned(),
            code,
            asked_time: time(run.asked),
            due_time: time(run.asked.saturating_add(run.within_ms)),
            ended_time: run.ended.and_then(time),
            percent: i32::try_from(run.percent).unwrap_or(i32::MAX),
            text: run.text.clone(),
            result_hex: hex::encode(&run.result),
        }
    }
}
