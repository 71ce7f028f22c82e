//! The metrics page. `oort_items_accepted_total` is the sum of what waits, what is out and
//! what has ended.

use std::sync::Arc;

use service_host::http::axum::extract::State;
use service_host::http::axum::http::header;
use service_host::http::axum::response::IntoResponse as _;
use service_host::prometheus::{CONTENT_TYPE, Page};

use super::refusal::Refusal;
use super::{Answer, Served};
use crate::agent::{Agent, End};
use crate::queue::Stage;

pub(super) async fn page(State(shared): Served) -> Answer {
    let agent = Arc::clone(&shared.api.agent);
    let page = shared.page.run(move || Ok::<_, Refusal>(written(&agent)));
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], page.await?).into_response())
}

fn written(agent: &Agent) -> String {
    let counts = agent.counts();
    let mut page = Page::new();
    let (name, help) = ("oort_items_accepted_total", "Items that were accepted.");
    page.counter(name, help, &[("how", "handed_over")], counts.handed_over);
    page.counter(name, help, &[("how", "found_at_start")], counts.found);
    for end in End::ALL {
        let count = counts.ended.get(&end).copied().unwrap_or_default();
        let help = "Items that have ended, by how.";
        page.counter(
            "oort_items_ended_total",
            help,
            &[("how", end.as_str())],
            count,
        );
    }
    let help = "Items that have not ended.";
    page.gauge(
        "oort_items",
        help,
        &[("state", "waiting")],
        counts.waiting as f64,
    );
    page.gauge("oort_items", help, &[("state", "out")], counts.out as f64);
    for stage in Stage::ALL {
        let (items, bytes) = agent.depth(stage);
        let stage = stage.to_string();
        let labels = [("stage", stage.as_str())];
        let help = "Items in a stage of the queue.";
        page.gauge("oort_queue_items", help, &labels, items as f64);
        let help = "Octets of the items in a stage of the queue.";
        page.gauge("oort_queue_bytes", help, &labels, bytes as f64);
    }
    for (reason, count) in &counts.refused {
        let help = "Requests that were refused, by why.";
        page.counter("oort_refused_total", help, &[("reason", reason)], *count);
    }
    let help = "Uploads that were retrieved.";
    page.counter("oort_retrieved_total", help, &[], counts.retrieved);
    let help = "Files that the cleaner removed.";
    page.counter("oort_cleaned_total", help, &[], counts.cleaned);
    let help = "Octets that are free where the work directory is.";
    page.gauge("oort_free_bytes", help, &[], agent.free_bytes() as f64);
    page.finish()
}
