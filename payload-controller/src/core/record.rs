//! What outlives the process: the last record of each thing counts.

use payload_interface::{AppName, ReturnCode};
use serde::{Deserialize, Serialize};

use super::signalling::{WindowId, WindowRecord};

/// The number of a run; no number is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub u64);

/// The number of a file; no number is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u64);

/// What is to be on the disk before anything that follows from it is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// How it stands with an app.
    App(Box<AppRecord>),
    /// How it stands with a run.
    Run(Box<RunRecord>),
    /// It ended long ago.
    RunForgotten(RunId),
    /// How it stands with a file.
    File(Box<FileRecord>),
    /// It is on the ground, or was given up long ago.
    FileForgotten(FileId),
    /// How a device is to be.
    Device(DeviceRecord),
    /// How it stands with a window.
    Window(Box<WindowRecord>),
    /// It ended long ago.
    WindowForgotten(WindowId),
}

/// All that was recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovered {
    /// Of each app, the last.
    pub apps: Vec<AppRecord>,
    /// Of each run that was not forgotten, the last.
    pub runs: Vec<RunRecord>,
    /// Of each file that was not forgotten, the last.
    pub files: Vec<FileRecord>,
    /// Of each device, the last.
    pub devices: Vec<DeviceRecord>,
    /// Of each window that was not forgotten, the last.
    pub windows: Vec<WindowRecord>,
}

/// A process, so that another one with its number is not taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it began, in ticks since the machine did.
    pub began: u64,
}

/// How it stands with an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppRecord {
    /// Which.
    pub name: AppName,
    /// Whether it is to run.
    pub is_wanted: bool,
    /// How often it registered.
    pub sessions: u64,
    /// Its registration, where it has one.
    pub session: Option<SessionRecord>,
    /// Its process, where it has one.
    pub process: Option<Process>,
    /// The last rung of the ladder that was taken, and when, in ms since 1970.
    pub rung: Option<(Rung, u64)>,
    /// Its last starts, in ms since 1970.
    pub boots: Vec<u64>,
    /// Quarantines one after the other.
    pub quarantines: u32,
    /// Until when it is in quarantine, in ms since 1970.
    pub quarantined_until: Option<u64>,
    /// Streams that it asked for.
    pub streams: Vec<StreamRecord>,
    /// Copies that it asked for, and has not heard everything of.
    #[serde(default)]
    pub copies: Vec<CopyRecord>,
}

/// A registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Counted from 1.
    pub number: u64,
    /// s since 1970.
    pub at: i64,
    /// Whether it wants to be started anew when it is ill.
    pub restart_when_ill: bool,
    /// Of its SDK.
    pub version: (i32, i32, i32),
}

/// What is tried one after the other with an app that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rung {
    /// It is asked to shut down.
    Shutdown,
    /// Its process is killed.
    Kill,
    /// Its device is switched off and on.
    PowerCycle,
    /// It is left alone for a time.
    Quarantine,
}

/// Which stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StreamKind {
    /// Position and attitude.
    Ephemeris,
    /// The bus voltage.
    EpsVoltage,
}

/// A stream that an app asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// Which.
    pub kind: StreamKind,
    /// Of the request that began it.
    pub correlation_id: i32,
    /// From one to the next.
    pub period_ms: u64,
}

/// Files of an app that are copied to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyRecord {
    /// To whom.
    pub peer: AppName,
    /// Of the request.
    pub correlation_id: i32,
    /// Those that the app has not heard of.
    pub files: Vec<CopiedFile>,
}

/// A file that is copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedFile {
    /// Beneath the outbound directory of the app.
    pub name: String,
    /// Whether it was copied; none while it is to be.
    pub result: Option<bool>,
}

/// How it stands with a run of a sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its number.
    pub id: RunId,
    /// Whose sequence.
    pub app: AppName,
    /// The sequence's name.
    pub sequence: String,
    /// What it was given.
    pub params: String,
    /// How it stands.
    pub state: RunState,
    /// The `correlation_id` that the payload has of it.
    pub correlation_id: i32,
    /// ms since 1970 when it was ordered.
    pub asked: u64,
    /// How long after that it is to be done, in ms.
    pub within_ms: u64,
    /// Its payload's registration.
    pub session: u64,
    /// 0 to 100, as the payload said last.
    pub percent: u32,
    /// ms since 1970 when it ended.
    pub ended: Option<u64>,
    /// ms since 1970 when the payload said that it is done, though it was expired.
    pub done_after: Option<u64>,
    /// What there is to say of it.
    pub text: String,
    /// What the payload gave as its result.
    pub result: Vec<u8>,
}

/// How it stands with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// It is recorded, and the payload has not said yes yet.
    Asked,
    /// The payload said yes.
    Accepted,
    /// The payload told how far it is.
    Running,
    /// Its deadline is over, and it may still come to its end.
    Late,
    /// Nobody knows whether it began.
    Unknown,
    /// It ended, in time or late.
    Done {
        /// After its deadline.
        late: bool,
    },
    /// The payload said that it failed.
    Failed,
    /// It ended early, as it was to.
    Cancelled,
    /// The payload said no, or never had it.
    Refused {
        /// What the payload returned; none where it never had it.
        code: Option<ReturnCode>,
    },
    /// Its deadline and some time are over, and nothing was heard of its end.
    Expired,
    /// The payload ended before it.
    Lost,
}

impl RunState {
    /// Whether nothing more becomes of it.
    #[must_use]
    pub fn has_ended(self) -> bool {
        !matches!(
            self,
            RunState::Asked
                | RunState::Accepted
                | RunState::Running
                | RunState::Late
                | RunState::Unknown
        )
    }

    /// Its name, as counters and answers have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RunState::Asked => "asked",
            RunState::Accepted => "accepted",
            RunState::Running => "running",
            RunState::Late => "late",
            RunState::Unknown => "unknown",
            RunState::Done { late: false } => "done",
            RunState::Done { late: true } => "done late",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
            RunState::Refused { .. } => "refused",
            RunState::Expired => "expired",
            RunState::Lost => "lost",
        }
    }
}

/// How soon a file goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum FilePriority {
    Low,
    Normal,
    High,
    Immediate,
}

/// By which radio it goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum FileBand {
    SBand,
    XBand,
}

/// How it stands with a file that is to go down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its number.
    pub id: FileId,
    /// Whose.
    pub app: AppName,
    /// Beneath the outbound directory of the app.
    pub path: String,
    /// How soon.
    pub priority: FilePriority,
    /// By which radio.
    pub band: FileBand,
    /// How it stands.
    pub state: FileState,
    /// ms since 1970 when it was asked for.
    pub asked: u64,
    /// Of the request, for the answer.
    pub correlation_id: i32,
    /// The registration of the app that asked.
    pub session: u64,
    /// So often it was handed in.
    pub attempts: u32,
    /// By what it is known again, where it was accepted.
    pub mark: Option<String>,
    /// Octets, where it was accepted.
    pub bytes: u64,
}

/// How it stands with a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileState {
    /// It is to be handed in.
    Asked,
    /// The link service has it in its books.
    Accepted,
    /// The ground has it; it is to be removed here.
    OnGround,
    /// It failed so often that it is left where it is.
    GivenUp(String),
}

/// How a device is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// Its number.
    pub id: u16,
    /// Whether it is on.
    pub is_on: bool,
    /// ms since 1970 when it was last switched.
    pub at: u64,
}
