//! A file that is to go down, as the operator sees it.

use comms_service::telemetry::Counter;
use juniper::GraphQLObject;

use super::{Context, time};
use crate::core::{FileBand, FilePriority, FileRecord, FileState};

/// A file that is not on the ground.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct StagedFile {
    /// Its number.
    id: Counter,
    /// Whose.
    app: String,
    /// Beneath the outbound directory of the app.
    path: String,
    /// `low`, `normal`, `high` or `immediate`.
    priority: String,
    /// `S` or `X`.
    band: String,
    /// `asked`; `accepted`: the link service has it; `on ground`: it is being removed here;
    /// `given up`.
    state: String,
    /// Why it was given up.
    why: Option<String>,
    /// When it was asked for (RFC 3339).
    asked_time: Option<String>,
    /// So often it was handed to the link service.
    attempts: i32,
    /// Octets; 0 until it is accepted.
    bytes: Counter,
}

impl StagedFile {
    pub(super) fn of(file: &FileRecord) -> Self {
        let priority = match file.priority {
            FilePriority::Low => "low",
            FilePriority::Normal => "normal",
            FilePriority::High => "high",
            FilePriority::Immediate => "immediate",
        };
        let band = match file.band {
            FileBand::SBand => "S",
            FileBand::XBand => "X",
        };
        let (state, why) = match &file.state {
            FileState::Asked => ("asked", None),
            FileState::Accepted => ("accepted", None),
            FileState::OnGround => ("on ground", None),
            FileState::GivenUp(why) => ("given up", Some(why.clone())),
        };
        StagedFile {
            id: Counter(file.id.0),
            app: file.app.to_string(),
            path: file.path.clone(),
            priority: priority.to_owned(),
            band: band.to_owned(),
            state: state.to_owned(),
            why,
            asked_time: time(file.asked),
            attempts: i32::try_from(file.attempts).unwrap_or(i32::MAX),
            bytes: Counter(file.bytes),
        }
    }
}
