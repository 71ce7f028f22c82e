//! An app is asked for its counters, and tells them.

use payload_interface::messages as msg;

use super::app::{ASKED_FOR, App};
use super::craft::Craft;
use super::notice::What;
use super::outbox::{Purpose, Waiting};
use super::requests::{Refusal, unasked};
use super::time::Now;

use std::time::Duration;

/// Most counters of a payload that are kept.
const METRICS_MAX: usize = 32;

impl App {
    pub(super) fn metrics_on_time(&mut self, now: Now) {
        if self.metrics_next.is_some_and(|next| next <= now.monotonic) {
            self.ask_metrics(now);
        }
    }

    /// The payload is asked for its counters.
    pub(super) fn ask_metrics(&mut self, now: Now) {
        self.metrics_next = self.rules.metrics_every.map(|every| now.after(every));
        self.metrics_asked = Some(now.after(ASKED_FOR));
        let ask = msg::ReqPayloadMetricsParams {
            correlation_id: self.correlation(),
        };
        let rules = self.rules.outbox;
        let waiting = Waiting::new(
            ask,
            Purpose::Metrics,
            rules.deadline,
            now.after(rules.valid),
        );
        self.outbox.push(waiting, &mut self.counts.calls);
    }

    pub(super) fn take_metrics(
        &mut self,
        craft: &mut Craft,
        now: Now,
        told: msg::PayloadMetricsResponse,
    ) -> Result<(), Refusal> {
        let is_asked = |until: &mut Duration| now.monotonic < *until;
        if self.metrics_asked.take_if(is_asked).is_none() {
            return unasked(self, craft, now, "PC_response_payload_metrics");
        }
        let used = usize::try_from(told.used_counter).unwrap_or_default();
        let counters = told.metrics.into_iter().take(used.min(METRICS_MAX));
        // A counter has 32 bits without a sign, and the field has one.
        #[allow(clippy::cast_sign_loss)]
        let counters = counters.map(|metric| (metric.names, metric.counter as u32));
        self.metrics = counters.collect();
        let what = What::Metrics(self.metrics.clone());
        craft.tell(now, Some(&self.rules.name), what);
        Ok(())
    }
}
