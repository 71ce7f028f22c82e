//! Runs of sequences of one app.
//!
//! The original has no number of a run: a payload says by the sequence's name that it is done.
//! So that no run is ended by the word for another, a name is not begun again as long as the
//! payload may still be at it.

use std::collections::BTreeMap;
use std::time::Duration;

use payload_interface::extension::sequence_result::Outcome;
use payload_interface::messages::AntarisReturnCode;
use payload_interface::{AppName, CallOutcome};

use super::record::{RunId, RunRecord, RunState};
use super::rules::RunRules;
use super::time::{Now, earlier, ms};

/// What changed: to be recorded and told.
#[derive(Debug)]
pub(crate) enum Change {
    Changed(Box<RunRecord>),
    Forgotten(RunId),
    /// It was done though it had ended.
    DoneAfterEnd(Box<RunRecord>),
}

#[derive(Debug)]
struct Run {
    record: RunRecord,
    /// Whether its start has left.
    is_called: bool,
    deadline: Duration,
}

/// A new run.
#[derive(Debug)]
pub(crate) struct NewRun {
    pub(crate) id: RunId,
    pub(crate) app: AppName,
    pub(crate) sequence: String,
    pub(crate) params: String,
    pub(crate) within: Duration,
    pub(crate) session: u64,
}

#[derive(Debug)]
pub(crate) struct Runs {
    rules: RunRules,
    open: BTreeMap<RunId, Run>,
    ended: BTreeMap<RunId, RunRecord>,
    /// Runs that expired, and that the payload may still be at: until when that counts.
    held: BTreeMap<RunId, Duration>,
}

/// A run's `correlation_id`: 1 to 65535, as much as a C++ payload keeps of it.
fn correlation_id(id: RunId) -> i32 {
    i32::try_from(id.0 % 65_535).unwrap_or_default() + 1
}

impl Runs {
    /// With those that were recorded. One whose start may have left is unknown.
    pub(crate) fn recovered(
        rules: RunRules,
        records: impl IntoIterator<Item = RunRecord>,
        now: Now,
    ) -> (Self, Vec<Change>) {
        let mut runs = Runs {
            rules,
            open: BTreeMap::new(),
            ended: BTreeMap::new(),
            held: BTreeMap::new(),
        };
        let mut changes = Vec::new();
        for mut record in records {
            if record.state.has_ended() {
                runs.ended.insert(record.id, record);
                continue;
            }
            // What is left by a clock that is right, or all of it.
            let passed = ms(now.wall).saturating_sub(record.asked);
            let left = record.within_ms.saturating_sub(passed);
            if record.state == RunState::Asked {
                record.state = RunState::Unknown;
                "the controller was restarted meanwhile".clone_into(&mut record.text);
                changes.push(Change::Changed(Box::new(record.clone())));
            }
            let run = Run {
                deadline: now.after(Duration::from_millis(left)),
                is_called: true,
                record,
            };
            runs.open.insert(run.record.id, run);
        }
        runs.forget(&mut changes);
        (runs, changes)
    }

    pub(crate) fn open(&self) -> impl Iterator<Item = &RunRecord> {
        self.open.values().map(|run| &run.record)
    }

    pub(crate) fn open_count(&self) -> usize {
        self.open.len()
    }

    /// All that are remembered, the oldest first.
    pub(crate) fn all(&self) -> Vec<&RunRecord> {
        let mut all: Vec<_> = self.ended.values().chain(self.open()).collect();
        all.sort_by_key(|run| run.id);
        all
    }

    pub(crate) fn get(&self, id: RunId) -> Option<&RunRecord> {
        let open = self.open.get(&id).map(|run| &run.record);
        open.or_else(|| self.ended.get(&id))
    }

    /// The run for which this name is not begun again.
    pub(crate) fn in_the_way(&self, sequence: &str) -> Option<&RunRecord> {
        let held = self.held.keys().filter_map(|id| self.ended.get(id));
        let mut all = self.open().chain(held);
        all.find(|run| run.sequence == sequence)
    }

    /// How long a start may be tried.
    pub(crate) fn start_until(&self, now: Now, within: Duration) -> Duration {
        now.after(self.rules.start_within.min(within))
    }

    pub(crate) fn begin(&mut self, now: Now, new: NewRun) -> RunRecord {
        let within_ms = u64::try_from(new.within.as_millis()).unwrap_or(u64::MAX);
        let record = RunRecord {
            id: new.id,
            app: new.app,
            sequence: new.sequence,
            params: new.params,
            state: RunState::Asked,
            correlation_id: correlation_id(new.id),
            asked: ms(now.wall),
            within_ms,
            session: new.session,
            percent: 0,
            ended: None,
            done_after: None,
            text: String::new(),
            result: Vec::new(),
        };
        let run = Run {
            record: record.clone(),
            is_called: false,
            deadline: now.after(new.within),
        };
        self.open.insert(new.id, run);
        record
    }

    /// Its start leaves now.
    pub(crate) fn called(&mut self, correlation_id: i32) {
        let mut runs = self.open.values_mut();
        if let Some(run) = runs.find(|run| run.record.correlation_id == correlation_id) {
            run.is_called = true;
        }
    }

    /// Its start ended.
    pub(crate) fn started(&mut self, now: Now, id: RunId, outcome: &CallOutcome) -> Vec<Change> {
        let Some(run) = self.open.get_mut(&id) else {
            return Vec::new();
        };
        let (state, text) = match outcome {
            CallOutcome::Returned(code) if code.is_success() => match run.record.state {
                RunState::Asked | RunState::Unknown => (RunState::Accepted, String::new()),
                _ => return Vec::new(),
            },
            CallOutcome::Returned(code) if AntarisReturnCode::try_from(code.0).is_ok() => {
                let state = RunState::Refused { code: Some(*code) };
                (state, format!("the payload returned {code}"))
            }
            // Such a number says nothing.
            CallOutcome::Returned(code) => (
                RunState::Unknown,
                format!("the payload returned {code}, which means nothing"),
            ),
            CallOutcome::TimedOut => (
                RunState::Unknown,
                "the payload did not return in time".to_owned(),
            ),
            CallOutcome::Refused(why) | CallOutcome::Unreachable(why) => {
                (RunState::Refused { code: None }, why.clone())
            }
            CallOutcome::Unimplemented => (
                RunState::Refused { code: None },
                "the payload has no such call".to_owned(),
            ),
        };
        if state == RunState::Unknown && run.record.state != RunState::Asked {
            return Vec::new();
        }
        self.turn(now, id, state, text)
    }

    /// The payload says that a sequence is done. None where there is no such run.
    pub(crate) fn done(&mut self, now: Now, sequence: &str) -> Option<Vec<Change>> {
        let of_name = |run: &&Run| run.record.sequence == sequence && run.is_called;
        if let Some(run) = self.open.values().find(of_name) {
            let late = now.monotonic >= run.deadline;
            let id = run.record.id;
            return Some(self.turn(now, id, RunState::Done { late }, String::new()));
        }
        let held = self.held.keys().copied();
        let held = held
            .filter(|id| {
                let run = self.ended.get(id);
                run.is_some_and(|run| run.sequence == sequence)
            })
            .min()?;
        self.held.remove(&held);
        let run = self.ended.get_mut(&held)?;
        run.done_after = Some(ms(now.wall));
        Some(vec![Change::DoneAfterEnd(Box::new(run.clone()))])
    }

    /// The payload tells how far a run is. None where there is no such run.
    pub(crate) fn progress(
        &mut self,
        now: Now,
        sequence: &str,
        correlation_id: i32,
        percent: u32,
        text: String,
    ) -> Option<Vec<Change>> {
        let id = self.named(sequence, correlation_id)?;
        let run = self.open.get_mut(&id)?;
        run.record.percent = percent.min(100);
        // How far it is may be told often; only that it runs is worth a record.
        if matches!(run.record.state, RunState::Running | RunState::Late) {
            run.record.text = text;
            return Some(Vec::new());
        }
        let state = RunState::Running;
        Some(self.turn(now, id, state, text))
    }

    /// The payload tells how a run ended. None where there is no such run.
    pub(crate) fn result(
        &mut self,
        now: Now,
        sequence: &str,
        correlation_id: i32,
        outcome: Outcome,
        text: String,
        data: Vec<u8>,
    ) -> Option<Vec<Change>> {
        let id = self.named(sequence, correlation_id)?;
        let run = self.open.get_mut(&id)?;
        let late = now.monotonic >= run.deadline;
        run.record.result = data;
        let state = match outcome {
            Outcome::Succeeded | Outcome::Unspecified => RunState::Done { late },
            Outcome::Failed => RunState::Failed,
            Outcome::Cancelled => RunState::Cancelled,
        };
        Some(self.turn(now, id, state, text))
    }

    fn named(&self, sequence: &str, correlation_id: i32) -> Option<RunId> {
        let is_it = |run: &&Run| {
            run.record.sequence == sequence
                && run.record.correlation_id == correlation_id
                && run.is_called
        };
        self.open.values().find(is_it).map(|run| run.record.id)
    }

    /// Nobody waits for it any more, and its name is free.
    pub(crate) fn abandon(&mut self, now: Now, id: RunId) -> Vec<Change> {
        self.held.remove(&id);
        match self.open.contains_key(&id) {
            true => self.turn(now, id, RunState::Expired, "abandoned".to_owned()),
            false => Vec::new(),
        }
    }

    pub(crate) fn is_held(&self, id: RunId) -> bool {
        self.held.contains_key(&id)
    }

    /// The payload has ended, and with it all that it was at.
    pub(crate) fn lose(&mut self, now: Now, why: &str) -> Vec<Change> {
        self.held.clear();
        let open: Vec<RunId> = self.open.keys().copied().collect();
        let lost = open.into_iter();
        lost.flat_map(|id| self.turn(now, id, RunState::Lost, why.to_owned()))
            .collect()
    }

    /// What became late or expired.
    pub(crate) fn due(&mut self, now: Now) -> Vec<Change> {
        self.held.retain(|_, until| now.monotonic < *until);
        let mut changes = Vec::new();
        let past = self.open.values();
        let past = past.filter(|run| run.deadline <= now.monotonic);
        let past: Vec<_> = past
            .map(|run| (run.record.id, run.record.state, run.deadline))
            .collect();
        for (id, state, deadline) in past {
            let expires = deadline.saturating_add(self.rules.late);
            if expires <= now.monotonic {
                let text = match state {
                    RunState::Unknown => "nobody knows whether it began",
                    _ => "nothing was heard of its end",
                };
                changes.extend(self.turn(now, id, RunState::Expired, text.to_owned()));
                self.held.insert(id, now.after(self.rules.hold));
            } else if matches!(state, RunState::Accepted | RunState::Running) {
                changes.extend(self.turn(now, id, RunState::Late, String::new()));
            }
        }
        changes
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        let open = self.open.values().map(|run| match run.record.state {
            RunState::Accepted | RunState::Running => run.deadline,
            _ => run.deadline.saturating_add(self.rules.late),
        });
        earlier(open.min(), self.held.values().copied().min())
    }

    fn turn(&mut self, now: Now, id: RunId, state: RunState, text: String) -> Vec<Change> {
        let Some(run) = self.open.get_mut(&id) else {
            return Vec::new();
        };
        run.record.state = state;
        run.record.text = text;
        let mut changes = Vec::new();
        if state.has_ended() {
            run.record.ended = Some(ms(now.wall));
            changes.push(Change::Changed(Box::new(run.record.clone())));
            if let Some(run) = self.open.remove(&id) {
                self.ended.insert(id, run.record);
            }
            self.forget(&mut changes);
        } else {
            changes.push(Change::Changed(Box::new(run.record.clone())));
        }
        changes
    }

    fn forget(&mut self, changes: &mut Vec<Change>) {
        while self.ended.len() > self.rules.kept_max {
            if let Some((id, _)) = self.ended.pop_first() {
                self.held.remove(&id);
                changes.push(Change::Forgotten(id));
            }
        }
    }
}
