//! One step after the other, while everything that happens is heard.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use payload_interface::AppName;

use super::plan::{Expect, Order, Plan, Step};
use super::verdict::Verdict;
use crate::core::{AppView, Command, Done, RunId, RunState};
use crate::run::Service;
use crate::settings::Settings;

/// Between two looks at what happened.
const LOOK: Duration = Duration::from_millis(20);
/// What a run may take after its deadline, until it is known how it stands.
const RUN_ALLOWANCE: Duration = Duration::from_secs(15);
/// The same of a shutdown, after its grace.
const SHUTDOWN_ALLOWANCE: Duration = Duration::from_secs(15);
/// How long what was asked is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

pub(super) struct Play<'a> {
    service: &'a Service,
    plan: &'a Plan,
    settings: &'a Settings,
    begun: Instant,
    /// The last notice that was heard.
    heard: u64,
    verdict: Verdict,
    /// Runs that are to end like that.
    open: Vec<(AppName, RunId, String, Expect, Instant)>,
}

impl<'a> Play<'a> {
    pub(super) fn new(service: &'a Service, plan: &'a Plan, settings: &'a Settings) -> Self {
        Play {
            service,
            plan,
            settings,
            begun: Instant::now(),
            heard: 0,
            verdict: Verdict::default(),
            open: Vec::new(),
        }
    }

    pub(super) fn run(mut self) -> anyhow::Result<Verdict> {
        for app in &self.settings.apps {
            let is_up = self.wait(self.plan.register_within, |play| {
                Ok(play.view(&app.name)?.session.is_some())
            })?;
            if !is_up {
                let limit = self.plan.register_within.as_secs();
                let what = format!("it did not register within {limit} s");
                self.verdict.broken(&app.name, what);
                return Ok(self.verdict);
            }
        }
        for step in &self.plan.steps {
            self.step(step)?;
            self.settle()?;
        }
        // What is open still has its time.
        while !self.open.is_empty() {
            self.listen();
            self.settle()?;
            std::thread::sleep(LOOK);
        }
        // Whatever the last step came to is heard, too.
        self.wait(LOOK * 5, |_| Ok(false))?;
        Ok(self.verdict)
    }

    fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        let app = &step.app;
        match &step.order {
            Order::Start { .. } => self.start(app, &step.order),
            Order::Rest(time) => self.wait(*time, |_| Ok(false)).map(drop),
            Order::Metrics => {
                let heard = self.heard;
                self.order(app, Command::Metrics(app.clone()))?;
                self.told(app, heard, "its counters")
            }
            Order::Message { command_id, text } => {
                let heard = self.heard;
                let message = Command::Message {
                    app: app.clone(),
                    command_id: *command_id,
                    data: text.clone().into_bytes(),
                };
                self.order(app, message)?;
                self.told(app, heard, "what came of a message")
            }
            Order::Shutdown { grace, reason } => {
                self.verdict.stopping.insert(app.clone());
                let shutdown = Command::Shutdown {
                    app: app.clone(),
                    grace: *grace,
                    reason: *reason,
                };
                self.order(app, shutdown)?;
                let rules = self.settings.rules.apps.iter();
                let mut rules = rules.filter(|rules| rules.name == *app);
                let usual = rules.next().map(|rules| rules.shutdown.grace);
                let time = grace.or(usual).unwrap_or_default() + SHUTDOWN_ALLOWANCE;
                let has_stopped = self.wait(time, |play| Ok(play.verdict.stopped.contains(app)))?;
                if !has_stopped {
                    self.verdict.broken(app, "it did not say that it shut down");
                }
                Ok(())
            }
        }
    }

    fn start(&mut self, app: &AppName, order: &Order) -> anyhow::Result<()> {
        let Order::Start {
            sequence,
            params,
            within,
            cancel_after,
            expect,
            is_waited_for,
        } = order
        else {
            return Ok(());
        };
        let start = Command::StartSequence {
            app: app.clone(),
            sequence: sequence.clone(),
            params: params.clone(),
            within: *within,
        };
        let Some(Done::Run(run)) = self.order(app, start)? else {
            return Ok(());
        };
        let until = Instant::now() + *within + RUN_ALLOWANCE;
        self.open
            .push((app.clone(), run, sequence.clone(), *expect, until));
        if let Some(after) = cancel_after {
            self.wait(*after, |_| Ok(false))?;
            self.order(app, Command::CancelRun(run, "as the plan says".to_owned()))?;
        }
        while *is_waited_for && self.open.iter().any(|(_, one, ..)| *one == run) {
            self.listen();
            self.settle()?;
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Waits until something of the app is heard after that one.
    fn told(&mut self, app: &AppName, after: u64, what: &str) -> anyhow::Result<()> {
        use crate::core::What;
        let log = self.service.log.clone();
        let is_told = self.wait(ANSWER_WITHIN, |_| {
            let notices = log.notices_after(after);
            Ok(notices.iter().any(|(_, notice)| {
                notice.app.as_ref() == Some(app)
                    && matches!(notice.what, What::Metrics(_) | What::MessageAnswered { .. })
            }))
        })?;
        if !is_told {
            self.verdict.broken(app, format!("it did not tell {what}"));
        }
        Ok(())
    }

    /// None, where it is not followed.
    fn order(&mut self, app: &AppName, command: Command) -> anyhow::Result<Option<Done>> {
        match self.service.door.command(command)? {
            Ok(done) => Ok(Some(done)),
            Err(error) => {
                self.verdict.broken(app, error);
                Ok(None)
            }
        }
    }

    fn view(&self, app: &AppName) -> anyhow::Result<AppView> {
        let name = app.clone();
        let view = self.service.door.look(move |it| it.app(&name))?;
        view.ok_or_else(|| anyhow!("there is no app `{app}`"))
    }

    /// Hears what happens until that holds; whether it did, within that time.
    fn wait(
        &mut self,
        time: Duration,
        mut holds: impl FnMut(&Self) -> anyhow::Result<bool>,
    ) -> anyhow::Result<bool> {
        let until = Instant::now() + time;
        loop {
            self.listen();
            if holds(self)? {
                return Ok(true);
            }
            if Instant::now() >= until {
                return Ok(false);
            }
            std::thread::sleep(LOOK);
        }
    }

    fn listen(&mut self) {
        for (number, notice) in self.service.log.notices_after(self.heard) {
            self.heard = number;
            println!("{:9.3} {notice}", self.begun.elapsed().as_secs_f64());
            self.verdict.hear(&notice);
        }
    }

    /// Runs that have ended, or are to have.
    fn settle(&mut self) -> anyhow::Result<()> {
        let mut open = std::mem::take(&mut self.open);
        let mut left = Vec::new();
        for (app, run, sequence, expect, until) in open.drain(..) {
            let name = app.clone();
            let runs = self.service.door.look(move |it| it.runs(&name))?;
            let state = runs.iter().find(|it| it.id == run).map(|it| it.state);
            let state = state.unwrap_or(RunState::Lost);
            let has_ended = state.has_ended();
            if !has_ended && Instant::now() < until {
                left.push((app, run, sequence, expect, until));
            } else if !expect.holds(state) {
                let state = match state {
                    RunState::Done { late: true } => "late",
                    state => state.name(),
                };
                let what = format!("`{sequence}` is {state}, and was to be {expect:?}");
                self.verdict.broken(&app, what.to_lowercase());
            }
        }
        self.open = left;
        Ok(())
    }
}
