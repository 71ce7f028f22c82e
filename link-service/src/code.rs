//! How a request ended: one precise code, and the seventeen of the original beside it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a request, or its delivery to one recipient, ended or stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Code {
    /// Delivered; the source is released.
    Ok,
    /// On its way; it survives a power cut.
    Accepted,
    /// A name that breaks the grammar.
    InvalidName,
    /// Anything else that cannot be meant.
    InvalidArgument,
    /// Nobody is registered under the sender's name.
    UnknownSender,
    /// Nobody is registered under a recipient's name.
    UnknownRecipient,
    /// No rule allows it.
    Forbidden,
    /// There is no such file in the outbox.
    SourceNotFound,
    /// It is no regular file of the sender's own: a link, a device, a second name.
    SourceNotRegular,
    /// It changed while it was copied.
    SourceChanged,
    /// The recipient has a file of that name, and it is not to be replaced.
    AlreadyExists,
    /// The request id was used for another request.
    Conflict,
    /// The recipient, or the sender's queue, has no room left.
    QuotaExceeded,
    /// The disk has no room left.
    NoSpace,
    /// Larger than the rule allows.
    TooLarge,
    /// The octets are not those that were to be sent.
    HashMismatch,
    /// It was not delivered in its time.
    Expired,
    /// It was cancelled.
    Cancelled,
    /// Try again later.
    Unavailable,
    /// The disk failed.
    IoError,
    /// A defect of the service.
    Internal,
    /// There is no such request of whoever asks.
    UnknownRequest,
}

/// The codes of the original, by their numbers in its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(i32)]
#[allow(missing_docs)]
pub enum StatusCode {
    Successful = 0,
    Unauthorized = 1,
    Forbidden = 2,
    NotFound = 3,
    GeneralFailure = 4,
    Healthy = 5,
    Ready = 6,
    Pending = 7,
    Transmitting = 8,
    NotApplicable = 9,
    Rejected = 10,
    Request = 11,
    ServiceUnavailable = 12,
    Timeout = 13,
    InternalServiceError = 14,
    InvalidArgument = 15,
    Unknown = 16,
}

impl Code {
    /// Whether nothing more becomes of it.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self != Code::Accepted
    }

    /// The nearest code of the original.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Code::Ok => StatusCode::Successful,
            Code::Accepted => StatusCode::Pending,
            Code::InvalidName | Code::InvalidArgument => StatusCode::InvalidArgument,
            Code::UnknownSender => StatusCode::Unauthorized,
            Code::Forbidden => StatusCode::Forbidden,
            Code::UnknownRecipient | Code::SourceNotFound | Code::UnknownRequest => {
                StatusCode::NotFound
            }
            Code::SourceNotRegular
            | Code::AlreadyExists
            | Code::Conflict
            | Code::QuotaExceeded
            | Code::TooLarge
            | Code::Cancelled => StatusCode::Rejected,
            Code::SourceChanged | Code::HashMismatch => StatusCode::GeneralFailure,
            Code::Expired => StatusCode::Timeout,
            Code::NoSpace | Code::Unavailable => StatusCode::ServiceUnavailable,
            Code::IoError | Code::Internal => StatusCode::InternalServiceError,
        }
    }
}

/// As it is written everywhere: `SOURCE_NOT_FOUND`.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
