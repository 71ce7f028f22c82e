//! GraphQL for the operator: the link, as of any service on one, and the transfers of all
//! apps.

mod degraded;
mod links;
mod peers;
mod schema;

use std::sync::Arc;

use juniper::EmptySubscription;
use service_host::http::Endpoint;
use service_host::link_schema::LinkContext;

use super::peers::PeerCounts;
use super::reload::Reloader;
use schema::{Mutation, Query, Schema};

/// What the schema looks at.
pub(super) struct Context {
    link: LinkContext,
    reloader: Arc<Reloader>,
    peers: Arc<Vec<PeerCounts>>,
}

impl juniper::Context for Context {}

impl juniper::FromContext<Context> for LinkContext {
    fn from(context: &Context) -> &Self {
        &context.link
    }
}

pub(super) fn endpoint(
    link: LinkContext,
    reloader: Arc<Reloader>,
    peers: Arc<Vec<PeerCounts>>,
) -> Endpoint {
    let schema = Schema::new(Query, Mutation, EmptySubscription::new());
    let context = Context {
        link,
        reloader,
        peers,
    };
    Endpoint::new(schema, context)
}
