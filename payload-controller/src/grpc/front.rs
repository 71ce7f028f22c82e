//! The seam between gRPC and what decides.

use std::net::SocketAddr;
use std::time::Duration;

use payload_interface::{Answer, AppName, CallId, CallOutcome, Callback, Request};
use tokio::sync::oneshot;

/// What decides. It is called from the thread of gRPC, and from within [`Payloads::call`],
/// neither of which must wait: whoever needs time hands it on.
pub trait Front: Send + Sync + 'static {
    /// A call of an app, which is who it says and whose fields are valid. The answer goes to
    /// `reply`, within [`ANSWER_TIMEOUT`](super::limits::ANSWER_TIMEOUT); a reply that is
    /// dropped says that there is no room (`An_OUT_OF_RESOURCES`).
    fn request(&self, app: &AppName, peer: &Peer, request: Request, reply: Reply);

    /// What else happened. Events are bounded by what they are of: one for each reply, one
    /// for each call, and a few a second of everything else.
    fn event(&self, event: GrpcEvent);
}

/// What can be called. Dropped, nothing is called any more.
pub trait Payloads: Send + Sync {
    /// Calls an app. How it ended is told by [`GrpcEvent::Called`], once and always; `deadline`
    /// counts from the moment that it leaves. Those to one app leave in the order in which they
    /// are asked for, as far as [`calls_max`](super::Limits::calls_max) of them are under way.
    fn call(&self, app: &AppName, id: CallId, callback: Callback, deadline: Duration);

    /// Closes the channel to an app. What waits is [`Unreachable`](CallOutcome::Unreachable),
    /// what has left is [`TimedOut`](CallOutcome::TimedOut). The next call opens it again.
    fn close(&self, app: &AppName);

    /// Forgets an app's session: the token that it was given holds no more.
    fn forget(&self, app: &AppName);
}

/// Where there are no apps, none is called.
#[derive(Clone, Copy, Debug)]
pub struct NoPayloads;

impl Payloads for NoPayloads {
    fn call(&self, app: &AppName, _: CallId, callback: Callback, _: Duration) {
        log::error!("{app}: {} is not called: there are no apps", callback.rpc());
    }

    fn close(&self, _: &AppName) {}

    fn forget(&self, _: &AppName) {}
}

/// The number of a call that an app made, by which it is told that it has its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Where it calls from.
    pub addr: SocketAddr,
    /// Whether others can read it.
    pub is_encrypted: bool,
    /// Whether it showed the app's certificate.
    pub has_certificate: bool,
}

/// What happened at the gRPC side.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GrpcEvent {
    /// An app has its answer, or will never have it.
    Answered(Answered),
    /// How a call to an app ended.
    Called {
        /// Which app.
        app: AppName,
        /// Which call.
        id: CallId,
        /// How.
        outcome: CallOutcome,
    },
    /// There is a connection to the app's callbacks.
    ChannelOpened(AppName),
    /// There is none any more.
    ChannelClosed(AppName),
    /// Of a call nothing was done. At most
    /// [`refusal_events_max`](super::Limits::refusal_events_max) a second are told.
    Refused {
        /// Where from.
        peer: SocketAddr,
        /// The app, where it is known which.
        app: Option<AppName>,
        /// The rpc.
        rpc: String,
        /// Why.
        why: Refusal,
    },
}

/// An answer left, or cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Whose.
    pub app: AppName,
    /// Which call.
    pub id: RequestId,
    /// Whether it left whole; if not, the app does not know whether it was taken.
    pub is_whole: bool,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing says who it is.
    #[error("it shows no cookie, no certificate and no token that anybody has")]
    Unknown,
    /// It is an app's cookie, from an address that is not the app's.
    #[error("it shows an app's cookie, but calls from another address than the app's")]
    Elsewhere,
    /// It is an app's cookie, with the certificate of another, or in plain text.
    #[error("it shows an app's cookie, but not on the connection that the app is to have")]
    WrongConnection,
    /// An app that is to show its session's token does not.
    #[error("it shows no token of its session: PC_register gives one")]
    NoSession,
    /// A field holds what does not fit.
    #[error("{0}")]
    Invalid(String),
    /// The app has too many calls open, or there are too many answers to be waited for.
    #[error("there are too many calls at once: it may be made later")]
    Busy,
}

/// The way back of an answer.
#[derive(Debug)]
pub struct Reply {
    pub(super) id: RequestId,
    pub(super) answer: oneshot::Sender<Answering>,
}

/// An answer, on its way to whoever asked.
#[derive(Debug)]
pub(super) struct Answering {
    pub(super) answer: Answer,
    /// Whether it is told when it has left.
    pub(super) is_told: bool,
}

impl Reply {
    /// The call that it answers; [`GrpcEvent::Answered`] names it, too.
    #[must_use]
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Answers. Whether anybody still waits is told by [`GrpcEvent::Answered`].
    pub fn answer(self, answer: Answer) {
        self.send(answer, true);
    }

    /// Answers what nothing follows from: [`GrpcEvent::Answered`] is told only if nobody waits
    /// any more.
    pub fn answer_and_forget(self, answer: Answer) {
        self.send(answer, false);
    }

    fn send(self, answer: Answer, is_told: bool) {
        // It fails where the one that called is gone, which is told otherwise.
        let _ = self.answer.send(Answering { answer, is_told });
    }
}
