//! What a service tells of its link: a GraphQL object over live counters.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use juniper::{ScalarValue, graphql_object, graphql_scalar};

use crate::accounting::{ClassAccount, DropReason, Flow, Statistics};
use crate::link::{ContactState, QueueClass};
use crate::security::{SecurityStatus, StationStatus};

/// How many errors are kept; older ones give way.
pub const ERRORS_MAX: usize = 100;

/// The telemetry of a communications service.
///
/// It is created empty and given to
/// [`CommsService::start`](crate::CommsService::start), from when on it shows
/// the live counters of that service. Reading takes one consistent snapshot;
/// the service itself never waits for the mutex around this object.
#[derive(Clone, Default)]
pub struct CommsTelemetry {
    source: Option<Source<Statistics>>,
    contact: Option<Source<ContactState>>,
}

/// Where live values come from.
type Source<T> = Arc<dyn Fn() -> T + Send + Sync>;

impl fmt::Debug for CommsTelemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.statistics().fmt(f)
    }
}

impl CommsTelemetry {
    pub(crate) fn show(&mut self, source: Source<Statistics>, contact: Source<ContactState>) {
        self.source = Some(source);
        self.contact = Some(contact);
    }

    /// Whether the ground is there; none before `start`.
    pub fn contact(&self) -> Option<ContactState> {
        self.contact.as_ref().map(|contact| contact())
    }

    /// Everything counted, in one consistent snapshot; all zero before `start`.
    pub fn statistics(&self) -> Statistics {
        self.source
            .as_ref()
            .map(|source| source())
            .unwrap_or_default()
    }

    /// The newest errors, newest last, at most [`ERRORS_MAX`].
    pub fn errors(&self) -> Vec<String> {
        self.statistics().errors
    }

    /// Valid packets from the radio; stays at 2³¹ − 1.
    pub fn packets_up(&self) -> i32 {
        capped(self.statistics().packets_valid)
    }

    /// Packets that `write` took; stays at 2³¹ − 1.
    pub fn packets_down(&self) -> i32 {
        capped(self.statistics().packets_out.delivered)
    }

    /// Packets from the radio that were dropped, but for fill and for packets that
    /// came twice, which are no failures; stays at 2³¹ − 1.
    pub fn failed_packets_up(&self) -> i32 {
        let dropped = self.statistics().packets_in.dropped;
        let harmless = dropped.of(DropReason::Idle) + dropped.of(DropReason::Duplicate);
        capped(dropped.total() - harmless)
    }

    /// Messages for the ground that were dropped, for whatever reason; stays at
    /// 2³¹ − 1.
    pub fn failed_packets_down(&self) -> i32 {
        capped(self.statistics().messages_out.dropped.total())
    }
}

fn capped(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Telemetry of a communications service.
#[graphql_object]
#[graphql(name = "CommsTelemetry")]
impl CommsTelemetry {
    /// The newest errors, newest last.
    #[graphql(name = "errors")]
    fn graphql_errors(&self) -> Vec<String> {
        self.errors()
    }

    /// Valid packets from the radio.
    #[graphql(name = "packetsUp")]
    fn graphql_packets_up(&self) -> i32 {
        self.packets_up()
    }

    /// Packets that the radio took.
    #[graphql(name = "packetsDown")]
    fn graphql_packets_down(&self) -> i32 {
        self.packets_down()
    }

    /// Packets from the radio that were dropped.
    #[graphql(name = "failedPacketsUp")]
    fn graphql_failed_packets_up(&self) -> i32 {
        self.failed_packets_up()
    }

    /// Messages for the ground that were dropped.
    #[graphql(name = "failedPacketsDown")]
    fn graphql_failed_packets_down(&self) -> i32 {
        self.failed_packets_down()
    }

    /// Whether the ground is there; null before the link has started.
    #[graphql(name = "contact")]
    fn graphql_contact(&self) -> Option<Contact> {
        self.contact().map(Contact)
    }

    /// Whether the stations have keys in common with this end; null on a link without
    /// security, and before it has started.
    fn security(&self) -> Option<SecurityView> {
        self.statistics().security.map(SecurityView)
    }

    /// Everything counted, in one consistent snapshot.
    fn accounting(&self) -> Accounting {
        Accounting(self.statistics())
    }
}

struct Contact(ContactState);

/// Contact with the ground: what is heard wins over what is planned.
#[graphql_object]
impl Contact {
    /// Whether the ground is there: heard, or planned.
    fn in_contact(&self) -> bool {
        self.0.in_contact
    }

    /// Why: `heard`, `planned`, `between-windows`, `no-plan`, `clock-not-set`,
    /// `plan-used-up` or `silence`.
    fn reason(&self) -> &str {
        self.0.reason.as_str()
    }

    /// How long ago the last valid frame came, in ms; null when none did.
    fn heard_ms_ago(&self) -> Option<Counter> {
        self.0.heard_at.map(ms_ago)
    }
}

fn ms_ago(at: Instant) -> Counter {
    Counter(u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX))
}

struct SecurityView(SecurityStatus);

/// How the security layer stands; nothing of it is secret.
#[graphql_object]
#[graphql(name = "Security")]
impl SecurityView {
    /// `authenticate` or `encrypt`.
    fn mode(&self) -> &str {
        self.0.mode.as_str()
    }

    /// Whether at least one station has keys in common with this end.
    fn in_sync(&self) -> bool {
        self.0.in_sync
    }

    /// The generations of the key file, in its order.
    fn generations(&self) -> Vec<i32> {
        self.0.generations.iter().copied().map(i32::from).collect()
    }

    /// All stations that there are.
    fn stations(&self) -> Vec<StationView<'_>> {
        self.0.stations.iter().map(StationView).collect()
    }
}

struct StationView<'a>(&'a StationStatus);

/// One ground station.
#[graphql_object]
#[graphql(name = "Station")]
impl StationView<'_> {
    /// Its number.
    fn station(&self) -> i32 {
        self.0.station.into()
    }

    /// The key generation that it was last heard under; null where it has to resync.
    fn generation(&self) -> Option<i32> {
        self.0.generation.map(i32::from)
    }

    /// How long ago it was last heard, in ms; null when it was not since the start.
    fn heard_ms_ago(&self) -> Option<Counter> {
        self.0.heard_at.map(ms_ago)
    }
}

struct Accounting(Statistics);

/// Exact accounts: in each flow, offered = delivered + queued + inFlight + dropped.
#[graphql_object]
impl Accounting {
    /// Packets from the radio; delivered when their message is whole.
    fn uplink_packets(&self) -> FlowView<'_> {
        FlowView(&self.0.packets_in)
    }

    /// Messages from the ground; delivered when their service took or answered them.
    fn uplink_messages(&self) -> FlowView<'_> {
        FlowView(&self.0.messages_in)
    }

    /// Answers and datagrams for the ground; delivered when the radio took them.
    fn downlink_messages(&self) -> FlowView<'_> {
        FlowView(&self.0.messages_out)
    }

    /// Packets handed to the radio.
    fn downlink_packets(&self) -> FlowView<'_> {
        FlowView(&self.0.packets_out)
    }

    /// The messages for the ground by class, the most urgent first.
    fn downlink_classes(&self) -> Vec<ClassView<'_>> {
        let classes = self.0.classes_out.iter();
        classes
            .map(|(class, account)| ClassView { class, account })
            .collect()
    }

    /// Times that sequence counts were missing on the way up.
    fn sequence_gaps(&self) -> Counter {
        Counter(self.0.sequence_gaps)
    }

    /// Times that the ground began anew at sequence count 0.
    fn sender_restarts(&self) -> Counter {
        Counter(self.0.sender_restarts)
    }

    /// Octets cut off after the declared end of packets.
    fn surplus_bytes(&self) -> Counter {
        Counter(self.0.surplus_bytes)
    }

    /// Failures of the radio's `read`.
    fn read_errors(&self) -> Counter {
        Counter(self.0.read_errors)
    }

    /// Apps that were cut off, as they did not read the receipts of what they submitted.
    fn submitters_cut_off(&self) -> Counter {
        Counter(self.0.submitters_cut_off)
    }

    /// Octets held now.
    fn memory_bytes_used(&self) -> Counter {
        Counter(self.0.memory_bytes_used)
    }

    /// Of them, octets of answers that are remembered, which give way to everything else.
    fn answer_bytes_remembered(&self) -> Counter {
        Counter(self.0.answer_bytes_remembered)
    }

    /// Commands that are remembered, so that none runs twice.
    fn commands_remembered(&self) -> Counter {
        Counter(self.0.commands_remembered)
    }

    /// State files that were damaged and begun anew.
    fn state_files_damaged(&self) -> Counter {
        Counter(self.0.state_files_damaged)
    }

    /// Octets held at most.
    fn memory_bytes_max(&self) -> Counter {
        Counter(self.0.memory_bytes_max)
    }
}

struct ClassView<'a> {
    class: QueueClass,
    account: &'a ClassAccount,
}

/// The account of one class of messages for the ground.
#[graphql_object]
#[graphql(name = "DownlinkClass")]
impl ClassView<'_> {
    /// response, telemetry or bulk.
    fn class(&self) -> &str {
        self.class.as_str()
    }

    /// Its messages.
    fn messages(&self) -> FlowView<'_> {
        FlowView(&self.account.messages)
    }

    /// Octets of payload held now.
    fn bytes_held(&self) -> Counter {
        Counter(self.account.bytes_held)
    }
}

struct FlowView<'a>(&'a Flow);

/// The account of one flow.
#[graphql_object]
#[graphql(name = "Flow")]
impl FlowView<'_> {
    /// All that came.
    fn offered(&self) -> Counter {
        Counter(self.0.offered)
    }

    /// What reached its goal.
    fn delivered(&self) -> Counter {
        Counter(self.0.delivered)
    }

    /// What waits.
    fn queued(&self) -> Counter {
        Counter(self.0.queued)
    }

    /// What is being worked on.
    fn in_flight(&self) -> Counter {
        Counter(self.0.in_flight)
    }

    /// What was lost, by reason; reasons that did not occur are left out.
    fn dropped(&self) -> Vec<Dropped> {
        let pairs = self.0.dropped.iter();
        pairs
            .map(|(reason, count)| Dropped {
                reason: reason.as_str(),
                count,
            })
            .collect()
    }
}

struct Dropped {
    reason: &'static str,
    count: u64,
}

/// How much was dropped for one reason.
#[graphql_object]
impl Dropped {
    /// The reason.
    fn reason(&self) -> &str {
        self.reason
    }

    /// How many.
    fn count(&self) -> Counter {
        Counter(self.count)
    }
}

/// A count of 64 bits: a JSON number, exact up to 2⁵³.
#[graphql_scalar]
#[graphql(with = counter_scalar, parse_token(i32, f64))]
#[derive(Clone, Copy, Debug)]
pub struct Counter(pub u64);

mod counter_scalar {
    use super::{Counter, ScalarValue};

    pub(super) fn to_output<S: ScalarValue>(counter: &Counter) -> S {
        match i32::try_from(counter.0) {
            Ok(small) => small.into(),
            Err(_) => (counter.0 as f64).into(),
        }
    }

    pub(super) fn from_input(number: f64) -> Result<Counter, String> {
        if number < 0.0 || number.fract() != 0.0 {
            return Err(format!("{number} is not a count"));
        }
        Ok(Counter(number as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // KubOS C1-6: its counters overflowed, which ended the thread that counted.
    #[test]
    fn counters_stay_at_the_largest_graphql_int() {
        assert_eq!(capped(i32::MAX as u64), i32::MAX);
        assert_eq!(capped(1 << 31), i32::MAX);
        assert_eq!(capped(u64::MAX), i32::MAX);
    }
}
