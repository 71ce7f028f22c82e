//! GraphQL for the operator, at the service's endpoint and by its link: the link, as of any
//! service on one, and the payloads. Beside it the metrics page.

mod apps;
mod devices;
mod files;
mod history;
mod metrics;
mod runs;
mod schema;
mod windows;

use std::collections::BTreeMap;

use juniper::EmptySubscription;
use service_host::http::Endpoint;
use service_host::link_host::link_metrics_writer;
use service_host::link_schema::LinkContext;
use service_host::prometheus::Page;

use crate::board::Log;
use crate::shell::Door;
use schema::{Mutation, Query, Schema};

/// Calls of payloads that were refused, by why.
pub(crate) type Refusals = Box<dyn Fn() -> BTreeMap<&'static str, u64> + Send + Sync>;

/// What the endpoint looks at beside the link.
pub(crate) struct Controlled {
    pub(crate) door: Door,
    pub(crate) log: Log,
    pub(crate) refusals: Refusals,
}

/// What the schema looks at.
struct Context {
    link: LinkContext,
    door: Door,
    log: Log,
}

impl juniper::Context for Context {}

impl juniper::FromContext<Context> for LinkContext {
    fn from(context: &Context) -> &Self {
        &context.link
    }
}

/// GraphQL and the metrics page.
pub(crate) fn endpoint(link: LinkContext, controlled: Controlled) -> Endpoint {
    let Controlled {
        door,
        log,
        refusals,
    } = controlled;
    let write_link = link_metrics_writer(&link);
    let counted = door.clone();
    let page = move || {
        let mut page = Page::new();
        write_link(&mut page);
        metrics::refusals(&mut page, &refusals());
        let views = counted.look(|it| {
            let apps: Vec<_> = it.apps().collect();
            let devices: Vec<_> = it.devices().collect();
            let signalled: Vec<_> = it.signalled().collect();
            (apps, devices, signalled)
        });
        let is_busy = views.is_err();
        metrics::is_busy(&mut page, is_busy);
        if let Ok((apps, devices, signalled)) = views {
            metrics::payloads(&mut page, &apps, &devices);
            metrics::windows(&mut page, &signalled);
        }
        page.finish()
    };
    let schema = Schema::new(Query, Mutation, EmptySubscription::new());
    let context = Context { link, door, log };
    Endpoint::new(schema, context).with_metrics(page)
}

/// A time of a record, as RFC 3339.
fn time(ms: u64) -> Option<String> {
    let ms = i64::try_from(ms).ok()?;
    let time = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(time.to_string())
}
