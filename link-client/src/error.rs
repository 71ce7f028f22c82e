//! What goes wrong.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::answer::Link;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The service does not answer.
    #[error("the link service does not answer at {at}: {error}")]
    NoService {
        /// Its socket or address.
        at: String,
        /// What the system said.
        error: io::Error,
    },
    /// The service's answer is none that this client knows.
    #[error("the link service gave an answer that is none: {0}")]
    NoAnswer(String),
    /// The file that is to be sent cannot be read.
    #[error("cannot send {}: {error}", path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file's name is none that can be sent, or it is in another subdirectory than the
    /// request says.
    #[error("cannot send {}: {why}", path.display())]
    NotSendable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// Another file in the outbox has the name, and no request takes it away.
    #[error("{} is there already, with other octets: send or remove it", path.display())]
    NameTaken {
        /// The other file.
        path: PathBuf,
    },
    /// The outbox cannot be written to.
    #[error("cannot write to {}: {error}", path.display())]
    Outbox {
        /// What was written to.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The service did not do it: nothing has become of it.
    #[error("{}: {}", link.code, link.message)]
    Refused {
        /// The answer; its `code` says why.
        link: Box<Link>,
        /// When it may be taken.
        retry_after: Option<Duration>,
    },
    /// It ended, and not all recipients have it.
    #[error("it ended as {}: {}", .0.code, .0.message)]
    NotDelivered(Box<Link>),
    /// It has not ended in that time, and goes on.
    #[error("request {id} has not ended yet; it goes on")]
    NotEnded {
        /// Which.
        id: String,
    },
}

impl LinkError {
    /// The service's code, where it gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            LinkError::Refused { link, .. } | LinkError::NotDelivered(link) => Some(&link.code),
            _ => None,
        }
    }
}
