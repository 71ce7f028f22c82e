//! The ground's reception reports: which messages came down whole.
//!
//! A message is named by its APID and the sequence count of its last packet. Each is
//! in so many reports that the loss of one or two does not hide it, and then
//! forgotten, so that no report tells of what a satellite sent before it began anew.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::link_control::{Heard, ReceptionReport};

/// Reports that a message is in.
const REPORTS_EACH: u8 = 3;
/// Messages of one APID that are to be reported; then the oldest is forgotten.
const MESSAGES_MAX: usize = 1024;
/// Half of the sequence counts: what is farther ahead is behind.
const COUNTS_AHEAD_MAX: u16 = 0x2000;
const COUNTS: u16 = 0x4000;

#[derive(Debug)]
pub(super) struct Reception {
    /// Between two reports; none for no reports.
    period: Option<Duration>,
    last_report: Option<Instant>,
    /// By APID, oldest first: the count, and in how many reports it was.
    heard: BTreeMap<u16, VecDeque<(u16, u8)>>,
    /// When the first message came that no report told of.
    since: Option<Instant>,
}

impl Reception {
    pub(super) fn new(period: Option<Duration>) -> Self {
        Reception {
            period,
            last_report: None,
            heard: BTreeMap::new(),
            since: None,
        }
    }

    /// A message came whole, whose last packet had this count.
    pub(super) fn heard(&mut self, now: Instant, apid: u16, count: u16) {
        if self.period.is_none() {
            return;
        }
        let heard = self.heard.entry(apid).or_default();
        if let Some((newest, _)) = heard.back() {
            let ahead = (count + COUNTS - newest) % COUNTS;
            if ahead >= COUNTS_AHEAD_MAX {
                heard.clear();
            }
        }
        heard.push_back((count, 0));
        // Not farther back than counts are unambiguous.
        while heard.front().is_some_and(|(oldest, _)| {
            heard.len() > MESSAGES_MAX || (count + COUNTS - oldest) % COUNTS >= COUNTS_AHEAD_MAX
        }) {
            heard.pop_front();
        }
        self.since.get_or_insert(now);
    }

    /// The sender of an APID began anew.
    pub(super) fn restarted(&mut self, apid: u16) {
        self.heard.remove(&apid);
    }

    /// When the next report is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let since = self.since?;
        let period = self.period?;
        Some(
            self.last_report
                .map_or(since, |last| since.max(last + period)),
        )
    }

    /// The report that is due, of at most `entries_max` entries: the newest of each
    /// APID first. What does not fit is in a later one.
    pub(super) fn report(&mut self, now: Instant, entries_max: usize) -> Option<ReceptionReport> {
        if self.next_deadline().is_none_or(|due| due > now) {
            return None;
        }
        if entries_max == 0 {
            // Nothing of it can ever be told.
            self.heard.clear();
        }
        let apids = self.heard.iter().map(|(apid, counts)| {
            let entries = Heard::of_counts(*apid, counts.iter().map(|(count, _)| *count));
            entries.into_iter().enumerate()
        });
        let mut entries: Vec<(usize, Heard)> = apids.flatten().collect();
        // Stable: by turns of the APIDs.
        entries.sort_by_key(|(turn, _)| *turn);
        entries.truncate(entries_max);
        let heard: Vec<Heard> = entries.into_iter().map(|(_, heard)| heard).collect();
        for (apid, counts) in &mut self.heard {
            let told = |count| {
                let mut entries = heard.iter().filter(|entry| entry.apid == *apid);
                entries.any(|entry| entry.names(count))
            };
            for (count, reports) in counts.iter_mut() {
                *reports += u8::from(told(*count));
            }
            counts.retain(|(_, reports)| *reports < REPORTS_EACH);
        }
        self.heard.retain(|_, counts| !counts.is_empty());
        let report = ReceptionReport { heard };
        self.last_report = Some(now);
        self.since = (!self.heard.is_empty()).then_some(now);
        (!report.heard.is_empty()).then_some(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_into_a_report_is_told_by_a_later_one() {
        let mut reception = Reception::new(Some(Duration::from_secs(1)));
        let mut now = Instant::now();
        // Too far apart for a common entry.
        for (apid, count) in [(1, 0), (1, 100), (1, 200), (3, 7)] {
            reception.heard(now, apid, count);
        }
        let mut told = BTreeMap::new();
        for _ in 0..20 {
            now += Duration::from_secs(1);
            let report = reception.report(now, 2);
            for heard in report.iter().flat_map(|report| &report.heard) {
                for count in heard.counts() {
                    *told.entry((heard.apid, count)).or_insert(0) += 1;
                }
            }
        }
        let each = [(1, 0), (1, 100), (1, 200), (3, 7)].map(|of| (of, REPORTS_EACH));
        assert_eq!(told, BTreeMap::from(each));
        assert_eq!(reception.next_deadline(), None);
    }

    #[test]
    fn where_no_entry_fits_into_a_packet_nothing_is_kept() {
        let mut reception = Reception::new(Some(Duration::from_secs(1)));
        let now = Instant::now();
        reception.heard(now, 1, 0);
        assert_eq!(reception.report(now, 0), None);
        assert_eq!(reception.next_deadline(), None);
    }

    #[test]
    fn a_sender_that_began_anew_is_known_though_its_counts_seem_to_go_on() {
        let mut reception = Reception::new(Some(Duration::from_secs(1)));
        let now = Instant::now();
        reception.heard(now, 1, 10_000);
        reception.restarted(1);
        // Less than half of all counts ahead.
        reception.heard(now, 1, 0);
        let report = reception.report(now, 10).unwrap();
        let counts = report.heard.iter().flat_map(Heard::counts);
        assert!(counts.eq([0]));
    }
}
