//! A transfer, as the operator sees it.

use comms_service::telemetry::Counter;
use juniper::GraphQLObject;

use super::Context;
use crate::api::json::answer::LinkResponse;
use crate::desk::TransferView;

/// A transfer, in the words of the interface of apps.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct Link {
    /// Its number.
    id: String,
    /// Who sends.
    sender: String,
    /// The sender's id of the request.
    tracking_id: String,
    /// How it stands or ended.
    code: String,
    /// What there is to say beside the code.
    message: String,
    /// Where it stands in the queue: `ready`, `running`, `waits`, `held` or `over`; null once
    /// it has ended.
    standing: Option<String>,
    /// What it has now: `low`, `medium`, `high` or `critical`.
    priority: String,
    /// The files.
    files: Vec<String>,
    /// Octets of all files.
    bytes: Counter,
    /// How often it was tried.
    attempts: Counter,
    /// Each recipient.
    recipients: Vec<LinkRecipient>,
    /// When it ended (RFC 3339).
    processed_time: Option<String>,
}

/// The delivery to one recipient.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct LinkRecipient {
    /// Who.
    app: String,
    /// How it stands or ended.
    code: String,
    /// Octets that are there.
    octets: Counter,
}

impl Link {
    pub(super) fn of(view: &TransferView) -> Self {
        let answer = LinkResponse::of(view, true);
        let transfer = &view.transfer;
        let files = transfer.request.files.iter();
        let recipients = view.legs.iter().map(|leg| LinkRecipient {
            app: leg.recipient.to_string(),
            code: leg.code.to_string(),
            octets: Counter(leg.octets),
        });
        Link {
            id: transfer.id.to_string(),
            sender: transfer.from().to_string(),
            tracking_id: transfer.request.request_id.clone(),
            code: view.code.to_string(),
            message: view.text.clone(),
            standing: answer.standing.map(str::to_owned),
            priority: view.priority.to_string(),
            files: files.map(ToString::to_string).collect(),
            bytes: Counter(transfer.bytes()),
            attempts: Counter(u64::from(transfer.attempts)),
            recipients: recipients.collect(),
            processed_time: answer.link_processed_time,
        }
    }
}
