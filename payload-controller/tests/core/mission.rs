//! 24 hours of three payloads in virtual time, and whatever else may happen, by chance.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

use payload_controller::core::*;
use payload_interface::extension as ext;
use payload_interface::messages as msg;
use payload_interface::{CallId, CallOutcome, Callback, Request, ReturnCode};
use proptest::prelude::*;

use crate::rig::*;

/// Numbers by chance, the same for a seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below
    }
}

/// How a payload behaves.
#[derive(Clone, Copy, PartialEq)]
enum Nature {
    /// As it should.
    Good,
    /// Everything comes late, and some of it never.
    Late,
    /// It does not answer at all for hours.
    Silent,
    /// Numbers that mean nothing, words that nobody asked for, and crashes.
    Garbage,
}

/// What happens to a payload at some time.
enum Due {
    Register,
    Done(String),
    Return(CallId, CallOutcome),
    Exit,
    Stage,
    Babble,
}

struct Mission {
    world: World,
    chance: Chance,
    natures: BTreeMap<&'static str, Nature>,
    due: BTreeMap<(u64, u64), (&'static str, Due)>,
    count: u64,
    log: String,
}

const APPS: [(&str, Nature); 4] = [
    ("camera", Nature::Good),
    ("radar", Nature::Late),
    ("laser", Nature::Silent),
    ("modem", Nature::Garbage),
];

impl Mission {
    fn new(seed: u64, apps: &[(&'static str, Nature)]) -> Self {
        let mut devices = Vec::new();
        let rules = apps.iter().zip(1_u16..).map(|((app, _), number)| {
            devices.push(DeviceRules::new(number, Some(name(app))));
            let mut rules = AppRules::new(name(app), number.try_into().unwrap());
            rules.has_process = true;
            rules.host = Some(number);
            rules
        });
        let apps_rules = rules.collect();
        let mut world = World::new(Rules {
            apps: apps_rules,
            devices,
            thermal: Vec::new(),
            signalled: Vec::new(),
        });
        for (app, _) in apps {
            // Each call is returned when it is due, if at all.
            world.manner(app, |_| None);
        }
        Mission {
            world,
            chance: Chance(seed),
            natures: apps.iter().copied().collect(),
            due: BTreeMap::new(),
            count: 0,
            log: String::new(),
        }
    }

    fn now_ms(&self) -> u64 {
        self.world.now.monotonic.as_millis() as u64
    }

    fn after(&mut self, ms: u64, app: &'static str, due: Due) {
        self.count += 1;
        let at = self.now_ms() + ms;
        self.due.insert((at, self.count), (app, due));
    }

    /// Forgets what a process would have done.
    fn end(&mut self, app: &'static str) {
        self.due
            .retain(|_, (of, due)| *of != app || matches!(due, Due::Exit | Due::Return(..)));
    }

    fn static_name(&self, app: &payload_interface::AppName) -> &'static str {
        let mut names = self.natures.keys();
        names.find(|name| **name == app.as_str()).unwrap()
    }

    /// Takes what the controller did, and lets the payloads do their part.
    fn react(&mut self) {
        loop {
            let notices = std::mem::take(&mut self.world.notices);
            for notice in notices {
                let at = self.now_ms();
                writeln!(self.log, "{at} {notice}").unwrap();
            }
            let actions = self.world.take_actions();
            let calls: Vec<_> = self.world.calls.drain(..).collect();
            if actions.is_empty() && calls.is_empty() {
                return;
            }
            for action in actions {
                self.act(action);
            }
            for (app, id, call) in calls {
                let app = self.static_name(&app);
                self.answer(app, id, call);
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Start(app) => {
                let name = self.static_name(&app);
                let process = Process { pid: 1, began: 1 };
                self.world.event(Event::Started(app, process));
                let ms = 2_000 + self.chance.next(20_000);
                self.after(ms, name, Due::Register);
            }
            Action::Kill(app) => {
                let name = self.static_name(&app);
                self.end(name);
                self.after(100, name, Due::Exit);
            }
            Action::Stage(file) => {
                let file = *file;
                let event = match self.chance.next(4) {
                    0 => Event::FileFailed(file.id, "no contact".to_owned()),
                    1 => Event::FileRefused(file.id, "it is a directory".to_owned()),
                    _ => Event::FileAccepted {
                        file: file.id,
                        mark: format!("{}", file.id.0),
                        bytes: 100,
                    },
                };
                let is_accepted = matches!(event, Event::FileAccepted { .. });
                self.world.event(event);
                if is_accepted {
                    self.world.event(Event::FileOnGround(file.id));
                }
            }
            Action::Discard(file) => self.world.event(Event::FileGone(file.id)),
            _ => {}
        }
    }

    fn answer(&mut self, app: &'static str, id: CallId, call: Callback) {
        let nature = self.natures[app];
        let hours = self.now_ms() / 3_600_000;
        let outcome = match nature {
            Nature::Good => Some((50, ok())),
            Nature::Late => match self.chance.next(20) {
                0 => None,
                1 => Some((4_000, CallOutcome::TimedOut)),
                _ => Some((2_900, ok())),
            },
            // Each third hour it says nothing.
            Nature::Silent if hours % 3 == 1 => Some((3_000, CallOutcome::TimedOut)),
            Nature::Silent => Some((50, ok())),
            Nature::Garbage => match self.chance.next(30) {
                0 => Some((10, CallOutcome::Unimplemented)),
                1 => Some((10, CallOutcome::Refused("what".to_owned()))),
                2 => Some((10, gone())),
                number @ 3..=6 => Some((10, CallOutcome::Returned(ReturnCode(number as i32 * 9)))),
                _ => Some((10, ok())),
            },
        };
        let is_heard = match &outcome {
            None => self.chance.next(2) == 0,
            Some((_, outcome)) => {
                matches!(outcome, CallOutcome::Returned(_) | CallOutcome::TimedOut)
            }
        };
        if let Some((ms, outcome)) = outcome {
            self.after(ms, app, Due::Return(id, outcome));
        }
        if !is_heard || (nature == Nature::Silent && hours % 3 == 1) {
            return;
        }
        match call {
            Callback::StartSequence(start) => {
                let ms = match nature {
                    Nature::Good => 20_000,
                    _ => 1 + self.chance.next(200_000),
                };
                self.after(ms, app, Due::Done(start.sequence_id));
                self.after(ms / 2, app, Due::Stage);
            }
            Callback::ShutdownApp(_) => {
                self.world.request(app, msg::RespShutdownParams::default());
                self.end(app);
                self.after(8_000, app, Due::Exit);
            }
            Callback::HealthCheck(_) if nature == Nature::Garbage => {
                self.after(1, app, Due::Babble);
                if self.chance.next(2_000) == 0 {
                    self.end(app);
                    self.after(1, app, Due::Exit);
                }
            }
            _ => {}
        }
    }

    fn payload(&mut self, app: &'static str, due: Due) {
        match due {
            Due::Register => {
                self.world.request(app, register(1, 1));
            }
            Due::Done(sequence) => {
                let told = msg::CmdSequenceDoneParams {
                    sequence_id: sequence,
                };
                self.world.request(app, told);
            }
            Due::Return(id, outcome) => self.world.called(id, outcome),
            Due::Exit => self
                .world
                .event(Event::Exited(name(app), "exit".to_owned())),
            Due::Stage => {
                let path = format!("{}.raw", self.now_ms());
                self.world.request(app, stage(&path));
            }
            Due::Babble => {
                let number = self.chance.next(12) as i32;
                let request = babble(number, self.chance.next(1 << 32) as i32);
                self.world.request(app, request);
            }
        }
    }

    /// Until then, with a sequence every five minutes for each app.
    fn fly(&mut self, hours: u64) {
        let end = self.now_ms() + hours * 3_600_000;
        let mut order = self.now_ms() + 60_000;
        let apps: Vec<&'static str> = self.natures.keys().copied().collect();
        loop {
            self.react();
            let mine = self.due.keys().next().map_or(u64::MAX, |(at, _)| *at);
            let theirs = self.world.controller.deadline();
            let theirs = theirs.map_or(u64::MAX, |at| at.as_micros().div_ceil(1000) as u64);
            let next = mine.min(theirs).min(order).max(self.now_ms());
            if next >= end {
                return;
            }
            let passed = next - self.now_ms();
            self.world.now.monotonic += std::time::Duration::from_millis(passed);
            self.world.now.wall += std::time::Duration::from_millis(passed);
            if next == mine {
                let (_, (app, due)) = self.due.pop_first().unwrap();
                self.payload(app, due);
            } else if next == order {
                order += 300_000;
                for app in &apps {
                    let sequence = format!("S{}", self.chance.next(4));
                    if let Err(error) = self.world.start_sequence(app, &sequence, 100) {
                        writeln!(self.log, "{next} {app}: {error}").unwrap();
                    }
                }
            } else {
                self.world.run();
            }
        }
    }
}

fn babble(number: i32, value: i32) -> Request {
    let run = Some(ext::SequenceRun {
        sequence_id: format!("S{}", value % 4),
        correlation_id: value % 50,
    });
    match number {
        0 => msg::RespHealthCheckParams {
            application_state: value & 1,
            ..Default::default()
        }
        .into(),
        1 => msg::RespShutdownParams::default().into(),
        2 => msg::PayloadMetricsResponse {
            used_counter: value,
            ..Default::default()
        }
        .into(),
        3 => msg::ReqPayloadPowerControlParams {
            correlation_id: value,
            power_operation: value & 3,
            hw_id: value % 6,
        }
        .into(),
        4 => msg::ReqGnssEphStartDataReq {
            correlation_id: value,
            periodicity_in_ms: value % 70_000,
            eph2_enable: value,
        }
        .into(),
        5 => msg::ReqGetEpsVoltageStartReq {
            correlation_id: value,
            periodicity_in_ms: value % 2_000,
        }
        .into(),
        6 => msg::HostToPeerFcmOperation {
            no_of_files: value,
            ..Default::default()
        }
        .into(),
        7 => ext::SequenceProgress {
            run,
            percent: value as u32,
            text: String::new(),
        }
        .into(),
        8 => ext::SequenceResult {
            run,
            outcome: value,
            ..Default::default()
        }
        .into(),
        9 => msg::StartSesThermMgmntReq {
            correlation_id: value,
            hardware_id: value,
            duration: value,
            lower_threshold: value,
            upper_threshold: value,
        }
        .into(),
        10 => msg::ReqGetCurrentLocationParams {
            correlation_id: value,
        }
        .into(),
        _ => msg::CmdSequenceDoneParams {
            sequence_id: format!("S{}", value % 4),
        }
        .into(),
    }
}

#[test]
fn a_day_of_three_payloads_passes_in_seconds_and_each_run_has_one_end() {
    let mut mission = Mission::new(9, &APPS[..3]);
    let began = Instant::now();
    mission.fly(24);
    println!("24 h in {:?}", began.elapsed());
    mission.world.counters_add_up();
    let camera = mission.world.view("camera").counts;
    assert_eq!(
        camera.runs, 288,
        "one each five minutes, the first after one"
    );
    assert_eq!(camera.runs_ended["done"], 288, "the good one did all");
    assert_eq!(camera.checks_missed, 0);
    let silent = mission.world.view("laser").counts;
    assert!(silent.checks_missed >= 8 * 5, "{silent:?}");
    assert!(mission.log.contains("laser: quarantined"));
    let late = mission.world.view("radar").counts;
    assert!(late.runs_ended.contains_key("done late"), "{late:?}");
}

#[test]
fn the_same_seed_has_the_same_log_and_another_one_another() {
    let log = |seed| {
        let mut mission = Mission::new(seed, &APPS);
        mission.fly(6);
        mission.world.counters_add_up();
        mission.log
    };
    let first = log(5);
    assert!(first.lines().count() > 100);
    assert_eq!(first, log(5));
    assert_ne!(first, log(6));
}

#[test]
fn a_mission_in_which_the_controller_is_killed_each_hour_goes_on() {
    let mut mission = Mission::new(3, &APPS);
    let mut done = 0;
    for _ in 0..12 {
        mission.fly(1);
        mission.world.counters_add_up();
        done += mission.world.view("camera").counts.runs_ended["done"];
        // Nothing returns to the one that is gone.
        mission.due.clear();
        mission.world.kill_controller(secs(5));
        let was_up = mission.world.life("camera");
        assert_eq!(was_up, "up");
    }
    assert!(done > 100, "{done}");
}

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Jump(u64),
    Request(usize, i32, i32),
    Register(usize, i32),
    Start(usize, u8),
    Shutdown(usize),
    Release(usize),
    Exit(usize),
    Began(usize),
    Return(u8),
    File(u64, u8),
    KillController,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..40_000_u64).prop_map(Step::Pass),
        1 => any::<u32>().prop_map(|wall| Step::Jump(wall.into())),
        8 => (0..2_usize, 0..13_i32, any::<i32>()).prop_map(|(a, b, c)| Step::Request(a, b, c)),
        3 => (0..2_usize, 0..3_i32).prop_map(|(a, b)| Step::Register(a, b)),
        4 => (0..2_usize, 0..4_u8).prop_map(|(a, b)| Step::Start(a, b)),
        1 => (0..2_usize).prop_map(Step::Shutdown),
        1 => (0..2_usize).prop_map(Step::Release),
        1 => (0..2_usize).prop_map(Step::Exit),
        2 => (0..2_usize).prop_map(Step::Began),
        8 => (0..6_u8).prop_map(Step::Return),
        2 => (0..20_u64, 0..5_u8).prop_map(|(a, b)| Step::File(a, b)),
        1 => Just(Step::KillController),
    ]
}

fn outcome(number: u8) -> CallOutcome {
    match number {
        0 => CallOutcome::TimedOut,
        1 => gone(),
        2 => CallOutcome::Unimplemented,
        3 => CallOutcome::Refused("no".to_owned()),
        4 => CallOutcome::Returned(ReturnCode(36)),
        _ => ok(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_counters_add_up_all_is_bounded_and_a_run_ends_once(
        steps in proptest::collection::vec(step(), 1..120)
    ) {
        let apps = ["camera", "radar"];
        let mut camera = rules("camera", 1);
        camera.has_process = true;
        camera.host = Some(1);
        let mut world = World::new(Rules {
            apps: vec![camera, rules("radar", 2)],
            devices: vec![DeviceRules::new(1, None), DeviceRules::new(2, Some(name("radar")))],
            thermal: vec![ThermalRules::new(0, "SESA")],
            signalled: Vec::new(),
        });
        world.manner("camera", |_| None);
        world.manner("radar", |_| None);
        let mut ended: BTreeMap<RunId, RunState> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Pass(ms) => world.pass(std::time::Duration::from_millis(ms)),
                Step::Jump(wall) => world.now.wall = secs(wall),
                Step::Request(app, 12, value) => {
                    world.request(apps[app], stage(&format!("{}", value % 3)));
                }
                Step::Request(app, number, value) => {
                    world.request(apps[app], babble(number, value));
                }
                Step::Register(app, action) => {
                    world.request(apps[app], register(1, action));
                }
                Step::Start(app, sequence) => {
                    let _ = world.start_sequence(apps[app], &format!("S{sequence}"), 30);
                }
                Step::Shutdown(app) => {
                    let order = Command::Shutdown { app: name(apps[app]), grace: None, reason: 0 };
                    let _ = world.command(order);
                }
                Step::Release(app) => {
                    let _ = world.command(Command::Release(name(apps[app])));
                }
                Step::Exit(app) => {
                    world.event(Event::Exited(name(apps[app]), "exit".to_owned()));
                }
                Step::Began(app) => {
                    let process = Process { pid: 1, began: 1 };
                    world.event(Event::Started(name(apps[app]), process));
                }
                Step::Return(number) => {
                    if let Some((_, id, _)) = world.calls.pop_front() {
                        world.called(id, outcome(number));
                    }
                }
                Step::File(id, what) => {
                    let file = FileId(id);
                    world.event(match what {
                        0 => Event::FileAccepted { file, mark: format!("{}", id % 3), bytes: 1 },
                        1 => Event::FileRefused(file, "no".to_owned()),
                        2 => Event::FileFailed(file, "no".to_owned()),
                        3 => Event::FileOnGround(file),
                        _ => Event::FileGone(file),
                    });
                }
                Step::KillController => world.kill_controller(secs(3)),
            }
            world.counters_add_up();
            for app in apps {
                let view = world.view(app);
                prop_assert!(view.calls_waiting <= 64 * 2 + 32 + 4);
                prop_assert!(view.calls_under_way <= 4 + 5);
                prop_assert!(view.runs_open <= 16);
                prop_assert!(view.files_open <= 64);
                for run in world.controller.runs(&name(app)) {
                    if let Some(before) = ended.get(&run.id) {
                        prop_assert_eq!(*before, run.state, "{:?}", run.id);
                    }
                    if run.state.has_ended() {
                        ended.insert(run.id, run.state);
                    }
                }
            }
        }
        // What was recorded is what is, but how far they are.
        let plain = |mut run: RunRecord| {
            if run.state.has_ended() {
                return run;
            }
            run.percent = 0;
            run.text.clear();
            run
        };
        let before = apps.map(|app| world.controller.runs(&name(app))).concat();
        let before: Vec<_> = before.into_iter().map(plain).collect();
        let mut kept: Vec<_> = world.kept.recovered().runs.into_iter().map(plain).collect();
        kept.sort_by_key(|run| (run.app.clone(), run.id));
        let mut before = before;
        before.sort_by_key(|run| (run.app.clone(), run.id));
        prop_assert_eq!(before, kept);
    }
}
