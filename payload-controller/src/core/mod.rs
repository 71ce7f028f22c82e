//! What is decided, without a socket, a clock or a thread.
//!
//! A [`Controller`] is told what happened, by [`request`](Controller::request),
//! [`called`](Controller::called), [`command`](Controller::command) and
//! [`event`](Controller::event), and is then asked what is to be done, by
//! [`poll`](Controller::poll), until that is nothing. After
//! [`deadline`](Controller::deadline) it is asked again.
//!
//! Whoever drives it keeps to this:
//!
//! - Actions are carried out in their order. A [`Record`] is on the disk before any later
//!   action, and before the answer of a request is given.
//! - What cannot be recorded is tried again, and nothing is asked of it meanwhile: time stands
//!   still for it as long as [`poll`](Controller::poll) is not called.
//! - When an answer with a [`RequestId`] has left, it is told so.

mod action;
mod app;
mod bus;
mod command;
mod commands;
mod copies;
mod counts;
mod craft;
mod files;
mod health;
mod interface;
mod ladder;
mod life;
mod metrics;
mod notice;
mod outbox;
mod power;
mod rate;
mod record;
mod recovery;
mod registration;
mod requests;
mod rules;
mod runs;
mod signalling;
mod staging;
mod streams;
mod switching;
mod thermal;
mod time;
mod view;
mod warming;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bus_telemetry::Telemetry;
use payload_interface::messages as msg;
use payload_interface::{Answer, AppName, CallId, CallOutcome, ReqStatus, Request, ReturnCode};

pub use action::{Action, CopyId, Event, RequestId};
pub use command::{Command, CommandError, Done};
pub use counts::{AppCounts, CallCounts};
pub use files::PATH_BYTES_MAX;
pub use interface::{DeadlineUnit, Interface};
pub use notice::{Notice, Severity, What};
pub use power::Interlock;
pub use rate::Rate;
pub use record::{
    AppRecord, CopiedFile, CopyRecord, DeviceRecord, FileBand, FileId, FilePriority, FileRecord,
    FileState, Process, Record, Recovered, RunId, RunRecord, RunState, Rung, SessionRecord,
    StreamKind, StreamRecord,
};
pub use requests::Reply;
pub use rules::{
    APPS_MAX, AppRules, DEVICES_MAX, DeviceRules, FileRules, HealthAction, HealthRules,
    OutboxRules, RestartRules, Rules, RunRules, STREAM_PERIOD_MAX, ShutdownRules, Start,
    ThermalRules, Version, VersionRule,
};
pub use signalling::{
    BUFFER_MAX, CONFIGURE_MAX, Deed, HORIZON, OnConfigureFailure, PARAMETERS_BYTES_MAX, Part,
    SIGNALLED_MAX, Setback, Signal, SignalVersion, SignalledRules, SignalledView, Step, StepEnd,
    StepOutcome, StepRecord, USER_BYTES_MAX, WINDOW_ID_BYTES_MAX, WINDOW_TIME_MAX,
    WINDOWS_KEPT_MAX, WINDOWS_OPEN_MAX, WindowId, WindowIdError, WindowOrder, WindowRecord,
    WindowRefusal, WindowState,
};
pub use time::Now;
pub use view::{AppView, DeviceView};

use app::App;
use bus::Bus;
use craft::Craft;
use power::{Asker, Devices, Switched};
use signalling::Signalling;
use thermal::{Look, Thermal};

/// Decides what becomes of payloads.
#[derive(Debug)]
pub struct Controller {
    apps: BTreeMap<AppName, App>,
    signalling: Signalling,
    craft: Craft,
    /// By the call, until it ended.
    calls: BTreeMap<CallId, AppName>,
}

impl Controller {
    /// One that goes by these rules and goes on from what was recorded. What payloads are told
    /// of the spacecraft comes from `telemetry`; `outbound` is the directory that they name
    /// files in.
    #[must_use]
    pub fn new(
        rules: Rules,
        recovered: Recovered,
        telemetry: Arc<dyn Telemetry>,
        outbound: &str,
        now: Now,
    ) -> Self {
        let (devices, actions) = Devices::recovered(rules.devices, &recovered.devices, now);
        let thermal = Thermal::new(rules.thermal);
        let mut craft = Craft::new(Bus(telemetry), devices, thermal, outbound.to_owned());
        actions.into_iter().for_each(|action| craft.act(action));
        craft.ids.run = recovered.runs.iter().map(|run| run.id.0).max().unwrap_or(0);
        let files = recovered.files.iter().map(|file| file.id.0);
        craft.ids.file = files.max().unwrap_or(0);
        for app in &rules.apps {
            craft.numbers.insert(app.number, app.name.clone());
        }
        let mut apps = BTreeMap::new();
        let Recovered {
            apps: mut records,
            mut runs,
            mut files,
            windows,
            ..
        } = recovered;
        for rules in rules.apps {
            let name = rules.name.clone();
            let record = records.iter().position(|record| record.name == name);
            let record = record.map(|at| records.swap_remove(at));
            let runs = take(&mut runs, |run| run.app == name);
            let files = take(&mut files, |file| file.app == name);
            let app = App::new(rules, record, runs, files, &mut craft, now);
            apps.insert(name, app);
        }
        // What is of an app that is no longer configured is forgotten.
        for run in runs {
            craft.record(Record::RunForgotten(run.id));
        }
        for file in files {
            craft.record(Record::FileForgotten(file.id));
        }
        let signalling = Signalling::recovered(rules.signalled, windows, &mut craft, now);
        Controller {
            apps,
            signalling,
            craft,
            calls: BTreeMap::new(),
        }
    }

    /// A payload calls. Who it is was made sure of, and that what it says fits the interface.
    pub fn request(&mut self, now: Now, app: &AppName, request: Request) -> Reply {
        let Some(app) = self.apps.get_mut(app) else {
            return Reply {
                answer: Answer::refused(ReturnCode::NOT_PERMITTED, "there is no such app"),
                request: None,
            };
        };
        let reply = app.request(&mut self.craft, now, request);
        app.settle(&mut self.craft);
        self.cross(now);
        reply
    }

    /// A call of a payload ended.
    pub fn called(&mut self, now: Now, call: CallId, outcome: CallOutcome) {
        let Some(app) = self.calls.remove(&call) else {
            return;
        };
        if let Some(app) = self.apps.get_mut(&app) {
            app.called(&mut self.craft, now, call, outcome);
            app.settle(&mut self.craft);
        }
        self.cross(now);
    }

    /// Somebody who may, orders something.
    ///
    /// # Errors
    /// Why it is not followed.
    pub fn command(&mut self, now: Now, command: Command) -> Result<Done, CommandError> {
        let done = self.obey(now, command);
        self.cross(now);
        done
    }

    /// Something happened.
    pub fn event(&mut self, now: Now, event: Event) {
        match event {
            Event::Answered(app, request) => self.on(&app, |app, _| {
                app.open_answers.remove(&request);
            }),
            Event::Started(app, process) => {
                self.on(&app, |app, craft| app.started(craft, process));
            }
            Event::StartFailed(app, why) => self.on(&app, |app, craft| {
                app.exited(craft, now, &format!("it could not be begun: {why}"));
            }),
            Event::Exited(app, how) => {
                self.on(&app, |app, craft| app.exited(craft, now, &how));
            }
            Event::Switched { device, on, result } => {
                let switched = self.craft.devices.switched(now, device, on, result);
                if let Some(switched) = switched {
                    self.switched(now, switched);
                }
            }
            Event::FileAccepted { file, mark, bytes } => {
                self.on_file(now, file, |app| app.files.accepted(file, mark, bytes));
            }
            Event::FileRefused(file, why) => {
                self.on_file(now, file, |app| app.files.refused(file, why));
            }
            Event::FileFailed(file, why) => {
                self.on_file(now, file, |app| app.files.failed(now, file, why));
            }
            Event::FileOnGround(file) => {
                self.on_file(now, file, |app| app.files.on_ground(file));
            }
            Event::FileGone(file) => self.on_file(now, file, |app| app.files.gone(file)),
            Event::Copied(app, copy, result) => self.on(&app, |app, craft| {
                app.copied(craft, now, copy, result);
            }),
            Event::Signalled {
                window,
                part,
                result,
            } => {
                let craft = &mut self.craft;
                self.signalling
                    .part_ended(craft, now, &window, part, result);
            }
            Event::StepEnded { window, step, end } => {
                let craft = &mut self.craft;
                self.signalling.step_ended(craft, now, &window, step, *end);
            }
        }
        self.cross(now);
    }

    /// What is to be done next; nothing more for now where it is none.
    pub fn poll(&mut self, now: Now) -> Option<Action> {
        if let Some(action) = self.craft.next() {
            return Some(action);
        }
        self.on_time(now);
        if let Some(action) = self.craft.next() {
            return Some(action);
        }
        for (name, app) in &mut self.apps {
            // Nothing of it waits, or what waits may not leave yet.
            if app.next_due() > now.monotonic {
                continue;
            }
            if let Some(action) = app.next_call(&mut self.craft, now) {
                if let Action::Call { id, .. } = &action {
                    self.calls.insert(*id, name.clone());
                }
                return Some(action);
            }
        }
        None
    }

    /// When it is to be asked again at the latest, by the clock that does not jump.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let apps = self.apps.values().map(App::next_due).min();
        let apps = apps.filter(|due| *due < Duration::MAX);
        let others = [
            self.craft.devices.deadline(),
            self.craft.thermal.deadline(),
            self.signalling.deadline(),
        ];
        others.into_iter().fold(apps, time::earlier)
    }

    fn on_time(&mut self, now: Now) {
        for app in self.apps.values_mut() {
            if app.next_due() <= now.monotonic {
                app.on_time(&mut self.craft, now);
                app.settle(&mut self.craft);
            }
        }
        for switched in self.craft.devices.due(now) {
            self.switched(now, switched);
        }
        let Craft { bus, thermal, .. } = &mut self.craft;
        for look in thermal.due(now, |sensor| bus.sensor(now, sensor)) {
            self.looked(now, look);
        }
        if self
            .signalling
            .deadline()
            .is_some_and(|due| due <= now.monotonic)
        {
            self.signalling.on_time(&mut self.craft, now);
        }
        self.cross(now);
    }

    fn on(&mut self, app: &AppName, what: impl FnOnce(&mut App, &mut Craft)) {
        if let Some(app) = self.apps.get_mut(app) {
            what(app, &mut self.craft);
            app.settle(&mut self.craft);
        }
    }

    fn on_file(
        &mut self,
        now: Now,
        file: FileId,
        what: impl FnOnce(&mut App) -> Option<files::Turn>,
    ) {
        let is_its = |app: &&mut App| app.files.open().any(|open| open.id == file);
        if let Some(app) = self.apps.values_mut().find(is_its) {
            if let Some(turn) = what(app) {
                app.file_turned(&mut self.craft, now, turn);
            }
            app.settle(&mut self.craft);
        }
    }

    /// A device was switched, or not: who asked hears it, and whose host it is.
    fn switched(&mut self, now: Now, switched: Switched) {
        let Switched {
            device,
            on,
            asker,
            result,
        } = switched;
        let owner = self.craft.devices.get(device);
        let owner = owner.and_then(|device| device.rules.owner.clone());
        let is_done = result.is_ok();
        let why_not = result.as_ref().err().cloned();
        let what = match result {
            Ok(()) => What::Switched { device, on },
            Err(why) => What::NotSwitched { device, on, why },
        };
        self.craft.tell(now, owner.as_ref(), what);
        if !is_done {
            let is_on = self.craft.devices.is_on(device);
            self.craft.record(Record::Device(DeviceRecord {
                id: device,
                is_on,
                at: time::ms(now.wall),
            }));
        }
        if let Asker::App {
            app,
            session,
            correlation_id,
        } = asker
        {
            let status = match is_done {
                true => ReqStatus::Success,
                false => ReqStatus::Failed,
            };
            self.on(&app, |app, _| {
                if app.session.is_some() && app.session_number() == session {
                    let response = msg::RespPayloadPowerControlParams {
                        correlation_id,
                        req_status: status.into(),
                    };
                    app.respond(now, None, response);
                }
            });
        }
        if on {
            let why_not = why_not.as_deref();
            self.signalling
                .switched(&mut self.craft, now, device, why_not);
        }
        for app in self.apps.values_mut() {
            if app.rules.host == Some(device) {
                app.host_switched(&mut self.craft, now, on, is_done);
                app.settle(&mut self.craft);
            }
        }
    }

    /// A place was looked at: its heater is switched, and its app hears of it.
    fn looked(&mut self, now: Now, look: Look) {
        let Look { place, heat, tell } = look;
        if let Some(on) = heat {
            self.craft.act(Action::Heat { place, on });
        }
        if let Some(told) = tell {
            self.on(&told.app, |app, _| {
                let note = msg::SesThermalStatusNtf {
                    correlation_id: told.correlation_id,
                    heater_pwr_status: told.is_heated.into(),
                    hardware_id: place.into(),
                    reserved: 0,
                    heater_temp_status: told.level.number(),
                    temperature: told.temperature.into(),
                };
                app.respond(now, None, note);
            });
        }
    }

    /// Apps that went on or off: those that are to hear it do.
    fn cross(&mut self, now: Now) {
        while let Some((name, on)) = self.craft.gone_on_or_off.pop_front() {
            let Some(number) = self.apps.get(&name).map(|app| app.rules.number) else {
                continue;
            };
            for app in self.apps.values_mut() {
                if !app.is_up() || !app.rules.hears_power_of.contains(&name) {
                    continue;
                }
                let on_is = app.rules.power_on_is;
                let note = msg::NtfRemoteAcPwrStatus {
                    correlation_id: app.correlation(),
                    ac_app_id: number.get().into(),
                    power_status: match on {
                        true => on_is,
                        false => 1 - on_is,
                    },
                };
                app.respond(now, None, note);
                app.settle(&mut self.craft);
            }
        }
    }
}

/// Takes those out that are meant, in their order.
fn take<T>(all: &mut Vec<T>, is_meant: impl Fn(&T) -> bool) -> Vec<T> {
    all.extract_if(.., |one| is_meant(one)).collect()
}
