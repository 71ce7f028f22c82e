//! Submissions: messages of apps whose fate is told, step by step.
//!
//! Each gets [`Receipt::Queued`] and then exactly one of the others, but that
//! [`Receipt::Sent`] is followed by [`Receipt::Heard`] or [`Receipt::NotHeard`]
//! where the app asked for that. One that does not get into the queue gets
//! [`Receipt::Refused`], [`Receipt::Dropped`] or nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::sending::NotQueued;
use super::transmit::{Departure, Origin, SentAs};
use super::{Action, Link, TIMEOUT_MAX, WhenFull};
use crate::accounting::DropReason;
use crate::link_control::ReceptionReport;

/// Messages that were sent and wait to be heard of; then the oldest is given up.
const AWAITED_MAX: usize = 1024;

/// Packets after which a sequence count can mean a newer message: half of the counts.
const PACKETS_BACK_MAX: u64 = 0x2000;

/// The queue of which the ground's reports tell: answers go by it, too.
const REPORTED_WRITE: usize = 0;

/// How an app wants a message to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Names it in its receipts; not used before.
    pub number: u64,
    /// The downlink endpoint that it goes by.
    pub endpoint: usize,
    /// How long it is worth sending; else as long as the endpoint says.
    pub ttl: Option<Duration>,
    /// How long after it was sent the ground's report is waited for; none for not
    /// at all.
    pub heard_within: Option<Duration>,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It waits for the radio.
    Queued,
    /// `write` took the last of it.
    Sent,
    /// The ground reports that it got it whole.
    Heard,
    /// No such report came in time. It may have been heard nevertheless.
    NotHeard,
    /// It was not taken.
    Refused {
        /// Why.
        reason: DropReason,
        /// The same in words.
        text: String,
        /// Whether the same may be taken later.
        try_again: bool,
    },
    /// Its time to live was over before it began to be sent.
    Expired,
    /// It was dropped.
    Dropped(DropReason),
}

/// A message that was sent and waits to be heard of.
#[derive(Debug)]
struct Awaited {
    number: u64,
    sent_as: SentAs,
    until: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Submissions {
    /// Those in a queue that are to wait until they are heard of, and how long.
    listening: BTreeMap<u64, Duration>,
    /// Oldest first.
    awaited: VecDeque<Awaited>,
}

impl Submissions {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.awaited.iter().map(|awaited| awaited.until).min()
    }

    /// Takes out those that are `meant`.
    fn take_out(&mut self, meant: impl Fn(&Awaited) -> bool) -> Vec<u64> {
        let all = std::mem::take(&mut self.awaited);
        let (out, stay): (VecDeque<_>, _) = all.into_iter().partition(meant);
        self.awaited = stay;
        out.into_iter().map(|awaited| awaited.number).collect()
    }
}

impl Link {
    /// An app submits a message. Gives the first receipt of it; the others come as
    /// [`Action::Receipt`].
    #[must_use]
    pub fn handle_submission(
        &mut self,
        now: Instant,
        submission: Submission,
        octets: &[u8],
    ) -> Receipt {
        let Submission {
            number,
            endpoint,
            ttl,
            heard_within,
        } = submission;
        let origin = Origin::Submission(number);
        match self.enqueue_from_app(now, endpoint, octets, origin, ttl) {
            Ok(()) => {
                if let Some(within) = heard_within {
                    let within = within.min(TIMEOUT_MAX);
                    self.submissions.listening.insert(number, within);
                }
                Receipt::Queued
            }
            Err(not_queued) => refusal(not_queued),
        }
    }

    /// An app that submits did not read its receipts, and was cut off.
    pub fn handle_submitter_cut_off(&mut self) {
        self.counted.submitters_cut_off += 1;
        self.note("an app did not read its receipts and was cut off".to_string());
    }

    fn receipt(&mut self, submission: u64, receipt: Receipt) {
        let receipt = Action::Receipt {
            submission,
            receipt,
        };
        self.actions.push_back(receipt);
    }

    /// A submission was dropped.
    pub(super) fn submission_dropped(&mut self, number: u64, reason: DropReason) {
        self.submissions.listening.remove(&number);
        let receipt = match reason {
            DropReason::Expired => Receipt::Expired,
            reason => Receipt::Dropped(reason),
        };
        self.receipt(number, receipt);
    }

    /// A submission was sent by `write`.
    pub(super) fn submission_sent(
        &mut self,
        now: Instant,
        write: usize,
        number: u64,
        departure: &Departure,
    ) {
        self.receipt(number, Receipt::Sent);
        let Some(within) = self.submissions.listening.remove(&number) else {
            return;
        };
        let Some(sent_as) = departure.sent_as.filter(|_| write == REPORTED_WRITE) else {
            // No report will ever tell of it.
            return self.receipt(number, Receipt::NotHeard);
        };
        if self.submissions.awaited.len() >= AWAITED_MAX
            && let Some(oldest) = self.submissions.awaited.pop_front()
        {
            self.receipt(oldest.number, Receipt::NotHeard);
        }
        self.submissions.awaited.push_back(Awaited {
            number,
            sent_as,
            until: now + within,
        });
    }

    fn sent_packets(&self, channel: u16) -> u64 {
        let queue = self.transmit.get(REPORTED_WRITE);
        queue.map_or(0, |queue| queue.sent_packets(channel))
    }

    /// The ground reports what it heard. A sequence count names the newest message
    /// that ended with it.
    pub(super) fn handle_reception_report(&mut self, report: &ReceptionReport) {
        for heard in &report.heard {
            let sent_packets = self.sent_packets(heard.apid);
            let counts: Vec<u16> = heard.counts().collect();
            let told = self.submissions.take_out(|awaited| {
                let sent_as = &awaited.sent_as;
                sent_as.channel == heard.apid
                    && sent_packets - sent_as.sent_packets < PACKETS_BACK_MAX
                    && counts.contains(&sent_as.count)
            });
            for number in told {
                self.receipt(number, Receipt::Heard);
            }
        }
    }

    /// It is `now`: some were waited for long enough.
    pub(super) fn expire_submissions(&mut self, now: Instant) {
        for number in self.submissions.take_out(|awaited| awaited.until <= now) {
            self.receipt(number, Receipt::NotHeard);
        }
    }

    /// The service stops: nobody hears any more.
    pub(super) fn close_submissions(&mut self) {
        for number in self.submissions.take_out(|_| true) {
            self.receipt(number, Receipt::NotHeard);
        }
    }
}

fn refusal(not_queued: NotQueued) -> Receipt {
    let NotQueued {
        reason,
        text,
        when_full,
        ..
    } = not_queued;
    match when_full {
        Some(WhenFull::Newest | WhenFull::Oldest) => Receipt::Dropped(reason),
        Some(WhenFull::Refuse) | None => Receipt::Refused {
            try_again: matches!(reason, DropReason::QueueFull | DropReason::MemorySpent),
            reason,
            text,
        },
    }
}
