//! The thread.

use std::collections::BTreeMap;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, after, bounded, never, select_biased};
use payload_interface::AppName;

use super::clock::Clock;
use super::door::{Ask, Asked, Inputs, Told};
use crate::core::{Action, CommandError, Controller, Done, Now, Record, Reply, RequestId};
use crate::grpc;
use crate::journal::{Journal, JournalError};

/// Inputs that are taken into one commit at most.
const BATCH_MAX: usize = 256;
/// What cannot be recorded is tried again after that time.
const RECORD_PAUSE: Duration = Duration::from_secs(1);
/// So often it is said that it cannot.
const RECORD_SAID: Duration = Duration::from_secs(60);
/// Answers of which nobody said that they left, at most: the oldest are forgotten.
const LEAVING_MAX: usize = 4096;

/// Where records go.
pub trait Store: Send + 'static {
    /// All of these are on the disk when this returns, or none is.
    ///
    /// # Errors
    /// They are not; it is tried again.
    fn commit(&mut self, records: &[Record]) -> Result<(), JournalError>;
}

impl Store for Journal {
    fn commit(&mut self, records: &[Record]) -> Result<(), JournalError> {
        Journal::commit(self, records)
    }
}

/// Where actions go. It must not wait: what takes time is handed on, and its end told by the
/// door.
pub trait Outlets: Send + 'static {
    /// Carries one out; never a [`Action::Record`].
    fn carry_out(&mut self, action: Action);
}

/// The running thread. Dropped, it ends; what is to be done then is done by the next one.
#[derive(Debug)]
pub struct Shell {
    /// Dropped when it is to end.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Shell {
    /// Begins the thread `controller`.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(
        controller: Controller,
        inputs: Inputs,
        store: impl Store,
        outlets: impl Outlets,
        clock: impl Clock + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = bounded(0);
        let owner = Owner {
            controller,
            inputs,
            store: Box::new(store),
            outlets: Box::new(outlets),
            clock: Box::new(clock),
            stopped,
            leaving: BTreeMap::new(),
        };
        let thread = thread::Builder::new().name("controller".to_owned());
        let thread = thread.spawn(move || owner.run())?;
        Ok(Shell {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread of the controller panicked");
        }
    }
}

/// It is to end.
struct Stopped;

/// What is answered once it is on the disk.
enum Answering {
    Request(Box<dyn FnOnce(Reply) + Send>, Reply),
    Command(
        Sender<Result<Done, CommandError>>,
        Result<Done, CommandError>,
    ),
}

impl Answering {
    fn answer(self) {
        match self {
            Answering::Request(answer, reply) => answer(reply),
            Answering::Command(reply, done) => {
                // It fails where nobody waits any more.
                let _ = reply.send(done);
            }
        }
    }
}

struct Owner {
    controller: Controller,
    inputs: Inputs,
    store: Box<dyn Store>,
    outlets: Box<dyn Outlets>,
    clock: Box<dyn Clock>,
    stopped: Receiver<()>,
    /// Answers that are to leave, by the number that their askers know.
    leaving: BTreeMap<grpc::RequestId, RequestId>,
}

impl Owner {
    fn run(mut self) {
        // What is to be done at the start, without anything having happened.
        if self.do_what_follows(Vec::new()).is_err() {
            return;
        }
        while self.turn().is_ok() {}
    }

    /// Waits for something, takes it and what waits with it, and does what follows.
    fn turn(&mut self) -> Result<(), Stopped> {
        let now = self.clock.now();
        let due = self.controller.deadline();
        let due = match due.map(|due| due.saturating_sub(now.monotonic)) {
            None => never(),
            Some(wait) => after(wait),
        };
        let mut answers = Vec::new();
        // What happened comes before what is asked: it frees room.
        select_biased! {
            recv(self.stopped) -> _ => return Err(Stopped),
            recv(self.inputs.told) -> told => match told {
                Ok(told) => self.told(told),
                Err(_) => return Err(Stopped),
            },
            recv(self.inputs.asks) -> ask => match ask {
                Ok(ask) => answers.extend(self.asked(ask)),
                Err(_) => return Err(Stopped),
            },
            recv(due) -> _ => {}
        }
        for _ in 1..BATCH_MAX {
            match self.inputs.told.try_recv() {
                Ok(told) => self.told(told),
                Err(_) => match self.inputs.asks.try_recv() {
                    Ok(ask) => answers.extend(self.asked(ask)),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                },
            }
        }
        self.do_what_follows(answers)
    }

    fn now(&self) -> Now {
        self.clock.now()
    }

    fn told(&mut self, told: Told) {
        let now = self.now();
        match told {
            Told::Event(event) => self.controller.event(now, event),
            Told::Called(id, outcome) => self.controller.called(now, id, outcome),
            Told::Answered(app, id) => self.left(now, app, id),
        }
    }

    fn left(&mut self, now: Now, app: AppName, id: grpc::RequestId) {
        if let Some(request) = self.leaving.remove(&id) {
            let answered = crate::core::Event::Answered(app, request);
            self.controller.event(now, answered);
        }
    }

    fn asked(&mut self, ask: Ask) -> Option<Answering> {
        let now = self.now();
        match ask {
            Ask::Request(Asked {
                app,
                request,
                id,
                answer,
            }) => {
                let reply = self.controller.request(now, &app, request);
                if let Some(request) = reply.request {
                    self.leaving.insert(id, request);
                    if self.leaving.len() > LEAVING_MAX {
                        self.leaving.pop_first();
                    }
                }
                Some(Answering::Request(answer, reply))
            }
            Ask::Command(command, answer) => {
                let done = self.controller.command(now, command);
                Some(Answering::Command(answer, done))
            }
            Ask::Look(look) => {
                look(&self.controller);
                None
            }
        }
    }

    /// Records what is to be recorded before the first action that follows and before any
    /// answer.
    fn do_what_follows(&mut self, answers: Vec<Answering>) -> Result<(), Stopped> {
        let mut records = Vec::new();
        let mut answers = Some(answers);
        while let Some(action) = self.controller.poll(self.now()) {
            match action {
                Action::Record(record) => records.push(record),
                action => {
                    self.record(&mut records)?;
                    // An answer leaves before what is called because of it.
                    for answer in answers.take().into_iter().flatten() {
                        answer.answer();
                    }
                    self.outlets.carry_out(action);
                }
            }
        }
        self.record(&mut records)?;
        for answer in answers.take().into_iter().flatten() {
            answer.answer();
        }
        Ok(())
    }

    /// Puts them on the disk, however long that takes: meanwhile time stands still for the
    /// controller, and what is asked is refused.
    fn record(&mut self, records: &mut Vec<Record>) -> Result<(), Stopped> {
        let mut said: Option<Instant> = None;
        while let Err(error) = self.store.commit(records) {
            if said.is_none_or(|said| said.elapsed() >= RECORD_SAID) {
                said = Some(Instant::now());
                log::error!("nothing goes on until this can be recorded: {error}");
            }
            let pause = after(RECORD_PAUSE);
            loop {
                select_biased! {
                    recv(self.stopped) -> _ => return Err(Stopped),
                    // Dropped, it says that there is no room.
                    recv(self.inputs.asks) -> ask => match ask {
                        Ok(ask) => drop(ask),
                        Err(_) => return Err(Stopped),
                    },
                    recv(pause) -> _ => break,
                }
            }
        }
        if said.is_some() {
            log::info!("it was recorded, and goes on");
        }
        records.clear();
        Ok(())
    }
}
