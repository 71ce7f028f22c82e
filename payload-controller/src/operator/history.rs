//! What happened, as the operator sees it.

use comms_service::telemetry::Counter;
use juniper::GraphQLObject;

use super::{Context, time};
use crate::board::Heard;
use crate::core::{Notice as Noticed, Severity};

/// Something that happened.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct Notice {
    /// Counted from 1, by each start of the controller.
    number: Counter,
    /// When (RFC 3339).
    time: Option<String>,
    /// To which app.
    app: Option<String>,
    /// `usual`, `warning` or `alarm`.
    severity: String,
    /// What.
    text: String,
}

/// A message of a payload.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct Message {
    /// Counted from 1, by each start of the controller.
    number: Counter,
    /// Whose.
    app: String,
    /// As the payload gave it.
    command_id: i32,
    /// As the payload gave it, in hexadecimal digits.
    data_hex: String,
}

impl Notice {
    pub(super) fn of(number: u64, notice: &Noticed) -> Self {
        let severity = match notice.what.severity() {
            Severity::Usual => "usual",
            Severity::Warning => "warning",
            Severity::Alarm => "alarm",
        };
        Notice {
            number: Counter(number),
            time: u64::try_from(notice.at.as_millis()).ok().and_then(time),
            app: notice.app.as_ref().map(ToString::to_string),
            severity: severity.to_owned(),
            text: notice.what.to_string(),
        }
    }
}

impl Message {
    pub(super) fn of(heard: &Heard) -> Self {
        Message {
            number: Counter(heard.number),
            app: heard.app.to_string(),
            command_id: heard.command_id,
            data_hex: hex::encode(&heard.data),
        }
    }
}
