//! Another spacecraft, as the operator sees it.

use std::time::Instant;

use comms_service::telemetry::Counter;
use juniper::GraphQLObject;
use service_host::link_schema::RadioFrames;

use super::Context;
use crate::service::peers::PeerCounts;

/// The link to another spacecraft.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
pub(super) struct Peer {
    /// Its name.
    node: String,
    /// Whether it was heard just now.
    is_heard: bool,
    /// How long ago it was heard last, in ms; null if never.
    heard_ms_ago: Option<Counter>,
    /// What is wrong with how both ends are configured, as far as is seen here.
    problem: Option<String>,
    /// Valid packets that came from it.
    packets_in: Counter,
    /// Everything that the radio to it counts.
    radio: RadioFrames,
}

impl Peer {
    pub(super) fn of(counts: &PeerCounts) -> Self {
        let contact = counts.pdus.contact();
        let heard = contact.heard_at;
        let ago = heard.map(|at| Instant::now().saturating_duration_since(at));
        Peer {
            node: counts.node.to_string(),
            is_heard: contact.in_contact,
            heard_ms_ago: ago
                .map(|ago| Counter(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX))),
            problem: counts.problem().map(str::to_owned),
            packets_in: Counter(counts.statistics().packets_valid),
            radio: counts.radio_frames(),
        }
    }
}
