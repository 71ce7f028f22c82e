//! Services on the satellite, as bad as services are.

use std::collections::BTreeMap;
use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::link::HandlerId;

/// How a service treats a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It answers after a while, which is shorter than its time-out.
    Answers,
    /// It answers when the time-out is over.
    Late,
    /// It works and never answers.
    Hangs,
    /// Nobody listens.
    Dead,
    /// It fails.
    Fails,
    /// Its answer ends in the middle.
    CutShort,
    /// Its answer is larger than any message may be.
    Huge,
}

impl Manner {
    /// All but the good one.
    pub(crate) const BAD: [Manner; 6] = [
        Manner::Late,
        Manner::Hangs,
        Manner::Dead,
        Manner::Fails,
        Manner::CutShort,
        Manner::Huge,
    ];
}

/// What the shell around the engine tells it of a service.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) handler: HandlerId,
    /// The command's number.
    pub(crate) number: u64,
    /// Octets of the answer, or why there is none.
    pub(crate) answer: Result<usize, DropReason>,
    /// Whether it comes after another of the same handler, and must count for nothing.
    pub(crate) too_late: bool,
}

/// Reports to come, and who ran what how often.
#[derive(Debug, Default)]
pub(crate) struct Services {
    reports: BTreeMap<(Duration, u64), Report>,
    reports_made: u64,
    /// When the socket has taken a datagram, or has not.
    datagrams: BTreeMap<(Duration, u64), Result<(), DropReason>>,
    /// By number, and boot of the satellite.
    executions: BTreeMap<(u64, u64), u64>,
}

/// A query for a service.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) handler: HandlerId,
    pub(crate) number: u64,
    /// Boots of the satellite before this one.
    pub(crate) boot: u64,
    pub(crate) manner: Manner,
    pub(crate) thinks: Duration,
    pub(crate) answer_bytes: usize,
    /// Octets of the largest message.
    pub(crate) message_bytes_max: usize,
    /// After which the shell gives up.
    pub(crate) timeout: Duration,
}

impl Services {
    /// A service gets a query at `now`. All but a dead one run it.
    pub(crate) fn post(&mut self, now: Duration, posted: &Posted) {
        let Posted {
            manner,
            thinks,
            timeout,
            ..
        } = *posted;
        if manner != Manner::Dead {
            *self
                .executions
                .entry((posted.number, posted.boot))
                .or_default() += 1;
        }
        let gave_up = Err(DropReason::ServiceTimeout);
        let good = Ok(posted.answer_bytes);
        match manner {
            Manner::Answers if thinks < timeout => self.report(now + thinks, posted, good),
            Manner::Answers | Manner::Hangs => self.report(now + timeout, posted, gave_up),
            Manner::Late => {
                self.report(now + timeout, posted, gave_up);
                self.report_late(now + timeout + thinks, posted, good);
            }
            Manner::Dead => self.report(now, posted, Err(DropReason::ServiceUnreachable)),
            Manner::Fails | Manner::CutShort => {
                let at = now + thinks.min(timeout);
                self.report(at, posted, Err(DropReason::ServiceError));
            }
            Manner::Huge => {
                let bytes = posted.message_bytes_max + 1 + posted.answer_bytes;
                self.report(now + thinks.min(timeout), posted, Ok(bytes));
            }
        }
    }

    fn report(&mut self, at: Duration, posted: &Posted, answer: Result<usize, DropReason>) {
        self.add(at, posted, answer, false);
    }

    fn report_late(&mut self, at: Duration, posted: &Posted, answer: Result<usize, DropReason>) {
        self.add(at, posted, answer, true);
    }

    fn add(
        &mut self,
        at: Duration,
        posted: &Posted,
        answer: Result<usize, DropReason>,
        too_late: bool,
    ) {
        self.reports_made += 1;
        let report = Report {
            handler: posted.handler,
            number: posted.number,
            answer,
            too_late,
        };
        self.reports.insert((at, self.reports_made), report);
    }

    /// A datagram is with its socket until `at`.
    pub(crate) fn datagram(&mut self, at: Duration, result: Result<(), DropReason>) {
        self.reports_made += 1;
        self.datagrams.insert((at, self.reports_made), result);
    }

    /// What the shell tells by `now`.
    pub(crate) fn next_report(&mut self, now: Duration) -> Option<Report> {
        let entry = self.reports.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// What became of a datagram by `now`.
    pub(crate) fn next_datagram(&mut self, now: Duration) -> Option<Result<(), DropReason>> {
        let entry = self.datagrams.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    pub(crate) fn next_event(&self) -> Option<Duration> {
        let reports = self.reports.keys().next();
        let datagrams = self.datagrams.keys().next();
        [reports, datagrams]
            .into_iter()
            .flatten()
            .map(|(at, _)| *at)
            .min()
    }

    /// The satellite's computer is gone, and its services with it: what they did is
    /// done.
    pub(crate) fn crash(&mut self) {
        self.reports.clear();
        self.datagrams.clear();
    }

    /// Who was run how often, by number.
    pub(crate) fn executions(&self) -> BTreeMap<u64, u64> {
        let mut all = BTreeMap::new();
        for ((number, _), times) in &self.executions {
            *all.entry(*number).or_default() += times;
        }
        all
    }

    /// The same, boot by boot of the satellite.
    pub(crate) fn executions_each_boot(&self) -> impl Iterator<Item = (u64, u64)> {
        let all = self.executions.iter();
        all.map(|((number, _), times)| (*number, *times))
    }
}
