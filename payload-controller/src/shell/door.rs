//! How others come to the thread.

use std::fmt;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use payload_interface::{AppName, CallId, CallOutcome, Request};

use crate::core::{self, Command, CommandError, Controller, Done, Event};
use crate::grpc::{self, Front, GrpcEvent, Peer, Reply};

/// Requests, commands and questions that wait at most; more are refused.
pub const REQUESTS_MAX: usize = 1024;

/// There is no room for another, or the thread has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the controller is busy: try again")]
pub struct Busy;

/// A request of a payload.
pub(super) struct Asked {
    pub(super) app: AppName,
    pub(super) request: Request,
    /// By which whoever asks knows the answer.
    pub(super) id: grpc::RequestId,
    pub(super) answer: Box<dyn FnOnce(core::Reply) + Send>,
}

type Question = Box<dyn FnOnce(&Controller) + Send>;

/// What is bounded.
pub(super) enum Ask {
    Request(Asked),
    Command(Command, Sender<Result<Done, CommandError>>),
    Look(Question),
}

/// What is bounded by what it is of.
pub(super) enum Told {
    Event(Event),
    Called(CallId, CallOutcome),
    Answered(AppName, grpc::RequestId),
}

/// The way to the thread. Clones lead to the same one.
#[derive(Clone)]
pub struct Door {
    asks: Sender<Ask>,
    told: Sender<Told>,
}

/// What comes in by a [`Door`].
pub struct Inputs {
    pub(super) asks: Receiver<Ask>,
    pub(super) told: Receiver<Told>,
}

pub(super) fn new() -> (Door, Inputs) {
    let (asks, asked) = bounded(REQUESTS_MAX);
    let (told, tells) = unbounded();
    let door = Door { asks, told };
    let inputs = Inputs {
        asks: asked,
        told: tells,
    };
    (door, inputs)
}

impl Door {
    /// Orders something, and waits until it is on the disk and under way.
    ///
    /// # Errors
    /// [`Busy`], or why it is not followed.
    pub fn command(&self, command: Command) -> Result<Result<Done, CommandError>, Busy> {
        let (answer, answered) = bounded(1);
        let asked = self.asks.try_send(Ask::Command(command, answer));
        asked.map_err(|_| Busy)?;
        answered.recv().map_err(|_| Busy)
    }

    /// Looks at what there is.
    ///
    /// # Errors
    /// [`Busy`].
    pub fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Controller) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (answer, answered) = bounded(1);
        let question: Question = Box::new(move |controller| {
            // It fails where nobody waits any more.
            let _ = answer.send(look(controller));
        });
        self.asks.try_send(Ask::Look(question)).map_err(|_| Busy)?;
        answered.recv().map_err(|_| Busy)
    }

    /// A request of a payload, which waits for its answer.
    ///
    /// # Errors
    /// [`Busy`].
    pub fn request(
        &self,
        app: &AppName,
        request: Request,
        id: grpc::RequestId,
        answer: impl FnOnce(core::Reply) + Send + 'static,
    ) -> Result<(), Busy> {
        let asked = Ask::Request(Asked {
            app: app.clone(),
            request,
            id,
            answer: Box::new(answer),
        });
        self.asks.try_send(asked).map_err(|_| Busy)
    }

    /// Something happened.
    pub fn event(&self, event: Event) {
        self.tell(Told::Event(event));
    }

    /// A call of a payload ended.
    pub fn called(&self, id: CallId, outcome: CallOutcome) {
        self.tell(Told::Called(id, outcome));
    }

    /// An answer has left.
    pub fn answered(&self, app: AppName, id: grpc::RequestId) {
        self.tell(Told::Answered(app, id));
    }

    fn tell(&self, told: Told) {
        // It fails where the thread has ended, and nothing follows from anything.
        let _ = self.told.send(told);
    }
}

impl Front for Door {
    fn request(&self, app: &AppName, _: &Peer, request: Request, reply: Reply) {
        let id = reply.id();
        // Dropped, the reply says that there is no room.
        let _ = self.request(app, request, id, move |given| match given.request {
            Some(_) => reply.answer(given.answer),
            None => reply.answer_and_forget(given.answer),
        });
    }

    fn event(&self, event: GrpcEvent) {
        match event {
            GrpcEvent::Answered(answered) => self.answered(answered.app, answered.id),
            GrpcEvent::Called { id, outcome, .. } => self.called(id, outcome),
            GrpcEvent::ChannelOpened(app) => log::debug!("{app}: the channel is open"),
            GrpcEvent::ChannelClosed(app) => log::debug!("{app}: the channel is closed"),
            GrpcEvent::Refused {
                peer,
                app,
                rpc,
                why,
            } => {
                let app = app.map_or_else(String::new, |app| format!("{app}: "));
                log::warn!("{app}{rpc} of {peer} refused: {why}");
            }
        }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs").finish_non_exhaustive()
    }
}
