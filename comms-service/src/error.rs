//! Errors of the framework, and whose fault they are.

use std::io;
use std::net::{AddrParseError, SocketAddr};

use radio_hal::RadioError;

/// The result of `read`, `write` and everything else here.
pub type CommsResult<T> = Result<T, CommsError>;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommsError {
    /// From `read`: nothing has come yet. Neither counted nor logged.
    #[error("no data available for reading")]
    NoData,
    /// From `write`: the radio takes nothing now, and the packet was not sent
    /// whole. The same packet is offered again after a pause; nothing is lost.
    #[error("radio not ready: {0}")]
    NotReady(String),
    /// The configuration or the control block cannot be used.
    #[error("configuration: {0}")]
    Config(String),
    /// A key that does not exist, in a table where every key counts.
    #[error("configuration: unknown key `{key}` in [{table}]{}", nearest_hint(.nearest))]
    UnknownKey {
        /// The key found.
        key: String,
        /// The table it stands in.
        table: String,
        /// The known key most like it.
        nearest: Option<String>,
    },
    /// An address in the configuration is no IPv4 address.
    #[error("configuration: {0}")]
    Address(#[from] AddrParseError),
    /// A socket could not be bound.
    #[error("cannot bind {what} to UDP {address}: {cause}")]
    Bind {
        /// What the socket is for.
        what: &'static str,
        /// Where it was to be bound.
        address: SocketAddr,
        /// The system's answer.
        cause: io::Error,
    },
    /// Nobody can submit messages there.
    #[error("cannot listen for apps that submit at {place}: {cause}")]
    Listen {
        /// Where: a path, or an address.
        place: String,
        /// The system's answer.
        cause: io::Error,
    },
    /// The radio failed. For `read` and `write` functions.
    #[error("radio: {0}")]
    Radio(String),
    /// Input or output failed. For `read` and `write` functions, and for threads
    /// that the system does not start.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What may be tried again is [`CommsError::NotReady`], all else
/// [`CommsError::Radio`].
impl From<RadioError> for CommsError {
    fn from(error: RadioError) -> Self {
        match error.kind().may_be_tried_again() {
            true => Self::NotReady(error.to_string()),
            false => Self::Radio(error.to_string()),
        }
    }
}

fn nearest_hint(nearest: &Option<String>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None => String::new(),
    }
}
