//! One app: all that is known of it, and what it waits for.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use payload_interface::{AppName, CallId, CallOutcome, Callback};

use super::action::{Action, RequestId};
use super::copies::Copies;
use super::counts::AppCounts;
use super::craft::{Craft, next};
use super::files::Files;
use super::health::Health;
use super::ladder::Ladder;
use super::life::Life;
use super::notice::What;
use super::outbox::{Ended, Outbox, Purpose, Waiting};
use super::rate::{Bucket, Rate};
use super::record::{
    AppRecord, FileRecord, FileState, Process, Record, RunRecord, SessionRecord, StreamKind,
};
use super::rules::AppRules;
use super::runs::{Change, Runs};
use super::streams::Stream;
use super::time::{Now, earlier};

/// So many refusals are told, and one a second from then on; all are counted.
const REFUSALS_TOLD: Rate = Rate {
    per_s: 1,
    burst: 10,
};
/// So long counters and the answers of messages are waited for.
pub(super) const ASKED_FOR: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct App {
    pub(super) rules: AppRules,
    pub(super) life: Life,
    pub(super) is_wanted: bool,
    pub(super) sessions: u64,
    pub(super) session: Option<SessionRecord>,
    pub(super) process: Option<Process>,
    /// A process was ordered and has not begun.
    pub(super) is_starting: bool,
    pub(super) ladder: Ladder,
    pub(super) health: Health,
    pub(super) runs: Runs,
    pub(super) files: Files,
    pub(super) copies: Copies,
    pub(super) outbox: Outbox,
    pub(super) streams: BTreeMap<StreamKind, Stream>,
    pub(super) requests: Bucket,
    pub(super) replies: Bucket,
    pub(super) refusals_told: Bucket,
    pub(super) counts: AppCounts,
    /// Requests whose return has not left: until when that is waited for, and whether it is
    /// the end of a sequence.
    pub(super) open_answers: BTreeMap<RequestId, (Duration, bool)>,
    pub(super) correlation: u16,
    pub(super) metrics_next: Option<Duration>,
    pub(super) metrics_asked: Option<Duration>,
    pub(super) metrics: Vec<(String, u32)>,
    /// Messages that wait for an answer: number of the message, and until when.
    pub(super) messages: VecDeque<(i32, i32, Duration)>,
    recorded: Option<AppRecord>,
    due: Duration,
}

impl App {
    pub(super) fn new(
        rules: AppRules,
        record: Option<AppRecord>,
        runs: Vec<RunRecord>,
        files: Vec<FileRecord>,
        craft: &mut Craft,
        now: Now,
    ) -> Self {
        let (runs, changes) = Runs::recovered(rules.runs, runs, now);
        let mut app = App {
            life: Life::Off,
            is_wanted: false,
            sessions: 0,
            session: None,
            process: None,
            is_starting: false,
            ladder: Ladder::default(),
            health: Health::new(rules.health),
            runs,
            files: Files::recovered(rules.files, files),
            copies: Copies::default(),
            outbox: Outbox::new(rules.outbox),
            streams: BTreeMap::new(),
            requests: Bucket::full(rules.requests, now.monotonic),
            replies: Bucket::full(rules.replies, now.monotonic),
            refusals_told: Bucket::full(REFUSALS_TOLD, now.monotonic),
            counts: AppCounts::default(),
            open_answers: BTreeMap::new(),
            correlation: 0,
            metrics_next: None,
            metrics_asked: None,
            metrics: Vec::new(),
            messages: VecDeque::new(),
            recorded: record.clone(),
            due: Duration::ZERO,
            rules,
        };
        // What was open before this run of the controller counts as offered in it.
        app.counts.runs = app.runs.open_count() as u64;
        app.counts.files = app.files.open_count() as u64;
        app.changed(craft, now, changes);
        for file in app.files.open() {
            craft.act(match file.state {
                FileState::OnGround => Action::Discard(Box::new(file.clone())),
                _ => Action::Stage(Box::new(file.clone())),
            });
        }
        app.recover(craft, now, record);
        app.settle(craft);
        app
    }

    pub(super) fn name(&self) -> &AppName {
        &self.rules.name
    }

    /// After anything happened: what changed is recorded, and what is due next is known.
    pub(super) fn settle(&mut self, craft: &mut Craft) {
        if !self.is_recorded() {
            let record = self.record();
            self.recorded = Some(record.clone());
            craft.record(Record::App(Box::new(record)));
        }
        self.due = self.deadline().unwrap_or(Duration::MAX);
    }

    /// When something is due at the latest.
    pub(super) fn next_due(&self) -> Duration {
        self.due
    }

    /// Whether [`record`](Self::record) is what was recorded last; asked after each call, so
    /// that nothing is made for it.
    fn is_recorded(&self) -> bool {
        let Some(AppRecord {
            name: _,
            is_wanted,
            sessions,
            session,
            process,
            rung,
            boots,
            quarantines,
            quarantined_until,
            streams,
            copies,
        }) = &self.recorded
        else {
            return false;
        };
        let ladder = &self.ladder;
        *is_wanted == self.is_wanted
            && *sessions == self.sessions
            && *session == self.session
            && *process == self.process
            && *rung == ladder.rung.map(|(rung, at)| (rung, at.wall_ms))
            && boots.iter().eq(ladder.boots.iter().map(|at| &at.wall_ms))
            && *quarantines == ladder.quarantines
            && *quarantined_until == self.quarantined_until()
            && streams
                .iter()
                .eq(self.streams.values().map(|stream| &stream.record))
            && copies.iter().eq(self.copies.open())
    }

    fn quarantined_until(&self) -> Option<u64> {
        match self.life {
            Life::Quarantined { until } => Some(until.wall_ms),
            _ => None,
        }
    }

    fn record(&self) -> AppRecord {
        AppRecord {
            name: self.name().clone(),
            is_wanted: self.is_wanted,
            sessions: self.sessions,
            session: self.session.clone(),
            process: self.process,
            rung: self.ladder.rung.map(|(rung, at)| (rung, at.wall_ms)),
            boots: self.ladder.boots.iter().map(|at| at.wall_ms).collect(),
            quarantines: self.ladder.quarantines,
            quarantined_until: self.quarantined_until(),
            streams: self.streams.values().map(|stream| stream.record).collect(),
            copies: self.copies.open().cloned().collect(),
        }
    }

    fn deadline(&self) -> Option<Duration> {
        let flushed = |request: RequestId| self.open_answers.get(&request).map(|(until, _)| *until);
        let mut calls = self.outbox.deadline(flushed);
        let open = self.open_answers.values().map(|(until, _)| *until);
        // While the end of a sequence is being answered nothing leaves.
        if let Some(until) = self.held_until() {
            calls = calls.map(|calls| calls.max(until));
        }
        let mut deadline = earlier(calls, open.min());
        for next in [
            self.life.deadline(),
            self.runs.deadline(),
            self.files.deadline(),
            self.copies.deadline(),
            self.ladder.deadline(),
        ] {
            deadline = earlier(deadline, next);
        }
        if self.is_up() {
            deadline = earlier(deadline, Some(self.health.deadline()));
            deadline = earlier(deadline, self.metrics_next);
            let streams = self.streams.values().map(|stream| stream.next);
            deadline = earlier(deadline, streams.min());
        }
        deadline
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.life, Life::Up) && self.session.is_some()
    }

    pub(super) fn session_number(&self) -> u64 {
        self.session.as_ref().map_or(0, |session| session.number)
    }

    /// Until when nothing is called, as the end of a sequence is being answered: the payload
    /// holds its lock meanwhile.
    fn held_until(&self) -> Option<Duration> {
        let open = self.open_answers.values();
        open.filter(|(_, is_done)| *is_done)
            .map(|(until, _)| *until)
            .max()
    }

    /// Does what time brings.
    pub(super) fn on_time(&mut self, craft: &mut Craft, now: Now) {
        self.open_answers
            .retain(|_, (until, _)| now.monotonic < *until);
        for ended in self.outbox.due(now, &mut self.counts.calls) {
            self.call_ended(craft, now, ended);
        }
        let changes = self.runs.due(now);
        self.changed(craft, now, changes);
        for file in self.files.due(now) {
            craft.act(Action::Stage(Box::new(file)));
        }
        self.copies_on_time(craft, now);
        self.life_on_time(craft, now);
        if self.is_up() {
            self.health_on_time(now);
        }
        if self.is_up() {
            self.metrics_on_time(now);
            self.streams_on_time(craft, now);
        }
    }

    /// The next call of the payload that may leave.
    pub(super) fn next_call(&mut self, craft: &mut Craft, now: Now) -> Option<Action> {
        if self.held_until().is_some() {
            return None;
        }
        let id = CallId(craft.ids.call + 1);
        let is_open = |request| self.open_answers.contains_key(&request);
        let counts = &mut self.counts.calls;
        let (callback, deadline) = self.outbox.next(now, id, is_open, counts)?;
        craft.ids.call += 1;
        if let Callback::StartSequence(start) = &callback {
            self.runs.called(start.correlation_id);
        }
        self.due = self.deadline().unwrap_or(Duration::MAX);
        Some(Action::Call {
            app: self.name().clone(),
            id,
            callback: Box::new(callback),
            deadline,
        })
    }

    pub(super) fn called(&mut self, craft: &mut Craft, now: Now, id: CallId, outcome: CallOutcome) {
        let counts = &mut self.counts.calls;
        if let Some(ended) = self.outbox.ended(now, id, outcome, counts) {
            self.call_ended(craft, now, ended);
        }
    }

    fn call_ended(&mut self, craft: &mut Craft, now: Now, ended: Ended) {
        let Ended {
            purpose,
            rpc,
            outcome,
        } = ended;
        let failure = match &outcome {
            CallOutcome::Returned(_) => None,
            CallOutcome::TimedOut => Some("it did not return in time".to_owned()),
            CallOutcome::Refused(why) => Some(format!("refused: {why}")),
            CallOutcome::Unreachable(why) => Some(format!("not there: {why}")),
            CallOutcome::Unimplemented => Some("the payload has no such call".to_owned()),
        };
        match purpose {
            Purpose::Health => {
                if let Some(miss) = self.health.called(&outcome) {
                    self.missed(craft, now, miss);
                }
            }
            Purpose::Shutdown => self.shutdown_called(craft, now, &outcome),
            Purpose::Start(run) => {
                let changes = self.runs.started(now, run, &outcome);
                self.changed(craft, now, changes);
            }
            Purpose::Data(_) => {}
            Purpose::Cancel(_)
            | Purpose::Metrics
            | Purpose::Message
            | Purpose::Response
            | Purpose::Copied => {
                if purpose == Purpose::Copied {
                    self.copy_told();
                }
                if let Some(reason) = failure {
                    craft.tell(
                        now,
                        Some(&self.rules.name),
                        What::DeadLetter { rpc, reason },
                    );
                }
            }
        }
    }

    /// An answer, or what follows from a request.
    pub(super) fn respond(
        &mut self,
        now: Now,
        after: Option<RequestId>,
        callback: impl Into<Callback>,
    ) {
        self.tell(now, after, callback, Purpose::Response);
    }

    /// The same for another purpose. False where there is no room.
    pub(super) fn tell(
        &mut self,
        now: Now,
        after: Option<RequestId>,
        callback: impl Into<Callback>,
        purpose: Purpose,
    ) -> bool {
        let rules = self.rules.outbox;
        let valid_until = now.after(rules.valid);
        let waiting = Waiting::new(callback, purpose, rules.deadline, valid_until);
        self.outbox
            .push(waiting.after(after), &mut self.counts.calls)
    }

    /// The next `correlation_id` of a call of our own: 1 to 65535.
    pub(super) fn correlation(&mut self) -> i32 {
        self.correlation = self.correlation.checked_add(1).unwrap_or(1);
        i32::from(self.correlation)
    }

    /// Runs changed: they are recorded and told.
    pub(super) fn changed(&mut self, craft: &mut Craft, now: Now, changes: Vec<Change>) {
        for change in changes {
            let (run, what) = match change {
                Change::Forgotten(run) => {
                    craft.record(Record::RunForgotten(run));
                    continue;
                }
                Change::DoneAfterEnd(run) => {
                    let what = What::DoneAfterEnd { run: run.id };
                    (run, what)
                }
                Change::Changed(run) => {
                    if run.state.has_ended() {
                        self.counts.run_ended(run.state.name());
                    }
                    let what = What::Run {
                        run: run.id,
                        sequence: run.sequence.clone(),
                        state: run.state,
                        text: run.text.clone(),
                    };
                    (run, what)
                }
            };
            craft.record(Record::Run(run));
            craft.tell(now, Some(&self.rules.name), what);
        }
    }
}

/// A number of its own for what a request wants.
pub(super) fn request_id(craft: &mut Craft) -> RequestId {
    RequestId(next(&mut craft.ids.request))
}
