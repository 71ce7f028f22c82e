//! The GraphQL schema of a service that stands on a communications link.
//!
//! The names at the root are those that KubOS operators know; `telemetry` and
//! `radio` hold the typed breakdown.

use std::sync::{Arc, Mutex, PoisonError};

use comms_service::CommsTelemetry;
use comms_service::telemetry::Counter;
use juniper::{EmptySubscription, RootNode, graphql_object};
use radio_hal::{FrameStatistics, RadioConnection};

/// What the schema looks at.
#[derive(Clone)]
pub struct LinkContext {
    /// The telemetry of the link.
    pub telemetry: Arc<Mutex<CommsTelemetry>>,
    /// The radio under it.
    pub radio: RadioConnection,
}

impl juniper::Context for LinkContext {}

impl LinkContext {
    pub(crate) fn telemetry(&self) -> CommsTelemetry {
        self.telemetry
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The whole schema.
pub type LinkSchema = RootNode<LinkQuery, LinkMutation, EmptySubscription<LinkContext>>;

/// The schema, ready for [`Endpoint::new`](crate::http::Endpoint::new).
#[must_use]
pub fn link_schema() -> LinkSchema {
    LinkSchema::new(LinkQuery, LinkMutation, EmptySubscription::new())
}

/// Queries of a service on a communications link.
pub struct LinkQuery;

#[graphql_object(context = LinkContext)]
impl LinkQuery {
    /// "pong": the service is alive.
    fn ping() -> &'static str {
        "pong"
    }

    /// The newest errors of the link, newest last.
    fn errors(context: &LinkContext) -> Vec<String> {
        context.telemetry().errors()
    }

    /// Everything that the link counts.
    fn telemetry(context: &LinkContext) -> CommsTelemetry {
        context.telemetry()
    }

    /// Everything that the radio counts.
    fn radio(context: &LinkContext) -> RadioFrames {
        RadioFrames(context.radio.statistics())
    }

    /// Valid packets from the radio.
    fn packets_up(context: &LinkContext) -> i32 {
        context.telemetry().packets_up()
    }

    /// Packets that the radio took.
    fn packets_down(context: &LinkContext) -> i32 {
        context.telemetry().packets_down()
    }

    /// Packets from the radio that were dropped.
    fn failed_packets_up(context: &LinkContext) -> i32 {
        context.telemetry().failed_packets_up()
    }

    /// Messages for the ground that were dropped.
    fn failed_packets_down(context: &LinkContext) -> i32 {
        context.telemetry().failed_packets_down()
    }
}

/// Mutations of a service on a communications link.
pub struct LinkMutation;

#[graphql_object(context = LinkContext)]
impl LinkMutation {
    /// Does nothing: shows that commands arrive.
    fn noop() -> MutationResult {
        MutationResult {
            success: true,
            errors: String::new(),
        }
    }
}

/// Whether a mutation did what it was asked to.
#[derive(Clone, Debug, juniper::GraphQLObject)]
pub struct MutationResult {
    /// It did.
    pub success: bool,
    /// Why it did not.
    pub errors: String,
}

struct RadioFrames(FrameStatistics);

/// What became of the frames of the radio: received = delivered + dropped.
#[graphql_object]
#[graphql(context = LinkContext)]
impl RadioFrames {
    /// Frames that came in, good or not.
    fn received(&self) -> Counter {
        Counter(self.0.received)
    }

    /// Frames whose packet was handed to the link.
    fn delivered(&self) -> Counter {
        Counter(self.0.delivered)
    }

    /// Frames that were dropped, by reason; reasons that did not occur are left out.
    fn dropped(&self) -> Vec<DroppedFrames> {
        let drops = self.0.drops().filter(|(_, count)| *count > 0);
        let view = drops.map(|(reason, count)| DroppedFrames {
            reason: reason.as_str().to_string(),
            count: Counter(count),
        });
        view.collect()
    }

    /// Packets that the transmitter took.
    fn transmitted(&self) -> Counter {
        Counter(self.0.transmitted)
    }

    /// Packets that were refused or could not be sent, and are not tried again.
    fn transmit_failures(&self) -> Counter {
        Counter(self.0.transmit_failures)
    }
}

/// How many frames were dropped for one reason.
#[derive(juniper::GraphQLObject)]
#[graphql(context = LinkContext)]
struct DroppedFrames {
    /// The reason.
    reason: String,
    /// How many.
    count: Counter,
}
