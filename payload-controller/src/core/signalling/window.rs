//! A window on its way from the order to its end.

use std::time::Duration;

use service_host::wall_clock;

use super::Counts;
use super::deed::{Deed, Part, Setback, Signal};
use super::record::{Step, StepEnd, StepOutcome, StepRecord, WindowRecord, WindowState};
use super::rules::{END_MARGIN, SignalledRules};
use crate::core::action::Action;
use crate::core::craft::Craft;
use crate::core::notice::What;
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
    pub(super) setback: String,
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
    pub(super) fn run(&mut self, now: Now) {
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
                self.unless_missed(around, |window, around| window.power(around, again));
            }
            Phase::Doing { part, tries, until } if until <= now.monotonic => {
                let why = Setback::for_now("nothing was heard of it in time");
                self.phase = Phase::Doing { part, tries, until };
                self.part_ended(around, part, Err(why));
            }
            Phase::Pausing { part, tries, until } if until <= now.monotonic => {
                self.unless_missed(around, |window, around| window.ask(around, part, tries + 1));
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
    pub(super) fn waited(&mut self, around: &mut Around<'_>) {
        let now = around.now;
        if !wall_clock::is_set(now.wall) {
            return;
        }
        let start = self.record.order.start();
        match self.state() {
            WindowState::Ready if start <= now.wall => {
                self.unless_missed(around, Window::start);
            }
            WindowState::Scheduled if start.saturating_sub(around.rules.pre_buffer) <= now.wall => {
                self.unless_missed(around, |window, around| {
                    window.record.has_power = around.rules.device.is_some();
                    window.turn(around, WindowState::Preparing, "");
                    window.power(around, now.monotonic);
                });
            }
            _ => {}
        }
    }

    pub(super) fn unless_missed(
        &mut self,
        around: &mut Around<'_>,
        what: impl FnOnce(&mut Window, &mut Around<'_>),
    ) {
        if !self.is_missed(around) {
            what(self, around);
        }
    }

    /// Whether its start is so long ago that it has failed.
    pub(super) fn is_missed(&mut self, around: &mut Around<'_>) -> bool {
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

    pub(super) fn act(&self, around: &mut Around<'_>, deed: Deed) {
        let order = self.record.order.clone();
        let signal = Signal { order, deed };
        around.craft.act(Action::Signal(Box::new(signal)));
    }

    /// Something stands in the way: it is told once.
    pub(super) fn hinder(&mut self, around: &mut Around<'_>, why: String) {
        if self.setback != why {
            self.say(around, true, &why);
            self.setback = why;
        }
    }

    pub(super) fn turn(&mut self, around: &mut Around<'_>, state: WindowState, why: &str) {
        self.record.state = state;
        self.is_changed = true;
        self.say(around, state == WindowState::Failed, why);
    }

    pub(super) fn say(&self, around: &mut Around<'_>, is_warning: bool, text: &str) {
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
