//! The controller is killed at each moment of a window's way, and another one goes on.
//!
//! A controller is this test once more, whose clock goes five times as fast. It is killed before
//! or after a commit, or before or after something is done: at the moment with the number that
//! it is given.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Output};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bus_telemetry::{BusState, Telemetry, TelemetryError};
use heliograph_tests::payload::PATIENCE;
use heliograph_tests::wait::eventually;
use payload_controller::board::{SimulatedSwitches, Switches as _};
use payload_controller::core::*;
use payload_controller::journal::{Journal, JournalError};
use payload_controller::process::began;
use payload_controller::shell::{Clock, Door, Outlets, Shell, Store, door};
use payload_controller::signalling::{SignalledPayload, Signaller, Transport};
use rustix::process::{Signal as Kill, getpid, kill_process};

use super::rig::executable;

/// Set, this test is a controller: a directory, a moment (or none), and when it all began.
const CONTROLLER: &str = "HELIOGRAPH_WINDOWS_OF_TEST";
/// So much faster goes its clock.
const FASTER: u32 = 5;
const MOMENTS_MAX: usize = 100;

/// Kills this process when its moment has come.
#[derive(Clone)]
struct Moments {
    passed: Arc<AtomicUsize>,
    last: Option<usize>,
}

impl Moments {
    fn pass(&self, what: &str) {
        let moment = self.passed.fetch_add(1, Ordering::SeqCst);
        if Some(moment) == self.last {
            println!("killed: {what}");
            kill_process(getpid(), Kill::KILL).unwrap();
            std::thread::sleep(Duration::from_secs(60));
        }
    }
}

struct KilledStore(Journal, Moments);

impl Store for KilledStore {
    fn commit(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let said = records.iter().map(|record| match record {
            Record::Window(window) => window.state.name(),
            _ => "device",
        });
        let said = said.collect::<Vec<_>>().join(", ");
        let is_one = !records.is_empty();
        if is_one {
            self.1.pass(&format!("before the commit of {said}"));
        }
        self.0.commit(records)?;
        if is_one {
            self.1.pass(&format!("after the commit of {said}"));
        }
        Ok(())
    }
}

struct KilledBoard {
    signaller: Signaller,
    windows: PathBuf,
    switches: SimulatedSwitches,
    moments: Moments,
}

impl KilledBoard {
    /// The moment when `payload_exec` is at it.
    fn pass_in_the_middle_of(&self, order: &WindowOrder, step: Step) {
        let window = self.windows.join(order.id.as_str());
        let began = window.join(step.name()).join("began");
        let moments = self.moments.clone();
        std::thread::spawn(move || {
            eventually(PATIENCE, || began.exists().then_some(()));
            moments.pass(&format!("in the middle of {}", step.name()));
        });
    }
}

impl Outlets for KilledBoard {
    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Signal(signal) => {
                let what = format!("{:?}", signal.deed);
                if let Deed::Begin { step, .. } = signal.deed {
                    self.pass_in_the_middle_of(&signal.order, step);
                }
                self.moments.pass(&format!("before {what}"));
                self.signaller.signal(*signal);
                self.moments.pass(&format!("after {what}"));
            }
            Action::Switch { device, on } => {
                self.moments.pass(&format!("before the switch, {on}"));
                self.switches.switch(device, on);
                self.moments.pass(&format!("after the switch, {on}"));
            }
            _ => {}
        }
    }
}

struct NoBus;

impl Telemetry for NoBus {
    fn state(&self, _: Duration) -> Result<BusState, TelemetryError> {
        Err(TelemetryError::Unavailable)
    }
}

struct FastClock {
    began: Instant,
    /// When all began, since 1970.
    origin: Duration,
}

impl Clock for FastClock {
    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Now {
            monotonic: self.began.elapsed() * FASTER,
            wall: self.origin + wall.saturating_sub(self.origin) * FASTER,
        }
    }
}

fn rules() -> SignalledRules {
    SignalledRules {
        device: Some(7),
        pre_buffer: Duration::from_secs(5),
        post_buffer: Duration::from_secs(1),
        has_stop: true,
        ..SignalledRules::new("camera".parse().unwrap(), SignalVersion::V1)
    }
}

fn order(origin: Duration) -> WindowOrder {
    WindowOrder {
        id: "1".parse().unwrap(),
        payload: "camera".parse().unwrap(),
        user: "john".to_owned(),
        // It is ordered in time though the machine is busy.
        start_s: origin.as_secs() + 20,
        // The next controller is there before its end.
        duration_s: 15,
        parameters: "{}".to_owned(),
    }
}

fn shell(at: &Path, moments: Moments, clock: FastClock) -> (Door, Shell) {
    let payload = SignalledPayload {
        rules: rules(),
        transport: Transport::Local,
        executable: at.join("payload_exec").display().to_string(),
        signaling_dir: at.display().to_string(),
        uploads: None,
    };
    let (journal, recovered) = Journal::open(&at.join("journal.redb")).unwrap();
    let rules = Rules {
        devices: vec![DeviceRules::new(7, None)],
        signalled: vec![payload.rules.clone()],
        ..Rules::default()
    };
    let (door, inputs) = door();
    let program = Path::new(env!("CARGO_BIN_EXE_payload-controller"));
    let windows = at.join("windows");
    let board = KilledBoard {
        signaller: Signaller::new([payload], &windows, program, door.clone()),
        switches: SimulatedSwitches::new(door.clone()),
        moments: moments.clone(),
        windows,
    };
    let now = clock.now();
    let controller = Controller::new(rules, recovered, Arc::new(NoBus), "/out", now);
    let store = KilledStore(journal, moments);
    let shell = Shell::start(controller, inputs, store, board, clock).unwrap();
    (door, shell)
}

/// Orders the window, as the ground does until it is told that it is known, and waits for its
/// end.
#[test]
fn as_a_controller_of_windows() {
    let Ok(words) = std::env::var(CONTROLLER) else {
        return;
    };
    let words: Vec<&str> = words.split(' ').collect();
    let [at, moment, origin] = *words else {
        panic!("{words:?}");
    };
    let origin = Duration::from_millis(origin.parse().unwrap());
    let moments = Moments {
        passed: Arc::default(),
        last: moment.parse().ok(),
    };
    let began = Instant::now();
    let (door, _shell) = shell(Path::new(at), moments, FastClock { began, origin });
    let ordered = door.command(Command::ScheduleWindow(Box::new(order(origin))));
    match ordered.unwrap() {
        Ok(_) => println!("known"),
        Err(error) => println!("refused: {error}"),
    }
    let window = eventually(PATIENCE, || {
        let look = |it: &Controller| {
            let is_on = it.devices().any(|device| device.is_on);
            let ended = |window: &WindowRecord| window.state.has_ended() && !window.has_power;
            let is_known = !it.windows(1, |_| true).is_empty();
            (is_known, it.windows(1, ended).pop().filter(|_| !is_on))
        };
        match door.look(look).unwrap() {
            (false, _) => Some(None),
            (true, None) => None,
            (true, Some(window)) => Some(Some(window)),
        }
    });
    match window {
        Some(window) => println!("over: {}: {}", window.state.name(), window.reason),
        None => println!("over: never known: "),
    }
}

struct Killed {
    folder: tempfile::TempDir,
    origin: Duration,
}

impl Killed {
    fn new() -> Killed {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("window_configs")).unwrap();
        let script = "#!/bin/sh\necho \"$@\" >> \"$(dirname \"$0\")/calls\"\n\
                      case \"$*\" in *-e*|*-s*) sleep 0.5; exit 0;; esac\n\
                      echo $$ > \"$(dirname \"$0\")/pid\"\nexec sleep 600\n";
        executable(&folder.path().join("payload_exec"), script);
        let origin = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Killed { folder, origin }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A controller, to its end.
    fn controller(&self, moment: Option<usize>) -> Output {
        let moment = moment.map_or("-".to_owned(), |moment| moment.to_string());
        let (at, origin) = (self.folder.path().display(), self.origin.as_millis());
        Program::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "windows::crash::as_a_controller_of_windows",
                "--nocapture",
            ])
            .env(CONTROLLER, format!("{at} {moment} {origin}"))
            .output()
            .unwrap()
    }

    fn calls(&self, step: &str) -> usize {
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        calls.lines().filter(|call| call.contains(step)).count()
    }
}

fn said(output: &Output, what: &str) -> Option<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(what));
    line.map(str::to_owned)
}

/// What became of a window whose controller was killed then; none where it was not.
fn killed_at(moment: usize) -> Option<(String, String)> {
    let site = Killed::new();
    let first = site.controller(Some(moment));
    let was_killed = first.status.signal() == Some(9);
    assert!(was_killed || first.status.success(), "{first:?}");
    let last = match was_killed {
        true => site.controller(None),
        false => first.clone(),
    };
    assert!(last.status.success(), "{last:?}");
    let when = said(&first, "killed: ").unwrap_or_default();
    let over = said(&last, "over: ").unwrap();
    let context = format!("{moment}: {when}: {over}");
    assert!(site.calls("-e") <= 1, "{context}: configured twice");
    assert!(site.calls("-s") <= 1, "{context}: stopped twice");
    assert!(site.calls(" -w 1 -t ") <= 2, "{context}");
    assert!(site.calls("john -w 1 -t") <= 1, "{context}: started twice");
    // What the ground was told to be known is not forgotten.
    let was_known = said(&first, "known").is_some();
    assert!(!was_known || !over.starts_with("never known"), "{context}");
    if over.starts_with("executed") {
        assert_eq!(site.calls("john -w 1 -t"), 1, "{context}");
    }
    if let Ok(pid) = fs::read_to_string(site.path("pid")) {
        let pid = pid.trim().parse().unwrap();
        eventually(PATIENCE, || began(pid).is_none().then_some(()));
    }
    was_killed.then_some((when, over))
}

#[test]
fn killed_at_any_moment_no_window_runs_twice_and_none_is_forgotten() {
    let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let seen = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    let moment = next.fetch_add(1, Ordering::SeqCst);
                    assert!(moment < MOMENTS_MAX, "it never ends");
                    match killed_at(moment) {
                        Some(end) => drop(seen.lock().unwrap().insert(moment, end)),
                        None => is_over.store(true, Ordering::SeqCst),
                    }
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    for (moment, (when, over)) in &seen {
        println!("{moment}: {when}: {over}");
    }
    let whens: Vec<&str> = seen.values().map(|(when, _)| when.as_str()).collect();
    for state in ["scheduled", "preparing", "configuring", "ready", "running"] {
        for side in ["before", "after"] {
            let is_its = |when: &&str| when.starts_with(side) && when.contains(state);
            assert!(whens.iter().any(is_its), "{side} {state}: {whens:?}");
        }
    }
    // The end and the power of the device are committed in another order from run to run, and
    // each moment is of another run.
    let is_end = |when: &&str| when.contains("commit of executed");
    assert!(whens.iter().any(is_end), "{whens:?}");
    for step in ["configure", "start", "stop"] {
        let middle = format!("in the middle of {step}");
        assert!(whens.contains(&middle.as_str()), "{middle}: {whens:?}");
    }
    // Only a call that was recorded and never made costs a window.
    for (when, over) in seen.values() {
        let is_lost = over.starts_with("failed");
        let is_never_begun = over.contains("before it was begun, and it is not begun any more");
        assert!(!is_lost || is_never_begun, "{when}: {over}");
    }
}
