//! What comes of a call, in either direction.

use serde::{Deserialize, Serialize};

use crate::code::ReturnCode;
use crate::extension::SessionStatus;

/// What a call of a payload returns.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the original interface says.
    pub code: ReturnCode,
    /// Why not, for people.
    pub reason: Option<String>,
    /// For [`Request::GetSession`](crate::Request::GetSession).
    pub session: Option<Box<SessionStatus>>,
}

impl Answer {
    /// It is accepted.
    #[must_use]
    pub fn accepted() -> Self {
        Answer {
            code: ReturnCode::SUCCESS,
            reason: None,
            session: None,
        }
    }

    /// It is not, and why.
    #[must_use]
    pub fn refused(code: ReturnCode, reason: impl Into<String>) -> Self {
        Answer {
            code,
            reason: Some(reason.into()),
            session: None,
        }
    }

    /// What the controller knows of the app.
    #[must_use]
    pub fn session(status: SessionStatus) -> Self {
        Answer {
            session: Some(Box::new(status)),
            ..Self::accepted()
        }
    }
}

/// The number of a call to a payload, by which its outcome is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// How a call to a payload ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The payload returned this.
    Returned(ReturnCode),
    /// Nobody knows whether the payload had it, and what it does: no answer came in time, or
    /// the connection broke meanwhile.
    TimedOut,
    /// The payload's side refused it, by gRPC, or it does not fit the interface. The payload
    /// did nothing.
    Refused(String),
    /// It never left: nobody is there, who is there is not the payload, or the channel closed.
    Unreachable(String),
    /// The payload has no such call. It did nothing.
    Unimplemented,
}
