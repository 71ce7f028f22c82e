//! What a radio driver provides: a receiver and a transmitter.
//!
//! They are two values, each with its own lock in a
//! [`RadioConnection`](crate::RadioConnection), so that a receiver waiting for
//! octets never delays a transmission.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::counters::FrameCounters;

/// What a receiver's octets are cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Medium {
    /// A stream: one `receive` gives any part of it.
    Stream,
    /// Datagrams: one `receive` gives one whole frame.
    Datagrams,
}

/// The receiving half of a radio.
///
/// # For driver authors
///
/// - `receive` MUST append to `buffer` and leave what is in it alone.
/// - It MUST return within about `timeout`, and MUST NOT return `Ok(0)` much
///   earlier: the caller asks again at once, and would spin.
/// - It MUST return as soon as there are octets; it does not wait for a certain
///   number of them.
/// - On [`Medium::Datagrams`] it MUST append exactly one frame. On
///   [`Medium::Stream`] it SHOULD append a bounded number of octets (some
///   kibibytes).
/// - Noise is not an error: hand it over. Nor is a peer that is silent or gone
///   away. An error means that this device cannot receive now.
/// - It MUST NOT panic, whatever the air brings.
///
/// # For service authors
///
/// Octets come in the order of arrival, on a stream cut anywhere, and may be
/// damaged, repeated, missing or not for you; framing and packet layer sort
/// that out. After an error you may call again; an error of kind
/// [`ErrorKind::Disconnected`] will not get better without reopening the radio.
pub trait RadioReceiver: Send {
    /// Waits up to `timeout` for octets, appends them to `buffer` and returns
    /// how many; 0 means nothing yet.
    ///
    /// # Errors
    /// [`RadioError`] if the device cannot receive.
    fn receive(&mut self, buffer: &mut Vec<u8>, timeout: Duration) -> Result<usize, RadioError>;

    /// Whether `receive` gives a stream or datagrams. MUST NOT change.
    fn medium(&self) -> Medium;
}

/// The transmitting half of a radio.
///
/// # For driver authors
///
/// - `transmit` MUST send all of `octets` in order, or return an error. On a
///   datagram medium it sends them as one datagram.
/// - More octets than `frame_bytes_max` MUST be refused with
///   [`ErrorKind::PacketTooLong`] before one of them is sent.
/// - It MAY block while the device is busy, for that is how pacing reaches the
///   service; it MUST NOT block for ever. It MUST NOT wait for the receiver.
/// - It need not wait until the last octet has left the antenna.
/// - `frame_bytes_max` MUST NOT change over the life of the radio.
///
/// # For service authors
///
/// `Ok` means that the device has taken the octets, not that anyone heard
/// them. After an error part of a stream frame may have been sent; the other
/// end drops it, and the next frame is whole again.
pub trait RadioTransmitter: Send {
    /// Sends one frame.
    ///
    /// # Errors
    /// [`RadioError`] if the frame is too long or the device did not take it.
    fn transmit(&mut self, octets: &[u8]) -> Result<(), RadioError>;

    /// The most octets of one `transmit`; `None` if there is no limit.
    fn frame_bytes_max(&self) -> Option<usize>;
}

/// A radio: two independent halves, and the counters of its frames.
pub struct Radio {
    /// The receiving half.
    pub receiver: Box<dyn RadioReceiver>,
    /// The transmitting half.
    pub transmitter: Box<dyn RadioTransmitter>,
    /// Where the driver counts what it drops itself (such as datagrams from a
    /// foreign source), and the connection everything else.
    pub counters: Arc<FrameCounters>,
}

impl Radio {
    /// A radio whose driver drops nothing itself.
    pub fn new(
        receiver: impl RadioReceiver + 'static,
        transmitter: impl RadioTransmitter + 'static,
    ) -> Self {
        Self::with_counters(receiver, transmitter, Arc::default())
    }

    /// A radio whose driver counts drops in `counters`.
    pub fn with_counters(
        receiver: impl RadioReceiver + 'static,
        transmitter: impl RadioTransmitter + 'static,
        counters: Arc<FrameCounters>,
    ) -> Self {
        Self {
            receiver: Box::new(receiver),
            transmitter: Box::new(transmitter),
            counters,
        }
    }
}

impl fmt::Debug for Radio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Radio")
            .field("medium", &self.receiver.medium())
            .field("frame_bytes_max", &self.transmitter.frame_bytes_max())
            .finish_non_exhaustive()
    }
}

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

/// The kinds of [`RadioError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration cannot work; nothing was opened.
    InvalidConfig,
    /// The device or address cannot be opened.
    Unavailable,
    /// The packet is longer than a frame carries; nothing was sent.
    PacketTooLong,
    /// The packet has no octets; nothing was sent.
    PacketEmpty,
    /// The device takes no more for now; nothing was sent. Try again later.
    Full,
    /// The device did not take the octets in time; part may have been sent.
    Timeout,
    /// The device, or the other end of a loopback, is gone for good.
    Disconnected,
    /// Any other error of the operating system.
    Io,
}
