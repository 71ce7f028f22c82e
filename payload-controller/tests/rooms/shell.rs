//! The thread: what is on the disk before what.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus_telemetry::{BusState, Telemetry, TelemetryError};
use crossbeam_channel::{Receiver, Sender, unbounded};
use payload_controller::core::*;
use payload_controller::grpc;
use payload_controller::journal::{Journal, JournalError};
use payload_controller::shell::{
    Busy, Door, Outlets, REQUESTS_MAX, Shell, Store, SystemClock, door,
};
use payload_interface::messages as msg;
use payload_interface::{Answer, AppName, CallOutcome, Callback, Request, ReturnCode};

use crate::eventually;

struct NoBus;

impl Telemetry for NoBus {
    fn state(&self, _: Duration) -> Result<BusState, TelemetryError> {
        Err(TelemetryError::Unavailable)
    }
}

/// What happened, in its order.
type Seen = Arc<Mutex<Vec<String>>>;

/// Says what is committed; fails as long as it is told to.
struct Watched {
    journal: Journal,
    seen: Seen,
    fails: Arc<Mutex<bool>>,
}

impl Store for Watched {
    fn commit(&mut self, records: &[Record]) -> Result<(), JournalError> {
        if !records.is_empty() && *self.fails.lock().unwrap() {
            // An error that is one: no journal can be made of a directory.
            return Err(Journal::open(std::path::Path::new("/")).unwrap_err());
        }
        if !records.is_empty() {
            self.seen.lock().unwrap().push("committed".to_owned());
        }
        self.journal.commit(records)
    }
}

/// Payloads that accept everything at once.
struct Fake {
    seen: Seen,
    door: Door,
    actions: Sender<Action>,
}

impl Outlets for Fake {
    fn carry_out(&mut self, action: Action) {
        if let Action::Call { id, callback, .. } = &action {
            self.seen.lock().unwrap().push(callback.rpc().to_owned());
            self.door
                .called(*id, CallOutcome::Returned(ReturnCode::SUCCESS));
        }
        let _ = self.actions.send(action);
    }
}

struct Rig {
    door: Door,
    seen: Seen,
    fails: Arc<Mutex<bool>>,
    actions: Receiver<Action>,
    folder: tempfile::TempDir,
    shell: Option<Shell>,
    requests: Mutex<u64>,
}

fn camera() -> AppName {
    "camera".parse().unwrap()
}

impl Rig {
    fn new() -> Self {
        Rig::at(tempfile::tempdir().unwrap())
    }

    fn at(folder: tempfile::TempDir) -> Self {
        let (journal, recovered) = Journal::open(&folder.path().join("journal.redb")).unwrap();
        let rules = Rules {
            apps: vec![AppRules::new(camera(), 4.try_into().unwrap())],
            ..Rules::default()
        };
        let now = Now::default();
        let controller = Controller::new(rules, recovered, Arc::new(NoBus), "/out", now);
        let (door, inputs) = door();
        let (actions, acted) = unbounded();
        let seen = Seen::default();
        let fails = Arc::new(Mutex::new(false));
        let fake = Fake {
            seen: Arc::clone(&seen),
            door: door.clone(),
            actions,
        };
        let store = Watched {
            journal,
            seen: Arc::clone(&seen),
            fails: Arc::clone(&fails),
        };
        let clock = SystemClock::default();
        let shell = Shell::start(controller, inputs, store, fake, clock).unwrap();
        Rig {
            door,
            seen,
            fails,
            actions: acted,
            folder,
            shell: Some(shell),
            requests: Mutex::new(0),
        }
    }

    /// Asks, and gets the answer; none where there was no room.
    fn request(&self, request: impl Into<Request>) -> Option<Answer> {
        let id = {
            let mut id = self.requests.lock().unwrap();
            *id += 1;
            grpc::RequestId(*id)
        };
        let (answer, answered) = unbounded();
        let seen = Arc::clone(&self.seen);
        let asked = self
            .door
            .request(&camera(), request.into(), id, move |given| {
                seen.lock().unwrap().push("answered".to_owned());
                let _ = answer.send(given.answer);
            });
        asked.ok()?;
        let given = answered.recv_timeout(Duration::from_secs(30)).ok();
        self.door.answered(camera(), id);
        given
    }

    fn register(&self) -> i32 {
        let ask = msg::ReqRegisterParams {
            correlation_id: 1,
            health_check_fail_action: 1,
            sdk_version: Some(msg::AntarisSdkVersion {
                major: 1,
                minor: 1,
                patch: 1,
            }),
        };
        self.request(ask).unwrap().code.0
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Until that was called.
    fn called(&self, rpc: &str) -> Callback {
        loop {
            let action = self.actions.recv_timeout(Duration::from_secs(30)).unwrap();
            if let Action::Call { callback, .. } = action
                && callback.rpc() == rpc
            {
                return *callback;
            }
        }
    }
}

#[test]
fn a_registration_is_on_the_disk_before_it_is_answered_and_answered_before_it_is_called() {
    let rig = Rig::new();
    eventually("it has begun", || !rig.seen.lock().unwrap().is_empty());
    rig.seen();
    assert_eq!(rig.register(), 0);
    rig.called("PA_ProcessResponseRegister");
    let seen = rig.seen();
    let expected = ["committed", "answered", "PA_ProcessResponseRegister"];
    assert_eq!(seen, expected);
}

#[test]
fn a_run_is_on_the_disk_before_its_start_leaves() {
    let rig = Rig::new();
    rig.register();
    rig.called("PA_ProcessResponseRegister");
    rig.seen();
    let order = Command::StartSequence {
        app: camera(),
        sequence: "A".to_owned(),
        params: String::new(),
        within: Duration::from_secs(100),
    };
    let done = rig.door.command(order).unwrap();
    assert_eq!(done, Ok(Done::Run(RunId(1))));
    rig.called("PA_StartSequence");
    assert_eq!(rig.seen()[..2], ["committed", "PA_StartSequence"]);
}

#[test]
fn what_needs_no_record_costs_no_commit() {
    let rig = Rig::new();
    rig.register();
    rig.called("PA_ProcessResponseRegister");
    rig.seen();
    for correlation_id in 0..50 {
        rig.request(msg::ReqGetCurrentLocationParams { correlation_id });
    }
    assert!(!rig.seen().contains(&"committed".to_owned()));
}

#[test]
fn what_was_answered_is_there_after_the_thread_ended() {
    let mut rig = Rig::new();
    rig.register();
    rig.shell = None;
    let Rig { folder, .. } = rig;
    let rig = Rig::at(folder);
    let session = rig.door.look(|controller| {
        let view = controller.app(&camera());
        view.and_then(|view| view.session)
    });
    assert_eq!(session.unwrap().unwrap().number, 1);
    rig.called("PA_ProcessHealthCheck");
}

#[test]
fn what_cannot_be_recorded_is_not_answered_and_goes_on_when_it_can() {
    let rig = Rig::new();
    eventually("it has begun", || !rig.seen.lock().unwrap().is_empty());
    *rig.fails.lock().unwrap() = true;
    std::thread::scope(|scope| {
        let registered = scope.spawn(|| rig.register());
        // Taken in one turn with the registration it waits as that does; later, it is refused.
        let is_silent = || {
            let (answer, answered) = unbounded();
            let ask = msg::ReqGetCurrentLocationParams { correlation_id: 1 };
            let id = grpc::RequestId(0);
            let asked = rig.door.request(&camera(), ask.into(), id, move |given| {
                let _ = answer.send(given);
            });
            asked.is_err() || answered.recv_timeout(Duration::from_millis(200)).is_err()
        };
        eventually("nothing is answered", is_silent);
        assert!(!registered.is_finished());
        *rig.fails.lock().unwrap() = false;
        assert_eq!(registered.join().unwrap(), 0);
    });
    rig.called("PA_ProcessResponseRegister");
}

#[test]
fn more_than_may_wait_are_refused() {
    let (door, inputs) = door();
    for number in 0..REQUESTS_MAX as u64 {
        let ask = msg::ReqGetCurrentLocationParams { correlation_id: 1 };
        let asked = door.request(&camera(), ask.into(), grpc::RequestId(number), drop);
        assert_eq!(asked, Ok(()));
    }
    let ask = msg::ReqGetCurrentLocationParams { correlation_id: 1 };
    let asked = door.request(&camera(), ask.into(), grpc::RequestId(0), drop);
    assert_eq!(asked, Err(Busy));
    drop(inputs);
}

#[test]
fn who_asks_when_the_thread_has_ended_hears_so() {
    let mut rig = Rig::new();
    rig.shell = None;
    assert!(rig.door.command(Command::Metrics(camera())).is_err());
    assert!(rig.door.look(|_| ()).is_err());
}
