//! What is to be called in one app.
//!
//! One task for each app: a call leaves when those before it have left, as soon as there are
//! fewer than [`calls_max`](crate::grpc::Limits::calls_max) under way.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use payload_interface::{CallId, CallOutcome, Callback, ReqStatus};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::channel::{Channel, Dial};
use super::flight::Flight;
use super::invoke::invoke;
use crate::grpc::access::{App, Security, Sessions};
use crate::grpc::front::{Front, GrpcEvent};
use crate::grpc::limits::Limits;

/// What is wanted of an app.
#[derive(Debug)]
pub(in crate::grpc) enum Ask {
    /// A call.
    Call {
        id: CallId,
        callback: Box<Callback>,
        deadline: Duration,
    },
    /// The end of its channel.
    Close,
}

/// What one app's task has.
pub(in crate::grpc) struct Outbox {
    pub(in crate::grpc) app: Arc<App>,
    pub(in crate::grpc) dial: Dial,
    pub(in crate::grpc) sessions: Arc<Sessions>,
    pub(in crate::grpc) front: Arc<dyn Front>,
    pub(in crate::grpc) limits: Limits,
}

struct Waiting {
    id: CallId,
    callback: Box<Callback>,
    deadline: Duration,
}

/// Where all of them are.
#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    flight: Flight,
    channel: Option<Channel>,
}

impl Outbox {
    /// The task: until nobody can ask any more.
    pub(in crate::grpc) async fn run(self, mut asked: mpsc::UnboundedReceiver<Ask>) {
        let mut state = State::default();
        loop {
            let State {
                waiting,
                flight,
                channel,
            } = &mut state;
            let can_leave = !waiting.is_empty() && flight.len() < self.limits.calls_max;
            tokio::select! {
                biased;
                (id, outcome) = flight.ended() => self.called(id, outcome),
                ask = asked.recv() => match ask {
                    None => return,
                    Some(Ask::Close) => self.close(&mut state).await,
                    Some(Ask::Call { id, callback, deadline }) => {
                        self.take(Waiting { id, callback, deadline }, waiting);
                    }
                },
                () = ended(channel) => self.closed(channel),
                () = std::future::ready(()), if can_leave => self.next(&mut state).await,
            }
        }
    }

    fn take(&self, call: Waiting, waiting: &mut VecDeque<Waiting>) {
        match waiting.len() < self.limits.calls_waiting_max {
            true => waiting.push_back(call),
            false => {
                let full = "too many calls wait for this app".to_owned();
                self.called(call.id, CallOutcome::Unreachable(full));
            }
        }
    }

    /// The next call, as far as its way out. Where there is none, it is none for all that wait.
    async fn next(&self, state: &mut State) {
        let Some(call) = state.waiting.pop_front() else {
            return;
        };
        let Waiting {
            id,
            mut callback,
            deadline,
        } = call;
        let until = Instant::now() + deadline;
        let connected = match timeout_at(until, self.connected(&mut state.channel)).await {
            Ok(connected) => connected.map_err(|error| error.to_string()),
            Err(_) => Err("it does not take a connection".to_owned()),
        };
        let channel = match connected {
            Ok(channel) => channel,
            Err(why) => {
                let why = format!("{}: {why}", self.dial.addr);
                self.called(id, CallOutcome::Unreachable(why.clone()));
                for call in state.waiting.drain(..) {
                    self.called(call.id, CallOutcome::Unreachable(why.clone()));
                }
                return;
            }
        };
        if let Err(why) = self.complete(&mut callback) {
            let rpc = callback.rpc();
            log::error!("{rpc} is not called in `{}`: {why}", self.app.name);
            return self.called(id, CallOutcome::Refused(why));
        }
        let (caller, origin) = (channel.caller(), channel.origin());
        let left = until.saturating_duration_since(Instant::now());
        state
            .flight
            .begin(id, invoke(caller, origin, *callback, left));
    }

    async fn connected<'a>(&self, channel: &'a mut Option<Channel>) -> io::Result<&'a Channel> {
        if channel.as_ref().is_some_and(|channel| !channel.is_open()) {
            self.closed(channel);
        }
        if channel.is_none() {
            *channel = Some(self.dial.connect().await?);
            self.front
                .event(GrpcEvent::ChannelOpened(self.app.name.clone()));
        }
        channel
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Puts the token of a new session in, and looks whether all of it fits.
    fn complete(&self, callback: &mut Callback) -> Result<(), String> {
        if let Callback::ResponseRegister(response) = callback
            && matches!(self.app.security, Security::Native { .. })
            && response.req_status == i32::from(ReqStatus::Success)
        {
            let begun = self.sessions.begin(&self.app.name);
            response.auth_token = begun.map_err(|error| error.to_string())?;
        }
        let fits = callback.fit(self.app.profile);
        fits.map_err(|invalid| invalid.to_string())
    }

    /// The channel is closed by the controller: orderly, so that it is the controller's side
    /// on which the system keeps the port for a while, and the app can be started anew.
    async fn close(&self, state: &mut State) {
        for call in state.waiting.drain(..) {
            let why = "its channel is closed".to_owned();
            self.called(call.id, CallOutcome::Unreachable(why));
        }
        for (id, outcome) in state.flight.give_up().await {
            self.called(id, outcome);
        }
        self.closed(&mut state.channel);
    }

    fn closed(&self, channel: &mut Option<Channel>) {
        if channel.take().is_some() {
            self.front
                .event(GrpcEvent::ChannelClosed(self.app.name.clone()));
        }
    }

    fn called(&self, id: CallId, outcome: CallOutcome) {
        self.front.event(GrpcEvent::Called {
            app: self.app.name.clone(),
            id,
            outcome,
        });
    }
}

/// Never, where there is no channel.
async fn ended(channel: &mut Option<Channel>) {
    match channel {
        Some(channel) => channel.ended().await,
        None => std::future::pending().await,
    }
}
