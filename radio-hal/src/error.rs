//! What can go wrong with a radio.

/// What went wrong with a radio, by kind and in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RadioError {
    kind: ErrorKind,
    message: String,
}

impl RadioError {
    /// An error of `kind`; `message` says what failed, with which value, and
    /// what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// What a program decides by.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What a person reads.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// The kinds of [`RadioError`], and what they mean for who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration cannot work; nothing was opened. It will not get
    /// better.
    InvalidConfig,
    /// The device or address cannot be opened (again) now.
    Unavailable,
    /// The packet is longer than a frame carries; nothing was sent, and never
    /// will be.
    PacketTooLong,
    /// The packet has no octets; nothing was sent.
    PacketEmpty,
    /// The radio has no room for a frame now; nothing was sent. Offer the same
    /// frame again once there are credits.
    Full,
    /// The device did not take the octets in time. A part of the frame may have
    /// been sent, never all of it.
    Timeout,
    /// The device is gone. A part of the frame may have been sent, never all of
    /// it. A driver that reopens its device does so when it is called again.
    Disconnected,
    /// Any other error of the operating system.
    Io,
}

impl ErrorKind {
    /// Whether the same frame may be offered again: it was not sent whole, and
    /// the radio may take it later.
    pub fn may_be_tried_again(self) -> bool {
        matches!(
            self,
            Self::Unavailable | Self::Full | Self::Timeout | Self::Disconnected
        )
    }

    /// Whether a part of the frame may be on the stream.
    pub(crate) fn may_have_sent_a_part(self) -> bool {
        !matches!(self, Self::Full | Self::PacketTooLong | Self::PacketEmpty)
    }
}
