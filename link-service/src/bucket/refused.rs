//! What the store says no with, for whoever waits.

use bucket_store::object_store::Error;

use crate::code::Code;
use crate::mover::Refused;
use crate::queue::Stop;

/// Octets of what a store says that are passed on.
const TEXT_BYTES_MAX: usize = 400;

/// Why a leg is not over well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Undone {
    /// It was to stop.
    Stopped(Stop),
    /// The service stops.
    Stopping,
    /// It may be well another time.
    Again(Refused),
    /// It never is.
    Never(Refused),
}

impl Undone {
    pub(super) fn never(code: Code, text: impl Into<String>) -> Self {
        let text = text.into();
        Undone::Never(Refused { code, text })
    }

    /// What the desk says of a file.
    pub(super) fn of_source(refused: Refused) -> Self {
        match refused.code {
            Code::IoError | Code::NoSpace | Code::Unavailable => Undone::Again(refused),
            _ => Undone::Never(refused),
        }
    }

    /// What the store says. What an operator can heal, as keys that are not right or a bucket
    /// that is not there, is waited for: no file is given back for it.
    pub(super) fn of_store(what: &str, error: &Error) -> Self {
        let said = short(error);
        let text = match error {
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                format!("{what}: the bucket does not take its keys for that: {said}")
            }
            Error::NotFound { .. } => format!("{what}: the bucket is not there: {said}"),
            Error::InvalidPath { .. } => {
                return Undone::never(Code::InvalidName, format!("{what}: {said}"));
            }
            _ => format!("{what}: {said}"),
        };
        let code = Code::Unavailable;
        Undone::Again(Refused { code, text })
    }
}

/// What the store says, not too much of it.
pub(super) fn short(error: &Error) -> String {
    let text = error.to_string();
    let end = (0..=TEXT_BYTES_MAX.min(text.len())).rev();
    let mut ends = end.filter(|end| text.is_char_boundary(*end));
    let short = ends.next().and_then(|end| text.get(..end));
    short.unwrap_or_default().replace(['\n', '\r'], " ")
}
