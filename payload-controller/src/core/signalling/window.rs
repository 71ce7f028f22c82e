//! A window on its way from the order to its end.

use std::time::Duration;

use service_host::wall_clock;

use super::Counts;
use super::deed::{Deed, Part, Setback, Signal};
use super::record::{Step, StepEnd, StepOutcome, StepRecord, WindowRecord, WindowState};
use super::rules::{
    END_MARGIN, OnConfigureFailure, PART_MAX, STOP_MAX, SignalVersion, SignalledRules, TRY_AGAIN,
    UPLOAD_TRIES_MAX,
};
use crate::core::action::Action;
use crate::core::craft::Craft;
use crate::core::notice::What;
use crate::core::power::Asker;
use crate::core::time::{Now, ms};

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It waits for its time.
    Waiting,
    /// Its device is to be on.
    Power { again: Duration },
    /// This is being done.
    Doing {
        part: Part,
        tries: u32,
        until: Duration,
    },
    /// This is done again then.
    Pausing {
        part: Part,
        tries: u32,
        until: Duration,
    },
    /// `payload_exec` is at it.
    Calling { step: Step, until: Duration },
    /// It was started, and ends then.
    Running { ends: Duration },
    /// What runs here is being ended.
    Ending { until: Duration, is_done: bool },
    /// It has ended, and its device goes off then.
    PowerOff { at: Duration, is_asked: bool },
    /// Nothing is to be done any more.
    Over,
}

/// A window.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) record: WindowRecord,
    pub(super) phase: Phase,
    pub(super) is_changed: bool,
    /// What stood in the way last.
    setback: String,
}

/// What a window needs to go on.
pub(super) struct Around<'a> {
    pub(super) craft: &'a mut Craft,
    pub(super) rules: &'a SignalledRules,
    pub(super) counts: &'a mut Counts,
    pub(super) now: Now,
}

impl Window {
    pub(super) fn new(record: WindowRecord) -> Self {
        Window {
            record,
            phase: Phase::Waiting,
            is_changed: false,
            setback: String::new(),
        }
    }

    /// Nothing more becomes of it, and its device is off.
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    pub(super) fn state(&self) -> WindowState {
        self.record.state
    }

    /// A new run of the controller finds it as it was recorded.
    pub(super) fn recover(&mut self, around: &mut Around<'_>) {
        let now = around.now;
        match self.state() {
            WindowState::Scheduled | WindowState::Ready => {}
            WindowState::Preparing => {
                self.phase = Phase::Power {
                    again: now.monotonic,
                };
            }
            WindowState::Configuring => {
                self.act(around, Deed::Attach(Step::Configure));
                let most = around.rules.configure_max.saturating_add(END_MARGIN);
                self.phase = Phase::Calling {
                    step: Step::Configure,
                    until: now.after(most),
                };
            }
            WindowState::Running => {
                let is_open = |step: &Option<StepRecord>| {
                    step.as_ref().is_some_and(|step| step.ended.is_none())
                };
                for (step, of) in [
                    (Step::Start, &self.record.execution),
                    (Step::Stop, &self.record.stop),
                ] {
                    if is_open(of) {
                        let order = self.record.order.clone();
                        let deed = Deed::Attach(step);
                        around
                            .craft
                            .act(Action::Signal(Box::new(Signal { order, deed })));
                    }
                }
                self.run(now);
                if self.record.stop.is_some() || self.record.verdict.is_some() {
                    self.end(around);
                }
            }
            WindowState::Executed | WindowState::Failed | WindowState::Cancelled => {
                self.phase = match self.record.has_power {
                    true => Phase::PowerOff {
                        at: now.monotonic,
                        is_asked: false,
                    },
                    false => Phase::Over,
                };
            }
        }
    }

    /// It goes on until its end by the clock that does not jump.
    fn run(&mut self, now: Now) {
        let order = &self.record.order;
        let whole = order.end().saturating_sub(order.start());
        let left = order.end().saturating_sub(now.wall).min(whole);
        self.phase = Phase::Running {
            ends: now.after(left),
        };
    }

    /// What is due is done.
    pub(super) fn on_time(&mut self, around: &mut Around<'_>) {
        let now = around.now;
        match self.phase {
            Phase::Waiting => self.waited(around),
            Phase::Power { again } => {
                if !self.is_missed(around) {
                    self.power(around, again);
                }
            }
            Phase::Doing { part, tries, until } if until <= now.monotonic => {
                let why = Setback::for_now("nothing was heard of it in time");
                self.phase = Phase::Doing { part, tries, until };
                self.part_ended(around, part, Err(why));
            }
            Phase::Pausing { part, tries, until } if until <= now.monotonic => {
                if !self.is_missed(around) {
                    self.ask(around, part, tries + 1);
                }
            }
            Phase::Calling { step, until } if until <= now.monotonic => {
                let why = "nothing was heard of its end";
                let end = StepEnd::without(StepOutcome::Unknown, why);
                self.step_ended(around, step, end);
            }
            Phase::Running { ends } if ends <= now.monotonic => self.stop(around),
            Phase::Ending { until, .. } if until <= now.monotonic => self.finish(around),
            _ => {}
        }
    }

    /// When it is to be looked at again, by the clock that does not jump, as far as it depends
    /// on that.
    pub(super) fn due(&self, rules: &SignalledRules, seen: Now) -> Option<Duration> {
        let order = &self.record.order;
        let by_wall = |wall: Duration| {
            let left = wall.saturating_sub(seen.wall);
            wall_clock::is_set(seen.wall).then(|| seen.after(left))
        };
        match self.phase {
            Phase::Waiting if self.state() == WindowState::Ready => by_wall(order.start()),
            Phase::Waiting => by_wall(order.start().saturating_sub(rules.pre_buffer)),
            Phase::Power { again } => Some(again),
            Phase::Doing { until, .. }
            | Phase::Pausing { until, .. }
            | Phase::Calling { until, .. }
            | Phase::Ending { until, .. } => Some(until),
            Phase::Running { ends } => Some(ends),
            Phase::PowerOff { at, .. } => Some(at),
            Phase::Over => None,
        }
    }

    /// The time has come, for its preparation or its start.
    fn waited(&mut self, around: &mut Around<'_>) {
        let now = around.now;
        if !wall_clock::is_set(now.wall) {
            return;
        }
        let start = self.record.order.start();
        match self.state() {
            WindowState::Ready if start <= now.wall => {
                if !self.is_missed(around) {
                    self.start(around);
                }
            }
            WindowState::Scheduled if start.saturating_sub(around.rules.pre_buffer) <= now.wall => {
                if !self.is_missed(around) {
                    self.record.has_power = around.rules.device.is_some();
                    self.turn(around, WindowState::Preparing, "");
                    self.power(around, now.monotonic);
                }
            }
            _ => {}
        }
    }

    /// Whether its start is so long ago that it has failed.
    fn is_missed(&mut self, around: &mut Around<'_>) -> bool {
        let now = around.now;
        let order = &self.record.order;
        let latest = order.start().saturating_add(around.rules.late_start_max);
        let is_missed = now.wall > latest || now.wall >= order.end();
        if is_missed && wall_clock::is_set(now.wall) {
            let late = now.wall.saturating_sub(order.start()).as_secs();
            let why = match self.setback.is_empty() {
                true => format!("missed: its start was {late} s ago"),
                false => format!("missed: its start was {late} s ago; {}", self.setback),
            };
            self.fail(around, why);
            return true;
        }
        false
    }

    fn power(&mut self, around: &mut Around<'_>, again: Duration) {
        let now = around.now;
        let Some(device) = around.rules.device else {
            return self.prepare(around, None);
        };
        if around.craft.devices.is_on(device) {
            return self.prepare(around, None);
        }
        self.phase = Phase::Power { again };
        if again <= now.monotonic {
            let switched = around.craft.switch(now, device, true, Asker::Controller);
            if let Err(interlock) = switched {
                self.hinder(
                    around,
                    format!("device {device} is not switched on: {interlock}"),
                );
            }
            let again = now.after(TRY_AGAIN);
            self.phase = Phase::Power { again };
        }
    }

    /// A device was switched, or not.
    pub(super) fn switched(&mut self, around: &mut Around<'_>, why_not: Option<&str>) {
        if let Phase::Power { again } = self.phase {
            if let Some(why) = why_not {
                self.setback = format!("its device was not switched on: {why}");
            }
            self.power(around, again);
        }
    }

    /// The next part after that one.
    fn prepare(&mut self, around: &mut Around<'_>, after: Option<Part>) {
        let rules = around.rules;
        let parts = [
            (Part::Reach, rules.is_remote),
            (Part::Clock, rules.sets_clock),
            (Part::Config, true),
            (Part::Uploads, rules.has_inbox),
        ];
        let next = parts
            .into_iter()
            .find(|(part, is_wanted)| *is_wanted && after.is_none_or(|after| *part > after));
        match next {
            Some((part, _)) => self.ask(around, part, 1),
            None => self.configure(around),
        }
    }

    fn ask(&mut self, around: &mut Around<'_>, part: Part, tries: u32) {
        let until = around.now.after(PART_MAX);
        self.phase = Phase::Doing { part, tries, until };
        self.act(around, Deed::Part(part));
    }

    /// A part was done, or not.
    pub(super) fn part_ended(
        &mut self,
        around: &mut Around<'_>,
        part: Part,
        result: Result<(), Setback>,
    ) {
        if part == Part::End {
            if let Phase::Ending { until, .. } = self.phase {
                self.phase = Phase::Ending {
                    until,
                    is_done: true,
                };
                self.finish_if_ended(around);
            }
            return;
        }
        let Phase::Doing {
            part: at, tries, ..
        } = self.phase
        else {
            return;
        };
        if at != part {
            return;
        }
        let Err(setback) = result else {
            return self.prepare(around, Some(part));
        };
        let why = format!("{}: {}", part.name(), setback.why);
        match part {
            _ if self.is_missed(around) => {}
            Part::Config if setback.is_final => self.fail(around, why),
            // The payload may have another way to the time, and to its files.
            Part::Clock => {
                self.hinder(around, why);
                self.prepare(around, Some(part));
            }
            Part::Uploads if setback.is_final || tries >= UPLOAD_TRIES_MAX => {
                self.hinder(around, why);
                self.prepare(around, Some(part));
            }
            _ => {
                self.hinder(around, why);
                let until = around.now.after(TRY_AGAIN);
                self.phase = Phase::Pausing { part, tries, until };
            }
        }
    }

    fn configure(&mut self, around: &mut Around<'_>) {
        let now = around.now;
        let time = around.rules.configure_max;
        let end = now.wall.saturating_add(time);
        self.setback.clear();
        self.turn(around, WindowState::Configuring, "");
        self.call(around, Step::Configure, end.as_secs(), time, END_MARGIN);
    }

    /// `payload_exec` is called, and that is recorded before.
    fn call(
        &mut self,
        around: &mut Around<'_>,
        step: Step,
        end_s: u64,
        time: Duration,
        margin: Duration,
    ) {
        *self.record.step_mut(step) = Some(StepRecord {
            began: ms(around.now.wall),
            ended: None,
        });
        self.is_changed = true;
        self.act(around, Deed::Begin { step, end_s, time });
        let until = around.now.after(time.saturating_add(margin));
        self.phase = Phase::Calling { step, until };
    }

    fn start(&mut self, around: &mut Around<'_>) {
        let now = around.now;
        let order = &self.record.order;
        let (start, end) = (order.start(), order.end());
        let late = now.wall.saturating_sub(start);
        if late >= Duration::from_secs(1) {
            around.counts.late_starts += 1;
        }
        let left = end.saturating_sub(now.wall);
        let why = match late.as_secs() {
            0 => String::new(),
            late => format!("{late} s late"),
        };
        self.turn(around, WindowState::Running, &why);
        // It is ended from here; only where nobody is here then, it ends by itself.
        let time = left.saturating_add(END_MARGIN);
        self.call(around, Step::Start, end.as_secs(), time, Duration::ZERO);
        self.run(now);
    }

    /// A call of `payload_exec` ended.
    pub(super) fn step_ended(&mut self, around: &mut Around<'_>, step: Step, end: StepEnd) {
        let Some(record) = self.record.step_mut(step) else {
            return;
        };
        if record.ended.is_some() {
            return;
        }
        record.ended = Some(end.clone());
        self.is_changed = true;
        *around.counts.steps.entry((step, end.outcome)).or_default() += 1;
        self.say(around, end.outcome != StepOutcome::Done, &end.reason(step));
        match (step, self.phase) {
            (
                Step::Configure,
                Phase::Calling {
                    step: Step::Configure,
                    ..
                },
            ) => {
                self.configured(around, &end);
            }
            (
                Step::Stop,
                Phase::Calling {
                    step: Step::Stop, ..
                },
            ) => self.end(around),
            (Step::Start, Phase::Running { .. }) => self.left(around, &end),
            (Step::Start, Phase::Ending { .. }) => self.finish_if_ended(around),
            _ => {}
        }
    }

    fn configured(&mut self, around: &mut Around<'_>, end: &StepEnd) {
        let is_skipped = around.rules.on_configure_failure == OnConfigureFailure::Skip;
        if end.outcome != StepOutcome::Done && is_skipped {
            return self.fail(around, end.reason(Step::Configure));
        }
        self.phase = Phase::Waiting;
        self.turn(around, WindowState::Ready, "");
        self.waited(around);
    }

    /// What was started is no more. One that went well may have left others at work; one that
    /// is on another machine and was not heard of to the end may be there still.
    fn left(&mut self, around: &mut Around<'_>, end: &StepEnd) {
        if end.outcome == StepOutcome::Done {
            return;
        }
        let why = end.reason(Step::Start);
        self.record.verdict = Some((WindowState::Failed, why));
        let is_unheard = around.rules.is_remote && end.outcome == StepOutcome::Unknown;
        if !is_unheard {
            self.stop(around);
        }
    }

    /// It is over: the payload is told, if it wants that, and then ended.
    fn stop(&mut self, around: &mut Around<'_>) {
        let has_begun = self
            .record
            .execution
            .as_ref()
            .and_then(|step| step.ended.as_ref())
            .is_none_or(|end| end.outcome != StepOutcome::Failed);
        if around.rules.has_stop && has_begun && self.record.stop.is_none() {
            let end = around.now.wall.saturating_add(STOP_MAX).as_secs();
            return self.call(around, Step::Stop, end, STOP_MAX, END_MARGIN);
        }
        self.end(around);
    }

    fn end(&mut self, around: &mut Around<'_>) {
        let until = around.now.after(END_MARGIN);
        self.phase = Phase::Ending {
            until,
            is_done: false,
        };
        self.act(around, Deed::Part(Part::End));
    }

    fn finish_if_ended(&mut self, around: &mut Around<'_>) {
        let execution = self.record.execution.as_ref();
        let has_ended = execution.is_none_or(|step| step.ended.is_some());
        if has_ended && matches!(self.phase, Phase::Ending { is_done: true, .. }) {
            self.finish(around);
        }
    }

    fn finish(&mut self, around: &mut Around<'_>) {
        let executed = (WindowState::Executed, String::new());
        let (state, reason) = self.record.verdict.take().unwrap_or(executed);
        self.conclude(around, state, reason, around.rules.post_buffer);
    }

    fn fail(&mut self, around: &mut Around<'_>, why: String) {
        self.conclude(around, WindowState::Failed, why, Duration::ZERO);
    }

    /// Nothing more becomes of it but that its device goes off.
    fn conclude(
        &mut self,
        around: &mut Around<'_>,
        state: WindowState,
        reason: String,
        power_for: Duration,
    ) {
        self.record.ended = Some(ms(around.now.wall));
        *around.counts.ended.entry(state).or_default() += 1;
        self.turn(around, state, &reason);
        self.record.reason = reason;
        self.phase = match self.record.has_power {
            true => Phase::PowerOff {
                at: around.now.after(power_for),
                is_asked: false,
            },
            false => Phase::Over,
        };
    }

    /// It is not to be any more. False where it is being ended already.
    pub(super) fn cancel(&mut self, around: &mut Around<'_>) -> bool {
        let cancelled = WindowState::Cancelled;
        match self.phase {
            Phase::Running { .. } => {
                let why = "it was cancelled while it ran".to_owned();
                self.record.verdict = Some((cancelled, why));
                self.is_changed = true;
                self.stop(around);
            }
            Phase::Calling {
                step: Step::Stop, ..
            }
            | Phase::Ending { .. } => return false,
            Phase::Calling { .. } => {
                self.act(around, Deed::Part(Part::End));
                let why = "it was cancelled while it was configured".to_owned();
                self.conclude(around, cancelled, why, Duration::ZERO);
            }
            _ => {
                let why = "it was cancelled before its start".to_owned();
                self.conclude(around, cancelled, why, Duration::ZERO);
            }
        }
        true
    }

    /// Its payload is not configured any more.
    pub(super) fn orphan(&mut self, now: Now) {
        if !self.state().has_ended() {
            self.record.state = WindowState::Failed;
            self.record.reason = "its payload is not configured any more".to_owned();
            self.record.ended = Some(ms(now.wall));
            self.is_changed = true;
        }
        self.phase = Phase::Over;
    }

    fn act(&self, around: &mut Around<'_>, deed: Deed) {
        let order = self.record.order.clone();
        let signal = Signal { order, deed };
        around.craft.act(Action::Signal(Box::new(signal)));
    }

    /// Something stands in the way: it is told once.
    fn hinder(&mut self, around: &mut Around<'_>, why: String) {
        if self.setback != why {
            self.say(around, true, &why);
            self.setback = why;
        }
    }

    fn turn(&mut self, around: &mut Around<'_>, state: WindowState, why: &str) {
        self.record.state = state;
        self.is_changed = true;
        self.say(around, state == WindowState::Failed, why);
    }

    fn say(&self, around: &mut Around<'_>, is_warning: bool, text: &str) {
        let what = What::Window {
            id: self.record.order.id.clone(),
            payload: self.record.order.payload.clone(),
            state: self.record.state,
            text: text.to_owned(),
            is_warning,
        };
        around.craft.tell(around.now, None, what);
    }
}

/// `-t` of configure belongs to the second edition.
impl SignalVersion {
    /// Whether configure is told when it is to have returned.
    #[must_use]
    pub fn tells_configure_its_end(self) -> bool {
        self == SignalVersion::V2
    }
}
