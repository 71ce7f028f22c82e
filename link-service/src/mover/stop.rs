//! Why a run of a transfer did not come to its end.

use crate::code::Code;
use crate::folders::FolderError;
use crate::journal::JournalError;

/// Why it stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It cannot become well.
    Final(Code, String),
    /// It may be well another time.
    Retry(Code, String),
    /// Something else goes first.
    Preempted,
}

impl Stop {
    /// It cannot become well.
    pub(super) fn finally(code: Code, text: impl Into<String>) -> Self {
        Stop::Final(code, text.into())
    }

    /// What the outbox did not do for a source.
    pub(super) fn of_source(error: FolderError) -> Self {
        match &error {
            FolderError::NotAllowed { .. } => {
                Stop::finally(Code::SourceNotRegular, error.to_string())
            }
            _ => error.into(),
        }
    }

    /// A box that is not there, or is no directory, may come: it is on a share, or is made
    /// yet.
    pub(super) fn of_box(error: FolderError) -> Self {
        match &error {
            FolderError::Missing { .. } | FolderError::NotAllowed { .. } => {
                Stop::Retry(Code::Unavailable, error.to_string())
            }
            _ => error.into(),
        }
    }

    /// What is the service's own in a box, and is not as the service made it.
    pub(super) fn of_own(error: FolderError) -> Self {
        match &error {
            FolderError::Missing { .. }
            | FolderError::Exists { .. }
            | FolderError::NotAllowed { .. } => Stop::Retry(Code::IoError, error.to_string()),
            _ => error.into(),
        }
    }
}

impl From<FolderError> for Stop {
    fn from(error: FolderError) -> Self {
        match error.heals() {
            true => Stop::Retry(error.code(), error.to_string()),
            false => Stop::Final(error.code(), error.to_string()),
        }
    }
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Stop::Retry(Code::IoError, error.to_string())
    }
}
