//! Calls of `payload_exec` for a window, and its end.

use std::time::Duration;

use super::deed::{Deed, Part};
use super::record::{Step, StepEnd, StepOutcome, StepRecord, WindowState};
use super::rules::{END_MARGIN, OnConfigureFailure, STOP_MAX};
use super::window::{Around, Phase, Window};
use crate::core::time::ms;

impl Window {
    /// `payload_exec` is called, and that is recorded before.
    pub(super) fn call(
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

    pub(super) fn start(&mut self, around: &mut Around<'_>) {
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

    pub(super) fn configured(&mut self, around: &mut Around<'_>, end: &StepEnd) {
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
    pub(super) fn left(&mut self, around: &mut Around<'_>, end: &StepEnd) {
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
    pub(super) fn stop(&mut self, around: &mut Around<'_>) {
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

    pub(super) fn end(&mut self, around: &mut Around<'_>) {
        let until = around.now.after(END_MARGIN);
        self.phase = Phase::Ending {
            until,
            is_done: false,
        };
        self.act(around, Deed::Part(Part::End));
    }

    pub(super) fn finish_if_ended(&mut self, around: &mut Around<'_>) {
        let execution = self.record.execution.as_ref();
        let has_ended = execution.is_none_or(|step| step.ended.is_some());
        if has_ended && matches!(self.phase, Phase::Ending { is_done: true, .. }) {
            self.finish(around);
        }
    }

    pub(super) fn finish(&mut self, around: &mut Around<'_>) {
        let executed = (WindowState::Executed, String::new());
        let (state, reason) = self.record.verdict.take().unwrap_or(executed);
        self.conclude(around, state, reason, around.rules.post_buffer);
    }

    pub(super) fn fail(&mut self, around: &mut Around<'_>, why: String) {
        self.conclude(around, WindowState::Failed, why, Duration::ZERO);
    }

    /// Nothing more becomes of it but that its device goes off.
    pub(super) fn conclude(
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
}
