//! Each deed has a thread while it lasts; a window has one deed at a time, and its end perhaps.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use payload_interface::AppName;

use super::arguments::{exec_arguments, window_config};
use super::call::{Call, Claim, is_there, of_window};
use super::keeper;
use super::payload::SignalledPayload;
use super::running::end_group;
use super::transport::Delivery;
use super::uploads;
use crate::core::{
    Deed, Event, Part, Setback, Signal, Step, StepEnd, StepOutcome, WindowId, WindowOrder,
};
use crate::shell::Door;

/// Between two looks at a keeper that another controller began.
const LOOK: Duration = Duration::from_millis(100);
/// So long a keeper may take to say what it began.
const BEGIN_MAX: Duration = Duration::from_secs(2);

/// Does what is to be done for windows. What comes of it is told by the door.
#[derive(Clone, Debug)]
pub struct Signaller(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    payloads: BTreeMap<AppName, SignalledPayload>,
    /// The directory of calls and of files on their way.
    root: PathBuf,
    /// The program of keepers: the controller's own.
    program: PathBuf,
    door: Door,
}

impl Signaller {
    /// For these payloads. `root` is a directory of its own; `program` is the controller's
    /// binary, which is called with `keep`.
    #[must_use]
    pub fn new(
        payloads: impl IntoIterator<Item = SignalledPayload>,
        root: &Path,
        program: &Path,
        door: Door,
    ) -> Self {
        let payloads = payloads.into_iter();
        Signaller(Arc::new(Inner {
            payloads: payloads
                .map(|payload| (payload.rules.name.clone(), payload))
                .collect(),
            root: root.to_owned(),
            program: program.to_owned(),
            door,
        }))
    }

    /// Does it, in a thread.
    pub fn signal(&self, signal: Signal) {
        let inner = Arc::clone(&self.0);
        let (window, deed) = (signal.order.id.clone(), signal.deed);
        let thread = thread::Builder::new().name(format!("window-{window}"));
        if let Err(error) = thread.spawn(move || inner.signal(&signal)) {
            let why = format!("no thread is to be had: {error}");
            self.0.tell_failed(&window, deed, why);
        }
    }

    /// Nothing of that window is needed any more.
    pub fn forget(&self, window: &WindowId) {
        let calls = of_window(&self.0.root, window);
        if let Err(error) = fs::remove_dir_all(&calls)
            && error.kind() != io::ErrorKind::NotFound
        {
            log::warn!("{}: {error}", calls.display());
        }
    }
}

impl Inner {
    fn signal(&self, signal: &Signal) {
        let Signal { order, deed } = signal;
        let Some(payload) = self.payloads.get(&order.payload) else {
            let why = format!("there is no payload `{}`", order.payload);
            return self.tell_failed(&order.id, *deed, why);
        };
        match *deed {
            Deed::Part(part) => {
                let result = match part {
                    Part::Reach => payload.transport.reach(),
                    Part::Clock => payload.transport.set_clock(),
                    Part::Config => configure(payload, order),
                    Part::Uploads => self.uploads(payload, order),
                    Part::End => {
                        self.end(&order.id);
                        Ok(())
                    }
                };
                self.tell_part(&order.id, part, result);
            }
            Deed::Begin { step, end_s, time } => {
                let called = self.call(payload, order, step, end_s, time);
                if let Err(error) = called {
                    let why = format!("it could not be begun: {error}");
                    self.tell_failed(&order.id, *deed, why);
                }
            }
            Deed::Attach(step) => self.attach(&order.id, step),
        }
    }

    fn tell_part(&self, window: &WindowId, part: Part, result: Result<(), Setback>) {
        self.door.event(Event::Signalled {
            window: window.clone(),
            part,
            result,
        });
    }

    fn tell_ended(&self, window: &WindowId, step: Step, end: StepEnd) {
        self.door.event(Event::StepEnded {
            window: window.clone(),
            step,
            end: Box::new(end),
        });
    }

    fn tell_failed(&self, window: &WindowId, deed: Deed, why: String) {
        match deed {
            Deed::Part(part) => self.tell_part(window, part, Err(Setback::for_now(why))),
            Deed::Begin { step, .. } | Deed::Attach(step) => {
                let end = StepEnd::without(StepOutcome::Failed, why);
                self.tell_ended(window, step, end);
            }
        }
    }

    fn uploads(&self, payload: &SignalledPayload, order: &WindowOrder) -> Result<(), Setback> {
        let Some(source) = &payload.uploads else {
            return Ok(());
        };
        // No id of a window has a point in it.
        let spool = self.root.join(format!("uploads.{}", payload.rules.name));
        uploads::deliver(payload, source, &spool, &order.user)
    }

    /// Calls `payload_exec`, and waits for its end.
    fn call(
        &self,
        payload: &SignalledPayload,
        order: &WindowOrder,
        step: Step,
        end_s: u64,
        time: Duration,
    ) -> io::Result<()> {
        let call = Call::of(&self.root, &order.id, step);
        call.make()?;
        let arguments = exec_arguments(order, payload.rules.version, step, end_s);
        let keeper = keeper::Order {
            time,
            is_start: step == Step::Start,
            is_remote: payload.rules.is_remote,
            command: payload.transport.command(&payload.executable, &arguments),
        };
        let mut keeper = keeper::begin(&self.program, &call, &keeper)?;
        if let Some(mut said) = keeper.stdout.take() {
            // A line, or its end.
            let _ = said.read(&mut [0; 16]);
            // Its pipe stays open until it has ended.
            let end = self.how_it_ended(&call);
            self.tell_ended(&order.id, step, end);
            keeper.wait()?;
        }
        Ok(())
    }

    fn how_it_ended(&self, call: &Call) -> StepEnd {
        let unknown = || {
            let why = "whoever called it is no more, and did not say how it ended";
            StepEnd::without(StepOutcome::Unknown, why)
        };
        call.ended().unwrap_or_else(unknown)
    }

    /// Waits for the end of a call that another controller may have made.
    fn attach(&self, window: &WindowId, step: Step) {
        let call = Call::of(&self.root, window, step);
        loop {
            let end = match call.claimed() {
                Some(Claim::Keeper(keeper)) => {
                    // It ends after it has said how: it is looked at before.
                    let is_there = is_there(keeper);
                    match (call.ended(), is_there) {
                        (Some(end), _) => Some(end),
                        (None, false) => Some(self.how_it_ended(&call)),
                        (None, true) => None,
                    }
                }
                Some(Claim::Nobody) => Some(never_begun()),
                None => match call.make().and_then(|()| call.claim(Claim::Nobody)) {
                    Ok(true) => Some(never_begun()),
                    // A keeper was quicker.
                    Ok(false) => None,
                    Err(error) => Some(StepEnd::without(StepOutcome::Unknown, error.to_string())),
                },
            };
            match end {
                Some(end) => return self.tell_ended(window, step, end),
                None => thread::sleep(LOOK),
            }
        }
    }

    /// Whatever of a window runs here ends.
    fn end(&self, window: &WindowId) {
        let began = std::time::Instant::now();
        for step in [Step::Configure, Step::Stop, Step::Start] {
            let call = Call::of(&self.root, window, step);
            while let Some(Claim::Keeper(keeper)) = call.claimed() {
                if let Some(process) = call.process() {
                    if let Err(error) = call.say_kill() {
                        log::warn!("{}: {error}", call.path().display());
                    }
                    end_group(process);
                    break;
                }
                if call.ended().is_some() || !is_there(keeper) || began.elapsed() > BEGIN_MAX {
                    break;
                }
                thread::sleep(LOOK);
            }
        }
    }
}

fn never_begun() -> StepEnd {
    let why = "the controller ended before it was begun, and it is not begun any more";
    StepEnd::without(StepOutcome::Failed, why)
}

/// Writes `window_configs/<id>.json`.
fn configure(payload: &SignalledPayload, order: &WindowOrder) -> Result<(), Setback> {
    let text = window_config(order, payload.rules.version);
    payload.transport.deliver(Delivery {
        directory: &format!("{}/window_configs", payload.signaling_dir),
        makes_directory: false,
        name: &format!("{}.json", order.id),
        mode: 0o644,
        bytes: u64::try_from(text.len()).unwrap_or(u64::MAX),
        data: Box::new(io::Cursor::new(text.into_bytes())),
    })
}
