//! A controller in virtual time, with what it recorded, and payloads that do as they are told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus_telemetry::{
    Aged, BusState, Location, Missing, Power, Sensor, Telemetry, TelemetryError, Thermal,
};
use payload_controller::core::*;
use payload_interface::messages as msg;
use payload_interface::{Answer, AppName, CallId, CallOutcome, Callback, Request, ReturnCode};

pub(crate) const OUTBOUND: &str = "/opt/antaris/outbound";

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn name(name: &str) -> AppName {
    name.parse().unwrap()
}

pub(crate) fn rules(app: &str, number: u16) -> AppRules {
    AppRules {
        metrics_every: None,
        ..AppRules::new(name(app), number.try_into().unwrap())
    }
}

/// A bus that says what it is told to.
#[derive(Clone)]
pub(crate) struct FakeBus(pub(crate) Arc<Mutex<BusState>>);

impl FakeBus {
    pub(crate) fn new() -> Self {
        let mut state = BusState::unknown();
        state.location = Ok(Aged {
            value: Location {
                latitude_deg: 52.5,
                longitude_deg: -13.4,
                altitude_km: 550.25,
                deviation: None,
            },
            age: secs(2),
        });
        state.power = Ok(Aged::fresh(Power {
            battery_v: Some(7.9),
            rails: Vec::new(),
        }));
        state.payload_server_c = Ok(Aged::fresh(-5.2));
        let bus = FakeBus(Arc::new(Mutex::new(state)));
        bus.warm(20.0);
        bus
    }

    /// The temperature of the sensor SESA.
    pub(crate) fn warm(&self, temperature_c: f64) {
        self.0.lock().unwrap().thermal = Ok(Aged::fresh(Thermal {
            sensors: vec![Sensor {
                name: "SESA".to_owned(),
                temperature_c,
                heater_on: None,
            }],
        }));
    }

    pub(crate) fn battery(&self, battery_v: Option<f64>) {
        self.0.lock().unwrap().power = Ok(Aged::fresh(Power {
            battery_v,
            rails: Vec::new(),
        }));
    }

    pub(crate) fn all_stale(&self) {
        *self.0.lock().unwrap() = BusState::unknown();
        self.0.lock().unwrap().location = Err(Missing::Stale {
            age: secs(100),
            age_max: secs(10),
        });
    }
}

impl Telemetry for FakeBus {
    fn state(&self, _: Duration) -> Result<BusState, TelemetryError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

/// What was recorded, as a journal keeps it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    apps: BTreeMap<AppName, AppRecord>,
    runs: BTreeMap<RunId, RunRecord>,
    files: BTreeMap<FileId, FileRecord>,
    devices: BTreeMap<u16, DeviceRecord>,
    windows: BTreeMap<WindowId, WindowRecord>,
}

impl Kept {
    pub(crate) fn keep(&mut self, record: Record) {
        match record {
            Record::App(app) => drop(self.apps.insert(app.name.clone(), *app)),
            Record::Run(run) => drop(self.runs.insert(run.id, *run)),
            Record::RunForgotten(run) => drop(self.runs.remove(&run)),
            Record::File(file) => drop(self.files.insert(file.id, *file)),
            Record::FileForgotten(file) => drop(self.files.remove(&file)),
            Record::Device(device) => drop(self.devices.insert(device.id, device)),
            Record::Window(window) => {
                self.windows.insert(window.order.id.clone(), *window);
            }
            Record::WindowForgotten(id) => drop(self.windows.remove(&id)),
        }
    }

    pub(crate) fn recovered(&self) -> Recovered {
        Recovered {
            apps: self.apps.values().cloned().collect(),
            runs: self.runs.values().cloned().collect(),
            files: self.files.values().cloned().collect(),
            devices: self.devices.values().cloned().collect(),
            windows: self.windows.values().cloned().collect(),
        }
    }
}

/// How a payload answers a call; none is not at all.
pub(crate) type Manner = Box<dyn FnMut(&Callback) -> Option<CallOutcome>>;

pub(crate) fn ok() -> CallOutcome {
    CallOutcome::Returned(ReturnCode::SUCCESS)
}

pub(crate) fn gone() -> CallOutcome {
    CallOutcome::Unreachable("connection refused".to_owned())
}

pub(crate) struct World {
    pub(crate) controller: Controller,
    pub(crate) rules: Rules,
    pub(crate) bus: FakeBus,
    pub(crate) now: Now,
    pub(crate) kept: Kept,
    /// How payloads answer; one that is not here returns 0 always.
    pub(crate) manners: BTreeMap<AppName, Manner>,
    /// All calls since somebody looked.
    pub(crate) calls: VecDeque<(AppName, CallId, Callback)>,
    /// All that was to be done since somebody looked, but for calls, records and notices.
    pub(crate) actions: Vec<Action>,
    pub(crate) notices: Vec<Notice>,
    /// Requests whose answer is said to have left at once.
    pub(crate) answers_leave: bool,
    pub(crate) devices_obey: bool,
}

impl World {
    pub(crate) fn new(rules: Rules) -> Self {
        let bus = FakeBus::new();
        let now = Now {
            monotonic: secs(1000),
            wall: secs(1_800_000_000),
        };
        let controller = Controller::new(
            rules.clone(),
            Recovered::default(),
            Arc::new(bus.clone()),
            OUTBOUND,
            now,
        );
        let mut world = World {
            controller,
            rules,
            bus,
            now,
            kept: Kept::default(),
            manners: BTreeMap::new(),
            calls: VecDeque::new(),
            actions: Vec::new(),
            notices: Vec::new(),
            answers_leave: true,
            devices_obey: true,
        };
        world.run();
        world
    }

    pub(crate) fn of(apps: impl IntoIterator<Item = AppRules>) -> Self {
        World::new(Rules {
            apps: apps.into_iter().collect(),
            ..Rules::default()
        })
    }

    /// The controller is killed, and another one begins with what was recorded. Its clock that
    /// does not jump begins anew.
    pub(crate) fn kill_controller(&mut self, after: Duration) {
        self.now = Now {
            monotonic: secs(7),
            wall: self.now.wall + after,
        };
        self.calls.clear();
        self.actions.clear();
        self.notices.clear();
        self.controller = Controller::new(
            self.rules.clone(),
            self.kept.recovered(),
            Arc::new(self.bus.clone()),
            OUTBOUND,
            self.now,
        );
        self.run();
    }

    /// Does all that is to be done now.
    pub(crate) fn run(&mut self) {
        while let Some(action) = self.controller.poll(self.now) {
            match action {
                Action::Record(record) => self.kept.keep(record),
                Action::Tell(notice) => self.notices.push(notice),
                Action::Call {
                    app, id, callback, ..
                } => {
                    let outcome = match self.manners.get_mut(&app) {
                        Some(manner) => manner(&callback),
                        None => Some(ok()),
                    };
                    self.calls.push_back((app, id, *callback));
                    if let Some(outcome) = outcome {
                        self.controller.called(self.now, id, outcome);
                    }
                }
                Action::Switch { device, on } if self.devices_obey => {
                    self.actions.push(Action::Switch { device, on });
                    let result = Ok(());
                    let switched = Event::Switched { device, on, result };
                    self.controller.event(self.now, switched);
                }
                action => self.actions.push(action),
            }
        }
    }

    /// So much time passes, and what is due is done when it is.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.monotonic + time;
        self.run();
        loop {
            let next = self.controller.deadline().filter(|next| *next <= end);
            let next = next.unwrap_or(end).max(self.now.monotonic);
            let passed = next - self.now.monotonic;
            self.now.monotonic = next;
            self.now.wall += passed;
            self.run();
            let is_over = self.controller.deadline().is_none_or(|next| next > end);
            if is_over && self.now.monotonic == end {
                return;
            }
            assert!(
                self.controller
                    .deadline()
                    .is_none_or(|next| next > self.now.monotonic),
                "what is due was done",
            );
        }
    }

    pub(crate) fn request(&mut self, app: &str, request: impl Into<Request>) -> Answer {
        let app = name(app);
        let reply = self.controller.request(self.now, &app, request.into());
        if let Some(request) = reply.request.filter(|_| self.answers_leave) {
            self.controller
                .event(self.now, Event::Answered(app, request));
        }
        self.run();
        reply.answer
    }

    /// What a request is answered with, as a number.
    pub(crate) fn code(&mut self, app: &str, request: impl Into<Request>) -> i32 {
        self.request(app, request).code.0
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.controller.event(self.now, event);
        self.run();
    }

    pub(crate) fn command(&mut self, command: Command) -> Result<Done, CommandError> {
        let done = self.controller.command(self.now, command);
        self.run();
        done
    }

    pub(crate) fn called(&mut self, id: CallId, outcome: CallOutcome) {
        self.controller.called(self.now, id, outcome);
        self.run();
    }

    pub(crate) fn manner(
        &mut self,
        app: &str,
        manner: impl FnMut(&Callback) -> Option<CallOutcome> + 'static,
    ) {
        self.manners.insert(name(app), Box::new(manner));
    }

    /// It registers, and is to be started anew when it is ill.
    pub(crate) fn register(&mut self, app: &str) {
        let code = self.code(app, register(1, 1));
        assert_eq!(code, 0, "{app} registers");
        self.calls.clear();
    }

    pub(crate) fn life(&self, app: &str) -> &'static str {
        self.view(app).life
    }

    pub(crate) fn view(&self, app: &str) -> AppView {
        self.controller.app(&name(app)).unwrap()
    }

    /// The calls since somebody looked.
    pub(crate) fn take_calls(&mut self) -> Vec<Callback> {
        self.calls.drain(..).map(|(_, _, call)| call).collect()
    }

    /// The rpcs that were called since somebody looked, but for health checks.
    pub(crate) fn rpcs(&mut self) -> Vec<&'static str> {
        let calls = self.take_calls().into_iter();
        calls
            .filter(|call| !matches!(call, Callback::HealthCheck(_)))
            .map(|call| call.rpc())
            .collect()
    }

    pub(crate) fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    pub(crate) fn start_sequence(
        &mut self,
        app: &str,
        sequence: &str,
        within: u64,
    ) -> Result<RunId, CommandError> {
        let done = self.command(Command::StartSequence {
            app: name(app),
            sequence: sequence.to_owned(),
            params: "{}".to_owned(),
            within: secs(within),
        });
        match done? {
            Done::Run(run) => Ok(run),
            Done::Accepted => panic!("a sequence has a run"),
        }
    }

    pub(crate) fn run_state(&self, app: &str, run: RunId) -> RunState {
        self.the_run(app, run).state
    }

    pub(crate) fn the_run(&self, app: &str, run: RunId) -> RunRecord {
        let runs = self.controller.runs(&name(app));
        runs.into_iter().find(|one| one.id == run).unwrap()
    }

    pub(crate) fn done(&mut self, app: &str, sequence: &str) -> i32 {
        self.code(
            app,
            msg::CmdSequenceDoneParams {
                sequence_id: sequence.to_owned(),
            },
        )
    }

    /// Whether each request, call, run and file that there was is counted once.
    pub(crate) fn counters_add_up(&self) {
        for app in self.controller.apps() {
            let counts = &app.counts;
            let answers: u64 = counts.answers.values().sum();
            assert_eq!(counts.requests, answers, "{}: requests", app.name);
            let open = (app.calls_waiting + app.calls_under_way) as u64;
            assert_eq!(
                counts.calls.offered,
                counts.calls.ended() + open,
                "{}: calls: {:?}",
                app.name,
                counts.calls
            );
            let ended: u64 = counts.runs_ended.values().sum();
            assert_eq!(
                counts.runs,
                ended + app.runs_open as u64,
                "{}: runs",
                app.name
            );
            let ended: u64 = counts.files_ended.values().sum();
            assert_eq!(
                counts.files,
                ended + app.files_open as u64,
                "{}: files",
                app.name
            );
        }
    }
}

pub(crate) fn register(correlation_id: i32, action: i32) -> msg::ReqRegisterParams {
    msg::ReqRegisterParams {
        correlation_id,
        health_check_fail_action: action,
        sdk_version: Some(msg::AntarisSdkVersion {
            major: 1,
            minor: 1,
            patch: 1,
        }),
    }
}

pub(crate) fn stage(path: &str) -> msg::ReqStageFileDownloadParams {
    msg::ReqStageFileDownloadParams {
        correlation_id: 9,
        file_path: path.to_owned(),
        file_priority: 2,
        file_dl_band: 1,
    }
}
