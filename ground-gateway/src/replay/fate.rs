//! What became of a frame.

use std::fmt;

use comms_service::accounting::DropReason;
use comms_service::message::{End, Head, PayloadType};
use radio_hal::{Callsign, FrameDrop};

use crate::output::counted;

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Not known yet.
    Undecided,
    /// Its packet is part of a message that arrived, or is one.
    Delivered(Part),
    /// Dropped, by the frame level or by the engine.
    Dropped {
        /// The name of the counter.
        reason: &'static str,
        /// What more there is to say; may be empty.
        detail: String,
    },
    /// Its message was open when the capture ended.
    Open(Part),
}

/// The place of a frame in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// From 1.
    pub(super) segment: usize,
    /// None while nobody knows.
    pub(super) segments: Option<usize>,
    pub(super) message: String,
}

impl Fate {
    pub(super) fn dropped_frame(
        reason: FrameDrop,
        callsigns: Option<(Callsign, Callsign)>,
    ) -> Self {
        let detail = match (reason, callsigns) {
            (FrameDrop::NotAddressedToUs, Some((destination, _))) => format!("to {destination}"),
            (FrameDrop::OwnEcho, Some((destination, _))) => format!("ours, to {destination}"),
            _ => String::new(),
        };
        Fate::Dropped {
            reason: reason.as_str(),
            detail,
        }
    }

    pub(super) fn dropped(reason: DropReason, detail: impl Into<String>) -> Self {
        Fate::Dropped {
            reason: reason.as_str(),
            detail: detail.into(),
        }
    }

    pub(super) fn no_datagram() -> Self {
        Fate::Dropped {
            reason: "no-datagram",
            detail: "no whole UDP datagram in an IPv4 packet".to_owned(),
        }
    }

    /// One word.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Fate::Undecided => "undecided",
            Fate::Delivered(_) => "delivered",
            Fate::Dropped { .. } => "dropped",
            Fate::Open(_) => "held",
        }
    }

    /// What more there is to say, the reason of a drop not included.
    pub(super) fn detail(&self) -> String {
        match self {
            Fate::Undecided => String::new(),
            Fate::Delivered(part) => part.to_string(),
            Fate::Dropped { detail, .. } => detail.clone(),
            Fate::Open(part) => format!("{part}, open at the end"),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, detail) = (self.name(), self.detail());
        match self {
            Fate::Undecided => f.write_str(name),
            Fate::Dropped { reason, .. } if detail.is_empty() => write!(f, "{name}: {reason}"),
            Fate::Dropped { reason, .. } => write!(f, "{name}: {reason} ({detail})"),
            Fate::Delivered(_) | Fate::Open(_) => write!(f, "{name}: {detail}"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.segments {
            Some(1) => {}
            Some(segments) => write!(f, "segment {} of {segments}, ", self.segment)?,
            None => write!(f, "segment {}, ", self.segment)?,
        }
        f.write_str(&self.message)
    }
}

/// A message in words; `bytes` is none while it is not whole.
pub(super) fn message_in_words(end: End, head: &Head, bytes: Option<usize>) -> String {
    let command = format!("command {:#x}", head.command_id);
    let port = match (end, head.port) {
        // Format `kubos` has no port in what comes down.
        (_, 0) => String::new(),
        (End::Ground, port) => format!(" of port {port}"),
        (End::Satellite, port) => format!(" for port {port}"),
    };
    let what = match (head.payload_type, end) {
        (PayloadType::GraphQl | PayloadType::UdpExchange, End::Ground) => {
            format!("answer{port} to {command}")
        }
        (PayloadType::GraphQl, End::Satellite) => format!("query{port}, {command}"),
        (PayloadType::UdpExchange, End::Satellite) => format!("request{port}, {command}"),
        (PayloadType::Udp, _) => format!("message{port}"),
        (other, _) => format!("{}{port}", other.as_str()),
    };
    match bytes {
        Some(bytes) => format!("{what}, {}", counted(bytes, "octet")),
        None => what,
    }
}
