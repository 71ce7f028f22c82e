//! Streams of values that an app asked for.

use std::time::Duration;

use payload_interface::messages as msg;
use payload_interface::{Callback, ReqStatus};

use super::action::RequestId;
use super::app::App;
use super::craft::Craft;
use super::outbox::{Purpose, Waiting};
use super::record::{StreamKind, StreamRecord};
use super::rules::STREAM_PERIOD_MAX;
use super::time::Now;

#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub(super) record: StreamRecord,
    pub(super) next: Duration,
}

impl App {
    pub(super) fn start_stream(
        &mut self,
        craft: &Craft,
        now: Now,
        kind: StreamKind,
        correlation_id: i32,
        period_ms: i32,
    ) -> (ReqStatus, Option<Callback>) {
        let Ok(period_ms) = u64::try_from(period_ms) else {
            return (ReqStatus::InvalidTimer, None);
        };
        let period = Duration::from_millis(period_ms);
        let is_once = period.is_zero();
        let allowed = self.rules.stream_period_min..=STREAM_PERIOD_MAX;
        if !is_once && !allowed.contains(&period) {
            return (ReqStatus::InvalidTimer, None);
        }
        if self.streams.contains_key(&kind) {
            return (ReqStatus::Busy, None);
        }
        let data = self.sample(craft, now, kind, correlation_id);
        if data.is_none() {
            self.counts.stale += 1;
        }
        if is_once {
            return match data {
                Some(data) => (ReqStatus::Success, Some(data)),
                None => (ReqStatus::Failed, None),
            };
        }
        let record = StreamRecord {
            kind,
            correlation_id,
            period_ms,
        };
        let next = now.after(period);
        self.streams.insert(kind, Stream { record, next });
        (ReqStatus::Success, data)
    }

    /// The first value follows the answer, in its lane.
    pub(super) fn first_of_stream(
        &mut self,
        now: Now,
        after: Option<RequestId>,
        data: Option<Callback>,
    ) {
        if let Some(data) = data {
            self.respond(now, after, data);
        }
    }

    pub(super) fn stop_stream(&mut self, kind: StreamKind) -> ReqStatus {
        match self.streams.remove(&kind) {
            Some(_) => ReqStatus::Success,
            None => ReqStatus::Failed,
        }
    }

    pub(super) fn streams_on_time(&mut self, craft: &mut Craft, now: Now) {
        let due = self.streams.values();
        let due = due.filter(|stream| stream.next <= now.monotonic);
        for stream in due.copied().collect::<Vec<_>>() {
            let StreamRecord {
                kind,
                correlation_id,
                period_ms,
            } = stream.record;
            let data = self.sample(craft, now, kind, correlation_id);
            self.stream(now, None, kind, data);
            let period = Duration::from_millis(period_ms);
            let next = stream.next.saturating_add(period);
            let next = match next > now.monotonic {
                true => next,
                false => now.after(period),
            };
            if let Some(stream) = self.streams.get_mut(&kind) {
                stream.next = next;
            }
        }
    }

    /// A value of a stream, of now. None where it is stale.
    pub(super) fn sample(
        &self,
        craft: &Craft,
        now: Now,
        kind: StreamKind,
        correlation_id: i32,
    ) -> Option<Callback> {
        match kind {
            StreamKind::Ephemeris => {
                let data = craft.bus.ephemeris(now, correlation_id)?;
                Some(Callback::from(data))
            }
            StreamKind::EpsVoltage => {
                let volts = craft.bus.battery(now)?;
                // To the precision of the field.
                #[allow(clippy::cast_possible_truncation)]
                let eps_voltage = volts as f32;
                Some(Callback::from(msg::GetEpsVoltage {
                    correlation_id,
                    eps_voltage,
                }))
            }
        }
    }

    /// A value of a stream leaves; one that waits still is replaced by it.
    pub(super) fn stream(
        &mut self,
        now: Now,
        after: Option<RequestId>,
        kind: StreamKind,
        data: Option<Callback>,
    ) {
        let Some(data) = data else {
            self.counts.stale += 1;
            return;
        };
        let rules = self.rules.outbox;
        let valid_until = now.after(rules.valid);
        let waiting = Waiting::new(data, Purpose::Data(kind), rules.deadline, valid_until);
        self.outbox
            .push(waiting.after(after), &mut self.counts.calls);
    }
}
