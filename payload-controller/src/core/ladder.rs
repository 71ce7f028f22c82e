//! What is tried one after the other with an app that fails.

use std::collections::VecDeque;
use std::time::Duration;

use super::action::Action;
use super::app::App;
use super::craft::Craft;
use super::files::doubled;
use super::health::Miss;
use super::life::{Life, REASON_ILL, Then};
use super::notice::What;
use super::record::Rung;
use super::rules::HealthAction;
use super::time::{Moment, Now};

/// What was tried with an app that failed.
#[derive(Debug, Default)]
pub(crate) struct Ladder {
    /// The last rung, and when.
    pub(crate) rung: Option<(Rung, Moment)>,
    /// Its last starts.
    pub(crate) boots: VecDeque<Moment>,
    /// Quarantines one after the other.
    pub(crate) quarantines: u32,
    /// Its last session ended at that time: the port of its server may be taken for some time.
    pub(crate) down: Option<Duration>,
    /// It is well for so long then that all of this is forgotten.
    pub(crate) stable: Option<Duration>,
}

impl Ladder {
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.stable
    }
}

impl App {
    pub(super) fn not_shut_down(&mut self, craft: &mut Craft, now: Now, then: Then, why: &str) {
        match (self.has_running_process(), self.rules.host, then) {
            (true, _, _) => {
                self.rung(craft, now, Rung::Kill, why);
                self.kill(craft, now, then);
            }
            (false, Some(_), Then::Restart) => {
                self.rung(craft, now, Rung::PowerCycle, why);
                self.power_cycle(craft, now, why);
            }
            (false, Some(_), Then::Off) => self.ended(craft, now, then, why),
            (false, None, Then::Restart) => self.quarantine(craft, now, why),
            (false, None, Then::Off) => {
                let why = format!("it may still run, and nothing can be done about it: {why}");
                self.ended(craft, now, then, &why);
            }
        }
    }

    pub(super) fn power_cycle(&mut self, craft: &mut Craft, now: Now, why: &str) {
        let Some(host) = self.rules.host else {
            return;
        };
        if self.has_running_process() {
            craft.act(Action::Kill(self.rules.name.clone()));
        }
        self.down(craft, now, why);
        craft.switch_off(now, host);
        let until = now.after(self.rules.shutdown.cycle_off);
        self.turn(craft, now, Life::Cycling { until }, why);
    }

    pub(super) fn quarantine(&mut self, craft: &mut Craft, now: Now, why: &str) {
        let rules = self.rules.restart;
        let wait = doubled(
            rules.quarantine_first,
            self.ladder.quarantines,
            rules.quarantine_max,
        );
        self.rung(craft, now, Rung::Quarantine, why);
        if self.has_running_process() {
            craft.act(Action::Kill(self.rules.name.clone()));
        }
        self.down(craft, now, why);
        if let Some(host) = self.rules.host {
            craft.switch_off(now, host);
        }
        self.ladder.quarantines = self.ladder.quarantines.saturating_add(1);
        let until = Moment::after(now, wait);
        let why = format!("for {} s: {why}", wait.as_secs());
        self.turn(craft, now, Life::Quarantined { until }, why);
    }

    pub(super) fn rung(&mut self, craft: &mut Craft, now: Now, rung: Rung, why: &str) {
        self.ladder.rung = Some((rung, Moment::after(now, Duration::ZERO)));
        let what = What::Rung {
            rung,
            why: why.to_owned(),
        };
        craft.tell(now, Some(&self.rules.name), what);
    }

    /// It failed: the next rung of the ladder that there are means for.
    pub(super) fn fail(&mut self, craft: &mut Craft, now: Now, why: &str) {
        let relapse = self.rules.restart.relapse;
        let last = self
            .ladder
            .rung
            .filter(|(_, at)| now.monotonic < at.monotonic.saturating_add(relapse));
        let is_helpless =
            !self.rules.has_process && self.rules.host.is_none() && self.session.is_none();
        if is_helpless {
            self.down(craft, now, why);
            self.turn(craft, now, Life::Awaited, why);
            return;
        }
        let is_above = |rung: &Rung| last.is_none_or(|(last, _)| *rung > last);
        let rungs = [Rung::Shutdown, Rung::Kill, Rung::PowerCycle];
        let has_means = |rung: &Rung| match rung {
            Rung::Shutdown => self.session.is_some(),
            Rung::Kill => self.rules.has_process,
            Rung::PowerCycle => self.rules.host.is_some(),
            Rung::Quarantine => true,
        };
        let rung = rungs.into_iter().filter(is_above).find(has_means);
        match rung {
            Some(Rung::Shutdown) => {
                self.rung(craft, now, Rung::Shutdown, why);
                let grace = self.rules.shutdown.grace;
                self.ask_to_shut_down(craft, now, grace, REASON_ILL, Then::Restart);
            }
            Some(Rung::Kill) => {
                self.rung(craft, now, Rung::Kill, why);
                self.kill(craft, now, Then::Restart);
            }
            Some(Rung::PowerCycle) => {
                self.rung(craft, now, Rung::PowerCycle, why);
                self.power_cycle(craft, now, why);
            }
            Some(Rung::Quarantine) | None => self.quarantine(craft, now, why),
        }
    }

    /// A health check was missed.
    pub(super) fn missed(&mut self, craft: &mut Craft, now: Now, miss: Miss) {
        self.counts.checks_missed += 1;
        if !self.is_up() {
            return;
        }
        self.ladder.stable = Some(now.after(self.rules.restart.stable));
        let misses = self.health.misses();
        let Miss {
            why,
            is_ill,
            is_gone,
        } = miss;
        let what = What::Missed {
            misses,
            why: why.clone(),
        };
        craft.tell(now, Some(&self.rules.name), what);
        if !is_ill {
            return;
        }
        let wants_restart = self
            .session
            .as_ref()
            .is_some_and(|session| session.restart_when_ill);
        let is_restarted = match self.rules.health.action {
            HealthAction::AsRegistered => wants_restart,
            HealthAction::Restart => true,
            HealthAction::Tell => false,
        };
        if is_restarted {
            self.fail(
                craft,
                now,
                &format!("{misses} health checks were missed: {why}"),
            );
        } else if is_gone && !self.has_running_process() {
            self.down(craft, now, &why);
            self.turn(craft, now, Life::Awaited, why);
        }
    }
}
