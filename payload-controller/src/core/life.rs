//! The life of an app: begun, registered, ill, shut down, killed, left alone.

use std::time::Duration;

use payload_interface::CallOutcome;
use payload_interface::messages as msg;

use super::action::Action;
use super::app::App;
use super::craft::Craft;
use super::files::doubled;
use super::notice::What;
use super::outbox::{Purpose, Waiting};
use super::power::Asker;
use super::record::{Process, Rung};
use super::time::{Moment, Now};

/// The longest pause before a start.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// So long a device that could not be switched on is left.
const HOST_PAUSE: Duration = Duration::from_secs(60);
/// As a payload is told that it is shut down as it is ill. Commands give a reason of their own.
pub(super) const REASON_ILL: u8 = 1;

/// What an app is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// It is not to run.
    Off,
    /// Its device goes on, and settles.
    HostOn { until: Duration, is_on: bool },
    /// It was begun, and is to register.
    Starting { register_by: Duration },
    /// It may register at any time; nothing can be done to make it.
    Awaited,
    /// It is registered.
    Up,
    /// It closed its channel.
    Closed,
    /// It is being ended.
    Stopping {
        step: Step,
        until: Duration,
        then: Then,
    },
    /// Its device is off for a while.
    Cycling { until: Duration },
    /// It is begun again after that.
    Pausing { until: Duration },
    /// It is left alone.
    Quarantined { until: Moment },
}

/// How it is being ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It was asked to shut down: whether it returned, and whether it said that it did.
    Asked { returned: bool, said: bool },
    /// It said that it did, and its process is to exit.
    Leaving,
    /// Its process was killed.
    Killed,
}

/// What comes when it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Off,
    Restart,
}

impl Life {
    /// As people are told it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Life::Off => "off",
            Life::HostOn { .. } => "powering on",
            Life::Starting { .. } => "starting",
            Life::Awaited => "awaited",
            Life::Up => "up",
            Life::Closed => "closed",
            Life::Stopping { .. } => "shutting down",
            Life::Cycling { .. } => "power cycling",
            Life::Pausing { .. } => "pausing",
            Life::Quarantined { .. } => "quarantined",
        }
    }

    pub(crate) fn deadline(self) -> Option<Duration> {
        match self {
            Life::HostOn { until, .. }
            | Life::Stopping { until, .. }
            | Life::Cycling { until }
            | Life::Pausing { until } => Some(until),
            Life::Starting { register_by } => Some(register_by),
            Life::Quarantined { until } => Some(until.monotonic),
            Life::Off | Life::Awaited | Life::Up | Life::Closed => None,
        }
    }
}

impl App {
    pub(super) fn turn(&mut self, craft: &mut Craft, now: Now, life: Life, why: impl Into<String>) {
        self.life = life;
        let what = What::Life {
            now: life.name(),
            why: why.into(),
        };
        craft.tell(now, Some(&self.rules.name), what);
    }

    /// It is to run.
    pub(super) fn start(&mut self, craft: &mut Craft, now: Now, why: &str) {
        self.is_wanted = true;
        if let Some(host) = self.rules.host
            && !craft.devices.is_on(host)
        {
            match craft.switch(now, host, true, Asker::Controller) {
                Ok(()) => {
                    let until = now.after(HOST_PAUSE);
                    let is_on = false;
                    self.turn(craft, now, Life::HostOn { until, is_on }, why);
                }
                Err(interlock) => {
                    let at = craft.devices.may_go_on_at(host).unwrap_or_default();
                    let until = match at > now.monotonic {
                        true => at,
                        false => now.after(HOST_PAUSE),
                    };
                    let why = format!("device {host} is not switched on: {interlock}");
                    self.turn(craft, now, Life::Pausing { until }, why);
                }
            }
            return;
        }
        self.begin(craft, now, why);
    }

    /// Its device is on: it is begun, if it is not begun too often.
    fn begin(&mut self, craft: &mut Craft, now: Now, why: &str) {
        let rules = self.rules.restart;
        if self.rules.has_process {
            let oldest = now.ago(rules.boots_within);
            self.ladder.boots.retain(|boot| boot.monotonic >= oldest);
            if self.ladder.boots.len() >= rules.boots_max as usize {
                let boots = self.ladder.boots.len();
                let within = rules.boots_within.as_secs();
                let why = format!("it was started {boots} times in {within} s");
                self.quarantine(craft, now, &why);
                return;
            }
            self.ladder
                .boots
                .push_back(Moment::after(now, Duration::ZERO));
            self.counts.boots += 1;
            self.is_starting = true;
            craft.act(Action::Start(self.rules.name.clone()));
        }
        let register_by = now.after(self.rules.registration_timeout);
        self.turn(craft, now, Life::Starting { register_by }, why);
    }

    /// It registered: its session begins, and its first health check is at that time.
    pub(super) fn up(&mut self, now: Now, first_check: Duration) {
        self.life = Life::Up;
        self.health.begin(first_check);
        self.metrics_next = self.rules.metrics_every.map(|every| now.after(every));
        self.ladder.down = None;
        self.ladder.stable = Some(now.after(self.rules.restart.stable));
    }

    /// It is gone, and with it all that it was at.
    pub(super) fn down(&mut self, craft: &mut Craft, now: Now, why: &str) {
        let changes = self.runs.lose(now, why);
        self.changed(craft, now, changes);
        self.outbox.clear(&mut self.counts.calls);
        self.streams.clear();
        self.copies.clear();
        self.open_answers.clear();
        self.messages.clear();
        self.metrics_next = None;
        self.metrics_asked = None;
        self.ladder.stable = None;
        for look in craft.thermal.stop_all(&self.rules.name) {
            if let Some(on) = look.heat {
                let place = look.place;
                craft.act(Action::Heat { place, on });
            }
        }
        if self.session.take().is_none() {
            return;
        }
        self.ladder.down = Some(now.monotonic);
        self.counts.downs += 1;
        craft.act(Action::CloseChannel(self.rules.name.clone()));
        craft.act(Action::EndSession(self.rules.name.clone()));
        let is_its_own = |device: &&super::power::Device| {
            device.is_on
                && device.rules.off_with_app
                && device.rules.owner.as_ref() == Some(&self.rules.name)
                && Some(device.rules.id) != self.rules.host
        };
        let off = craft.devices.all().filter(is_its_own);
        for device in off.map(|device| device.rules.id).collect::<Vec<_>>() {
            craft.switch_off(now, device);
        }
        craft
            .gone_on_or_off
            .push_back((self.rules.name.clone(), false));
    }

    /// It is asked to shut down.
    pub(super) fn ask_to_shut_down(
        &mut self,
        craft: &mut Craft,
        now: Now,
        grace: Duration,
        reason: u8,
        then: Then,
    ) {
        let rules = self.rules.shutdown;
        let until = now.after(grace.saturating_add(rules.exit_allowance));
        let grace_s = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let ask = msg::ShutdownParams {
            correlation_id: self.correlation(),
            grace_time: grace_s.min(i32::from(u16::MAX)),
            shutdown_reason: reason.into(),
        };
        let deadline = self.rules.outbox.deadline;
        let waiting = Waiting::new(ask, Purpose::Shutdown, deadline, until);
        self.outbox.push(waiting, &mut self.counts.calls);
        let step = Step::Asked {
            returned: false,
            said: false,
        };
        let life = Life::Stopping { step, until, then };
        let why = format!("it was asked to, within {grace_s} s");
        self.turn(craft, now, life, why);
    }

    /// The call that asked it to shut down ended.
    pub(super) fn shutdown_called(&mut self, craft: &mut Craft, now: Now, outcome: &CallOutcome) {
        let Life::Stopping { step, until, then } = self.life else {
            return;
        };
        let Step::Asked { said, .. } = step else {
            return;
        };
        match outcome {
            // It may be at it, and say so later.
            CallOutcome::Returned(_) | CallOutcome::TimedOut => {
                let returned = true;
                self.leaving(craft, until, then, returned, said);
            }
            CallOutcome::Unreachable(why) if !self.has_running_process() => {
                self.ended(craft, now, then, &format!("it is not there: {why}"));
            }
            CallOutcome::Unreachable(why) | CallOutcome::Refused(why) => {
                self.not_shut_down(craft, now, then, why);
            }
            CallOutcome::Unimplemented => {
                self.not_shut_down(craft, now, then, "it has no such call");
            }
        }
    }

    /// It says that it shut down. It goes on for some seconds after that.
    pub(super) fn said_that_it_shut_down(&mut self, craft: &mut Craft) -> bool {
        match self.life {
            Life::Stopping {
                step: Step::Asked { returned, .. },
                until,
                then,
            } => {
                self.leaving(craft, until, then, returned, true);
                true
            }
            _ => false,
        }
    }

    fn leaving(
        &mut self,
        craft: &mut Craft,
        until: Duration,
        then: Then,
        returned: bool,
        said: bool,
    ) {
        let step = match returned && said {
            true => {
                // Who closes first keeps the port waiting; it is not to be the payload's.
                craft.act(Action::CloseChannel(self.rules.name.clone()));
                Step::Leaving
            }
            false => Step::Asked { returned, said },
        };
        self.life = Life::Stopping { step, until, then };
    }

    pub(super) fn has_running_process(&self) -> bool {
        self.process.is_some() || self.is_starting
    }

    /// Its process is killed.
    pub(super) fn kill(&mut self, craft: &mut Craft, now: Now, then: Then) {
        if !self.has_running_process() {
            self.ended(craft, now, then, "it has no process");
            return;
        }
        craft.act(Action::Kill(self.rules.name.clone()));
        let until = now.after(self.rules.shutdown.kill_wait);
        let step = Step::Killed;
        let life = Life::Stopping { step, until, then };
        self.turn(craft, now, life, "its process is killed");
    }

    /// It has ended, and what comes then begins.
    pub(super) fn ended(&mut self, craft: &mut Craft, now: Now, then: Then, why: &str) {
        self.down(craft, now, why);
        match then {
            Then::Off => {
                self.is_wanted = false;
                if let Some(host) = self.rules.host.filter(|_| self.rules.shutdown.host_off) {
                    craft.switch_off(now, host);
                }
                self.turn(craft, now, Life::Off, why);
            }
            Then::Restart => self.pause(craft, now, why),
        }
    }

    pub(super) fn pause(&mut self, craft: &mut Craft, now: Now, why: &str) {
        let boots = u32::try_from(self.ladder.boots.len()).unwrap_or(u32::MAX);
        let pause = doubled(
            self.rules.restart.pause,
            boots.saturating_sub(1),
            PAUSE_MAX.max(self.rules.restart.pause),
        );
        let until = now.after(pause);
        self.turn(craft, now, Life::Pausing { until }, why);
    }

    pub(super) fn health_on_time(&mut self, now: Now) {
        if !self.health.due(now) {
            return;
        }
        self.counts.checks += 1;
        let check = msg::HealthCheckParams {
            correlation_id: self.correlation(),
            ..Default::default()
        };
        let deadline = self.health.call_deadline();
        let valid_until = now.after(self.health.every());
        let waiting = Waiting::new(check, Purpose::Health, deadline, valid_until);
        self.outbox.push(waiting, &mut self.counts.calls);
    }

    /// Does what time brings to its life.
    pub(super) fn life_on_time(&mut self, craft: &mut Craft, now: Now) {
        if self.ladder.stable.is_some_and(|at| at <= now.monotonic) {
            self.ladder.stable = None;
            self.ladder.rung = None;
            self.ladder.boots.clear();
            self.ladder.quarantines = 0;
        }
        if self.life.deadline().is_none_or(|at| at > now.monotonic) {
            return;
        }
        match self.life {
            Life::HostOn { is_on: true, .. } => self.begin(craft, now, "its device is on"),
            Life::HostOn { is_on: false, .. } => {
                let until = now.after(HOST_PAUSE);
                let life = Life::Pausing { until };
                self.turn(craft, now, life, "its device did not go on");
            }
            Life::Starting { .. } => {
                let within = self.rules.registration_timeout.as_secs();
                self.fail(
                    craft,
                    now,
                    &format!("it did not register within {within} s"),
                );
            }
            Life::Stopping { step, then, .. } => match step {
                Step::Leaving if !self.has_running_process() => {
                    self.ended(craft, now, then, "it shut down");
                }
                Step::Asked { said: true, .. } if !self.has_running_process() => {
                    self.ended(craft, now, then, "it shut down");
                }
                Step::Leaving | Step::Asked { .. } => {
                    self.not_shut_down(craft, now, then, "it did not end in time");
                }
                Step::Killed => {
                    // What cannot be killed loses its power, or is left alone.
                    let why = "it did not end when it was killed";
                    match (self.rules.host, then) {
                        (Some(_), Then::Restart) => {
                            self.rung(craft, now, Rung::PowerCycle, why);
                            self.power_cycle(craft, now, why);
                        }
                        (None, Then::Restart) => self.quarantine(craft, now, why),
                        (_, Then::Off) => self.ended(craft, now, then, why),
                    }
                }
            },
            Life::Cycling { .. } => self.start(craft, now, "its device was off"),
            Life::Pausing { .. } => self.start(craft, now, "its pause is over"),
            Life::Quarantined { .. } => {
                // It gets as many starts as at first, and less patience.
                self.ladder.boots.clear();
                self.ladder.rung = None;
                self.start(craft, now, "its quarantine is over");
            }
            Life::Off | Life::Awaited | Life::Up | Life::Closed => {}
        }
    }

    /// Its device was switched.
    pub(super) fn host_switched(&mut self, craft: &mut Craft, now: Now, on: bool, is_done: bool) {
        match (self.life, on, is_done) {
            (Life::HostOn { .. }, true, true) => {
                let until = now.after(self.rules.shutdown.host_settle);
                self.life = Life::HostOn { until, is_on: true };
            }
            (Life::HostOn { .. }, true, false) => {
                let until = now.after(HOST_PAUSE);
                let life = Life::Pausing { until };
                self.turn(craft, now, life, "its device did not go on");
            }
            // Somebody took its power.
            (Life::Up | Life::Starting { .. } | Life::Closed, false, true) => {
                self.ended(craft, now, Then::Off, "its device was switched off");
            }
            _ => {}
        }
    }

    pub(super) fn started(&mut self, craft: &mut Craft, process: Process) {
        self.is_starting = false;
        self.process = Some(process);
        match self.life {
            Life::Starting { .. } | Life::Up => {}
            // It is to be gone already.
            _ => craft.act(Action::Kill(self.rules.name.clone())),
        }
    }

    /// Its process ended, or could not be begun.
    pub(super) fn exited(&mut self, craft: &mut Craft, now: Now, how: &str) {
        self.is_starting = false;
        self.process = None;
        match self.life {
            Life::Stopping { then, .. } => self.ended(craft, now, then, how),
            Life::Starting { .. } => {
                let tolerance = self.rules.restart.tolerance;
                let is_tolerated = self
                    .ladder
                    .down
                    .is_some_and(|down| now.monotonic < down.saturating_add(tolerance));
                if is_tolerated {
                    self.ladder.boots.pop_back();
                    let until = now.after(self.rules.restart.pause);
                    let why = format!("it ended before it registered, which may be so: {how}");
                    self.turn(craft, now, Life::Pausing { until }, why);
                } else {
                    self.fail(craft, now, &format!("it ended before it registered: {how}"));
                }
            }
            Life::Up => {
                let why = format!("it ended without having been asked: {how}");
                self.ended(craft, now, Then::Restart, &why);
            }
            Life::Closed => self.ended(craft, now, Then::Off, how),
            Life::Off
            | Life::HostOn { .. }
            | Life::Awaited
            | Life::Cycling { .. }
            | Life::Pausing { .. }
            | Life::Quarantined { .. } => {}
        }
    }

    /// It closed its channel.
    pub(super) fn closed(&mut self, craft: &mut Craft, now: Now, why: &str) {
        self.down(craft, now, "it closed its channel");
        if !matches!(self.life, Life::Stopping { .. }) {
            self.turn(craft, now, Life::Closed, why);
        }
    }
}
