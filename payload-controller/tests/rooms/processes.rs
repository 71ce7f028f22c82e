//! Processes of apps.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus_telemetry::{BusState, Telemetry, TelemetryError};
use payload_controller::core::*;
use payload_controller::journal::{Journal, JournalError};
use payload_controller::process::{AppProcess, Processes, began};
use payload_controller::shell::{Door, Outlets, Shell, Store, SystemClock, door};
use payload_interface::AppName;

use crate::eventually;

fn camera() -> AppName {
    "camera".parse().unwrap()
}

struct NoBus;

impl Telemetry for NoBus {
    fn state(&self, _: Duration) -> Result<BusState, TelemetryError> {
        Err(TelemetryError::Unavailable)
    }
}

struct Nowhere;

impl Store for Nowhere {
    fn commit(&mut self, _: &[Record]) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Only what is of processes is carried out.
struct OfProcesses {
    processes: Processes,
    told: Arc<Mutex<Vec<String>>>,
}

impl Outlets for OfProcesses {
    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Start(app) => self.processes.start(&app),
            Action::Attach(app, process) => self.processes.attach(&app, process),
            Action::Kill(app) => self.processes.kill(&app),
            Action::Tell(notice) => self.told.lock().unwrap().push(notice.to_string()),
            _ => {}
        }
    }
}

struct Rig {
    door: Door,
    told: Arc<Mutex<Vec<String>>>,
    _shell: Shell,
}

/// A controller with one app, that is begun with this command.
fn rig(command: &[&str], recovered: Recovered) -> Rig {
    let mut rules = AppRules::new(camera(), 4.try_into().unwrap());
    rules.has_process = true;
    rules.restart.pause = Duration::from_millis(10);
    let (door, inputs) = door();
    let process = AppProcess {
        command: command.iter().map(Into::into).collect(),
        directory: None,
    };
    let told = Arc::default();
    let outlets = OfProcesses {
        processes: Processes::new(BTreeMap::from([(camera(), process)]), door.clone()),
        told: Arc::clone(&told),
    };
    let rules = Rules {
        apps: vec![rules],
        ..Rules::default()
    };
    let now = Now::default();
    let controller = Controller::new(rules, recovered, Arc::new(NoBus), "/out", now);
    let clock = SystemClock::default();
    let shell = Shell::start(controller, inputs, Nowhere, outlets, clock).unwrap();
    Rig {
        door,
        told,
        _shell: shell,
    }
}

impl Rig {
    fn says(&self, what: &str) -> bool {
        let told = self.told.lock().unwrap();
        told.iter().any(|one| one.contains(what))
    }

    /// None of its processes is left behind.
    fn shut_down(&self) {
        let order = Command::Shutdown {
            app: camera(),
            grace: None,
            reason: 0,
        };
        let _ = self.door.command(order).unwrap();
    }
}

#[test]
fn a_process_that_ends_again_and_again_is_started_again_until_it_is_left_alone() {
    let rig = rig(&["/bin/sh", "-c", "exit 3"], Recovered::default());
    eventually("it is left alone", || rig.says("quarantined"));
    assert!(rig.says("exit status: 3"));
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let rig = rig(&["/no/such/program"], Recovered::default());
    eventually("it is told", || rig.says("could not be begun"));
}

#[test]
fn a_process_is_killed_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let pids = folder.path().join("pids");
    let script = format!("sleep 600 & echo $$ $! > {}; wait", pids.display());
    let rig = rig(&["/bin/sh", "-c", &script], Recovered::default());
    let read = || fs::read_to_string(&pids).unwrap_or_default();
    eventually("it has begun", || read().ends_with('\n'));
    let pids: Vec<i32> = read()
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert!(pids.iter().all(|pid| began(*pid).is_some()));
    rig.shut_down();
    eventually("both are gone", || {
        pids.iter().all(|pid| began(*pid).is_none())
    });
    eventually("it is told", || rig.says("off: signal: 9"));
}

#[test]
fn a_process_of_an_earlier_controller_is_found_and_looked_after() {
    let mut child = std::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    let pid = child.id() as i32;
    let record = AppRecord {
        name: camera(),
        is_wanted: true,
        sessions: 1,
        session: None,
        process: Some(Process {
            pid,
            began: began(pid).unwrap(),
        }),
        rung: None,
        boots: vec![],
        quarantines: 0,
        quarantined_until: None,
        streams: vec![],
        copies: vec![],
    };
    let recovered = Recovered {
        apps: vec![record],
        ..Recovered::default()
    };
    let rig = rig(&["/bin/sleep", "600"], recovered);
    eventually("it is taken for what it is", || {
        rig.says("starting: the controller was restarted")
    });
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("its end is seen", || rig.says("it is no more"));
    rig.shut_down();
}

#[test]
fn another_process_with_the_number_of_one_that_is_gone_is_not_killed() {
    let mut child = std::process::Command::new("sleep")
        .arg("600")
        .spawn()
        .unwrap();
    let pid = child.id() as i32;
    let (door, _inputs) = door();
    let mut processes = Processes::new(BTreeMap::new(), door);
    let stale = Process {
        pid,
        began: began(pid).unwrap() - 1,
    };
    processes.attach(&camera(), stale);
    processes.kill(&camera());
    assert!(began(pid).is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(began(pid), None);
}

#[test]
fn the_journal_is_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(&folder.path().join("journal.redb")).unwrap();
    let mut store: Box<dyn Store> = Box::new(journal);
    assert_eq!(store.commit(&[]), Ok(()));
}
