//! What is to be done, and what happened.

use std::time::Duration;

use payload_interface::{AppName, CallId, Callback};

use super::notice::Notice;
use super::record::{FileId, FileRecord, Process, Record};
use super::signalling::{Part, Setback, Signal, Step, StepEnd, WindowId};

/// What is to be done next, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// It is on the disk before any later action, and before the answer of the request that it
    /// came of.
    Record(Record),
    /// A payload is called. [`called`](super::Controller::called) tells how it ended.
    Call {
        /// Which.
        app: AppName,
        /// By which its outcome is told.
        id: CallId,
        /// What.
        callback: Box<Callback>,
        /// It answers within that time.
        deadline: Duration,
    },
    /// The channel to a payload is closed, if there is one; the next call opens another.
    CloseChannel(AppName),
    /// The session of an app has ended: what it was given to show for it holds no more.
    EndSession(AppName),
    /// A file is handed to the link service, if it was not already, and looked after until the
    /// ground has it. [`Event::FileAccepted`] and those beside it tell what comes of it.
    Stage(Box<FileRecord>),
    /// The ground has it: it is removed, if it is what was handed in. [`Event::FileGone`]
    /// tells that it was, or that there is nothing of it.
    Discard(Box<FileRecord>),
    /// A file of an app is copied to another.
    Copy {
        /// Whose.
        app: AppName,
        /// To whom.
        peer: AppName,
        /// By which its end is told.
        copy: CopyId,
        /// Its path beneath the app's outbound directory.
        name: String,
    },
    /// A process is begun. [`Event::Started`] or [`Event::StartFailed`].
    Start(AppName),
    /// A process of an earlier run of the controller is looked after. [`Event::Exited`] where
    /// it is no more.
    Attach(AppName, Process),
    /// A process is killed. [`Event::Exited`].
    Kill(AppName),
    /// A device is switched, also where it is so already. [`Event::Switched`].
    Switch {
        /// Which.
        device: u16,
        /// On or off.
        on: bool,
    },
    /// A heater is switched.
    Heat {
        /// The number of its place.
        place: u8,
        /// On or off.
        on: bool,
    },
    /// Something is done for a window. [`Event::Signalled`] or [`Event::StepEnded`].
    Signal(Box<Signal>),
    /// Nothing of a window is needed any more.
    ForgetWindow(WindowId),
    /// A message of a payload is handed on.
    Message {
        /// Whose.
        app: AppName,
        /// As the payload gave it.
        command_id: i32,
        /// As the payload gave it.
        data: Vec<u8>,
    },
    /// It is written down and told.
    Tell(Notice),
}

/// The number of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CopyId(pub u64);

/// The number of a request that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What happened outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The answer of a request has left.
    Answered(AppName, RequestId),
    /// A process began.
    Started(AppName, Process),
    /// A process could not be begun, and why.
    StartFailed(AppName, String),
    /// A process ended, and how.
    Exited(AppName, String),
    /// A device was switched, or why not.
    Switched {
        /// Which.
        device: u16,
        /// On or off.
        on: bool,
        /// Why not.
        result: Result<(), String>,
    },
    /// The link service has it in its books.
    FileAccepted {
        /// Which.
        file: FileId,
        /// By what it is known again: the same file, unchanged, has the same.
        mark: String,
        /// Octets.
        bytes: u64,
    },
    /// It is no file that may go down, and why.
    FileRefused(FileId, String),
    /// It could not be handed in, or the link service gave it up, and why.
    FileFailed(FileId, String),
    /// The ground has it.
    FileOnGround(FileId),
    /// It was removed here, or was not there.
    FileGone(FileId),
    /// A copy ended.
    Copied(AppName, CopyId, Result<(), String>),
    /// A part of what is done for a window was done, or not.
    Signalled {
        /// Which.
        window: WindowId,
        /// What.
        part: Part,
        /// Why not.
        result: Result<(), Setback>,
    },
    /// A call of `payload_exec` ended.
    StepEnded {
        /// Of which window.
        window: WindowId,
        /// Which call.
        step: Step,
        /// How.
        end: Box<StepEnd>,
    },
}
