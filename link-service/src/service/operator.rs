//! GraphQL for the operator.

use std::sync::Arc;

use service_host::http::Endpoint;
use service_host::link_host::link_endpoint;
use service_host::link_schema::LinkContext;

use super::reload::Reloader;

pub(super) fn endpoint(context: LinkContext, _: Arc<Reloader>) -> Endpoint {
    link_endpoint(context)
}
