//! Orders are followed.

use std::time::Duration;

use payload_interface::AppName;
use payload_interface::extension as ext;
use payload_interface::messages as msg;

use super::Controller;
use super::app::{ASKED_FOR, App};
use super::command::{Command, CommandError, Done};
use super::craft::{Craft, next};
use super::interface::DeadlineUnit;
use super::life::{Life, Then};
use super::outbox::{Purpose, Waiting};
use super::power::Asker;
use super::record::{RunId, RunRecord};
use super::runs::{Change, NewRun};
use super::time::Now;

/// Most octets of a sequence's name: those of the interface's field.
const SEQUENCE_BYTES_MAX: usize = 15;
/// Most octets of what a sequence is given.
const PARAMS_BYTES_MAX: usize = 127;
/// Most octets of a message.
const MESSAGE_BYTES_MAX: usize = 1020;
/// Messages of which an answer is waited for.
const MESSAGES_MAX: usize = 32;
/// Most octets of a reason.
const REASON_BYTES_MAX: usize = 127;
/// The longest time that a sequence may be given.
const WITHIN_MAX: Duration = Duration::from_secs(366 * 86_400);

impl Controller {
    pub(super) fn obey(&mut self, now: Now, command: Command) -> Result<Done, CommandError> {
        match command {
            Command::Start(app) => self.with(&app, |app, craft| app.order_start(craft, now)),
            Command::Shutdown { app, grace, reason } => self.with(&app, |app, craft| {
                if app.life == Life::Off {
                    return Err(app.already());
                }
                app.order_shutdown(craft, now, grace, reason);
                Ok(Done::Accepted)
            }),
            Command::Release(app) => self.with(&app, |app, craft| {
                match app.life {
                    Life::Quarantined { .. } | Life::Awaited | Life::Pausing { .. } => {}
                    _ => return Err(app.already()),
                }
                app.ladder = Default::default();
                app.start(craft, now, "it was released");
                Ok(Done::Accepted)
            }),
            Command::StartSequence {
                app,
                sequence,
                params,
                within,
            } => self.with(&app, |app, craft| {
                app.order_sequence(craft, now, sequence, params, within)
            }),
            Command::CancelRun(run, reason) => {
                let app = self.app_of(run)?;
                self.with(&app, |app, _| app.order_cancel(now, run, &reason))
            }
            Command::AbandonRun(run) => {
                let app = self.app_of(run)?;
                self.with(&app, |app, craft| {
                    let state = app.runs.get(run).map(|run| run.state);
                    if let Some(state) = state.filter(|state| state.has_ended())
                        && !app.runs.is_held(run)
                    {
                        return Err(CommandError::Ended { run, state });
                    }
                    let start = Purpose::Start(run);
                    app.outbox.forget(start, &mut app.counts.calls);
                    let changes = app.runs.abandon(now, run);
                    app.changed(craft, now, changes);
                    Ok(Done::Accepted)
                })
            }
            Command::Power { device, on } => {
                if self.craft.devices.get(device).is_none() {
                    return Err(CommandError::UnknownDevice(device));
                }
                self.craft.switch(now, device, on, Asker::Controller)?;
                Ok(Done::Accepted)
            }
            Command::Message {
                app,
                command_id,
                data,
            } => self.with(&app, |app, _| app.order_message(now, command_id, data)),
            Command::Metrics(app) => self.with(&app, |app, _| {
                app.registered()?;
                app.ask_metrics(now);
                Ok(Done::Accepted)
            }),
            Command::ScheduleWindow(order) => {
                self.signalling.schedule(&mut self.craft, now, *order)?;
                Ok(Done::Accepted)
            }
            Command::CancelWindow(id) => {
                self.signalling.cancel(&mut self.craft, now, &id)?;
                Ok(Done::Accepted)
            }
        }
    }

    fn with(
        &mut self,
        name: &AppName,
        what: impl FnOnce(&mut App, &mut Craft) -> Result<Done, CommandError>,
    ) -> Result<Done, CommandError> {
        let Some(app) = self.apps.get_mut(name) else {
            return Err(CommandError::UnknownApp(name.clone()));
        };
        let done = what(app, &mut self.craft);
        app.settle(&mut self.craft);
        done
    }

    fn app_of(&self, run: RunId) -> Result<AppName, CommandError> {
        let mut apps = self.apps.values();
        let app = apps.find(|app| app.runs.get(run).is_some());
        let app = app.map(|app| app.name().clone());
        app.ok_or(CommandError::UnknownRun(run))
    }
}

impl App {
    fn already(&self) -> CommandError {
        CommandError::Already {
            app: self.name().clone(),
            life: self.life.name(),
        }
    }

    fn registered(&self) -> Result<(), CommandError> {
        match self.is_up() {
            true => Ok(()),
            false => Err(CommandError::NotRegistered {
                app: self.name().clone(),
                life: self.life.name(),
            }),
        }
    }

    /// An operator wants it to shut down.
    pub(super) fn order_shutdown(
        &mut self,
        craft: &mut Craft,
        now: Now,
        grace: Option<Duration>,
        reason: u8,
    ) {
        self.is_wanted = false;
        let grace = grace.unwrap_or(self.rules.shutdown.grace);
        match self.life {
            _ if self.is_up() => {
                self.ask_to_shut_down(craft, now, grace, reason, Then::Off);
            }
            Life::Stopping { step, until, .. } => {
                let then = Then::Off;
                self.life = Life::Stopping { step, until, then };
            }
            _ => self.kill(craft, now, Then::Off),
        }
    }

    fn order_start(&mut self, craft: &mut Craft, now: Now) -> Result<Done, CommandError> {
        match self.life {
            Life::Off => {}
            // Its process is there still.
            Life::Closed if self.process.is_none() => {}
            _ => return Err(self.already()),
        }
        self.start(craft, now, "it was ordered");
        Ok(Done::Accepted)
    }

    fn order_sequence(
        &mut self,
        craft: &mut Craft,
        now: Now,
        sequence: String,
        params: String,
        within: Duration,
    ) -> Result<Done, CommandError> {
        self.registered()?;
        if sequence.is_empty() {
            return Err(CommandError::Invalid("the sequence has no name".to_owned()));
        }
        fits("the sequence's name", &sequence, SEQUENCE_BYTES_MAX)?;
        fits("what it is given", &params, PARAMS_BYTES_MAX)?;
        if within.is_zero() || within > WITHIN_MAX {
            let why = "the time for it is 0, or more than a year".to_owned();
            return Err(CommandError::Invalid(why));
        }
        if let Some(run) = self.runs.in_the_way(&sequence) {
            let RunRecord { id: run, state, .. } = *run;
            return Err(CommandError::StillOpen {
                run,
                sequence,
                state,
            });
        }
        let most = self.rules.runs.open_max;
        if self.runs.open_count() >= most {
            return Err(self.too_many("open runs", most));
        }
        if self.outbox.is_full_of_commands() {
            return Err(self.too_many("waiting commands", self.rules.outbox.commands_max));
        }
        self.counts.runs += 1;
        let id = RunId(next(&mut craft.ids.run));
        let run = self.runs.begin(
            now,
            NewRun {
                id,
                app: self.name().clone(),
                sequence,
                params,
                within,
                session: self.session_number(),
            },
        );
        let deadline = now.wall.saturating_add(within);
        let deadline = match self.rules.deadline_unit {
            DeadlineUnit::Seconds => u128::from(deadline.as_secs()),
            DeadlineUnit::Milliseconds => deadline.as_millis(),
        };
        let start = msg::StartSequenceParams {
            correlation_id: run.correlation_id,
            sequence_id: run.sequence.clone(),
            sequence_params: run.params.clone(),
            scheduled_deadline: i64::try_from(deadline).unwrap_or(i64::MAX),
        };
        self.changed(craft, now, vec![Change::Changed(Box::new(run))]);
        let until = self.runs.start_until(now, within);
        let deadline = self.rules.outbox.deadline;
        let waiting = Waiting::new(start, Purpose::Start(id), deadline, until);
        self.outbox.push(waiting, &mut self.counts.calls);
        Ok(Done::Run(id))
    }

    fn too_many(&self, what: &'static str, most: usize) -> CommandError {
        CommandError::TooMany {
            app: self.name().clone(),
            what,
            most,
        }
    }

    fn order_cancel(&mut self, now: Now, id: RunId, reason: &str) -> Result<Done, CommandError> {
        self.registered()?;
        fits("the reason", reason, REASON_BYTES_MAX)?;
        let Some(run) = self.runs.get(id).cloned() else {
            return Err(CommandError::UnknownRun(id));
        };
        if run.state.has_ended() {
            return Err(CommandError::Ended {
                run: id,
                state: run.state,
            });
        }
        let cancel = ext::CancelSequenceRequest {
            correlation_id: self.correlation(),
            run: Some(ext::SequenceRun {
                sequence_id: run.sequence,
                correlation_id: run.correlation_id,
            }),
            reason: reason.to_owned(),
        };
        self.order(now, cancel, Purpose::Cancel(id))
    }

    fn order_message(
        &mut self,
        now: Now,
        command_id: u16,
        data: Vec<u8>,
    ) -> Result<Done, CommandError> {
        self.registered()?;
        if data.len() > MESSAGE_BYTES_MAX {
            let length = data.len();
            let why = format!("the message has {length} octets, more than {MESSAGE_BYTES_MAX}");
            return Err(CommandError::Invalid(why));
        }
        self.messages.retain(|(.., until)| now.monotonic < *until);
        if self.messages.len() >= MESSAGES_MAX {
            return Err(self.too_many("messages without an answer", MESSAGES_MAX));
        }
        let command_id = i32::from(command_id);
        let correlation_id = self.correlation();
        let message = msg::SatOsPaMsg {
            correlation_id,
            command_id,
            payload_data: data,
        };
        let done = self.order(now, message, Purpose::Message)?;
        let until = now.after(ASKED_FOR);
        self.messages.push_back((correlation_id, command_id, until));
        Ok(done)
    }

    fn order(
        &mut self,
        now: Now,
        callback: impl Into<payload_interface::Callback>,
        purpose: Purpose,
    ) -> Result<Done, CommandError> {
        let rules = self.rules.outbox;
        if self.outbox.is_full_of_commands() {
            return Err(self.too_many("waiting commands", rules.commands_max));
        }
        let valid_until = now.after(rules.valid);
        let waiting = Waiting::new(callback, purpose, rules.deadline, valid_until);
        self.outbox.push(waiting, &mut self.counts.calls);
        Ok(Done::Accepted)
    }
}

fn fits(what: &str, text: &str, most: usize) -> Result<(), CommandError> {
    let length = text.len();
    match () {
        () if length > most => Err(CommandError::Invalid(format!(
            "{what} has {length} octets, more than {most}"
        ))),
        () if text.contains('\0') => Err(CommandError::Invalid(format!("{what} has a NUL in it"))),
        () => Ok(()),
    }
}
