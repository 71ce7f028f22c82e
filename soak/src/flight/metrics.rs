//! The accounts on a service's metrics page.

use std::collections::BTreeMap;

use comms_service::accounting::Flow;

/// One account: packets or messages, up or down.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Account {
    name: String,
    offered: u64,
    delivered: u64,
    queued: u64,
    in_flight: u64,
    dropped: BTreeMap<String, u64>,
}

/// All accounts of a page.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Metrics {
    flows: BTreeMap<String, Account>,
    memory_bytes_used: u64,
    /// Of those used: answers kept for commands that come again.
    memory_bytes_remembered: u64,
}

impl Account {
    /// The same of a ground end.
    pub(super) fn of(name: &str, flow: &Flow) -> Self {
        let dropped = flow.dropped.iter();
        Self {
            name: name.to_owned(),
            offered: flow.offered,
            delivered: flow.delivered,
            queued: flow.queued,
            in_flight: flow.in_flight,
            dropped: dropped
                .map(|(reason, count)| (reason.as_str().to_owned(), count))
                .collect(),
        }
    }

    fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    fn balances(&self) -> bool {
        self.offered == self.delivered + self.queued + self.in_flight + self.dropped()
    }

    /// A row for the account, and one for each reason.
    pub(super) fn rows(&self, end: &str) -> Vec<String> {
        let mut rows = vec![format!(
            "{:<28} {:>9} {:>9} {:>7} {:>9} {:>9}",
            format!("{end}, {}", self.name),
            self.offered,
            self.delivered,
            self.queued,
            self.in_flight,
            self.dropped()
        )];
        let reasons = self.dropped.iter().filter(|(_, count)| **count > 0);
        rows.extend(reasons.map(|(reason, count)| format!("{reason:>66} {count:>9}")));
        rows
    }
}

impl Metrics {
    /// Reads a page in Prometheus' text format.
    pub(super) fn read(page: &str) -> Self {
        let mut metrics = Self::default();
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let value = value.parse::<f64>().unwrap_or(0.0) as u64;
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            match label(labels, "amount") {
                Some("used") if name == "heliograph_memory_bytes" => {
                    metrics.memory_bytes_used = value;
                }
                Some("remembered") if name == "heliograph_memory_bytes" => {
                    metrics.memory_bytes_remembered = value;
                }
                _ => {}
            }
            let Some(flow) = label(labels, "flow") else {
                continue;
            };
            let account = metrics.flows.entry(flow.to_owned()).or_default();
            flow.clone_into(&mut account.name);
            match name {
                "heliograph_offered_total" => account.offered = value,
                "heliograph_delivered_total" => account.delivered = value,
                "heliograph_queued" => account.queued = value,
                "heliograph_in_flight" => account.in_flight = value,
                "heliograph_dropped_total" => {
                    let reason = label(labels, "reason").unwrap_or_default();
                    account.dropped.insert(reason.to_owned(), value);
                }
                _ => {}
            }
        }
        metrics
    }

    pub(super) fn flows(&self) -> impl Iterator<Item = &Account> {
        self.flows.values()
    }

    /// The accounts that do not add up.
    pub(super) fn unbalanced(&self) -> Vec<String> {
        let wrong = self.flows().filter(|flow| !flow.balances());
        wrong.map(|flow| format!("{flow:?}")).collect()
    }

    /// Whether nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        let held = self.memory_bytes_used - self.memory_bytes_remembered;
        let idle = |flow: &Account| flow.queued + flow.in_flight == 0;
        !self.flows.is_empty() && self.flows().all(idle) && held == 0
    }
}

fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = labels.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gives_its_accounts_and_one_that_does_not_add_up_is_named() {
        let page = "# HELP x\n\
            heliograph_offered_total{flow=\"uplink-packets\"} 7\n\
            heliograph_delivered_total{flow=\"uplink-packets\"} 4\n\
            heliograph_queued{flow=\"uplink-packets\"} 0\n\
            heliograph_in_flight{flow=\"uplink-packets\"} 0\n\
            heliograph_dropped_total{flow=\"uplink-packets\",reason=\"length\"} 3\n\
            heliograph_memory_bytes{amount=\"used\"} 0\n";
        let metrics = Metrics::read(page);
        assert_eq!(metrics.unbalanced(), [""; 0]);
        assert!(metrics.is_idle());
        let wrong = Metrics::read(&page.replace("} 3", "} 2"));
        assert_eq!(wrong.unbalanced().len(), 1);
        assert!(!Metrics::read("").is_idle());
    }
}
