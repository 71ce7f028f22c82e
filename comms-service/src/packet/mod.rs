//! Packets: the octets that the radio carries as one unit.
//!
//! A packet format is a [`LinkPacket`]. Three come with the framework
//! ([`SpacePacketFormat`], [`KubosFormat`], [`UdpFormat`]); a mission can write
//! its own. A format has no state: sequence counts and reassembly belong to the
//! engine, so a format only says what stands in which octet.

mod apid;
mod error_control;
mod kubos;
mod space;
mod udp;

use std::ops::Range;

pub use apid::{ApidMap, ApidMapError, Channel, IDLE_APID};
pub use kubos::KubosFormat;
pub(crate) use space::{PACKET_BYTES_LIMIT, PACKET_BYTES_MIN, SECURED_PACKET_BYTES_MIN};
pub use space::{PACKET_BYTES_MAX_DEFAULT, SpacePacketFormat};
pub use udp::UdpFormat;

use crate::accounting::DropReason;
use crate::message::{Head, PayloadType};

/// The largest payload that one UDP datagram over IPv4 carries, in octets
/// (65 535 less the IP and UDP headers).
pub const DATAGRAM_BYTES_MAX: usize = 65_507;

/// A packet format.
///
/// # For authors of a format
/// - [`parse`](LinkPacket::parse) MUST NOT panic, whatever the octets, and MUST
///   refuse what it cannot vouch for with a [`PacketError`].
/// - [`build`](LinkPacket::build) MUST give packets that `parse` of the other
///   end accepts, for every `index` below [`packet_count`](LinkPacket::packet_count).
/// - Packets of one [`channel_of`](LinkPacket::channel_of) are sent in order and
///   never interleave two messages; different channels do.
pub trait LinkPacket: Send {
    /// The format's name in configuration and errors.
    fn name(&self) -> &'static str;

    /// Checks one packet from the radio and says what it holds.
    ///
    /// # Errors
    /// A [`PacketError`] that says what is wrong with it.
    fn parse(&self, octets: &[u8]) -> Result<Parsed, PacketError>;

    /// The class and numbering that a message of `payload_bytes` takes on its
    /// way out. Formats without classes return `head` as it is.
    fn classify(&self, head: Head, payload_bytes: usize) -> Head {
        let _ = payload_bytes;
        head
    }

    /// How many packets carry a message of that head and size.
    ///
    /// # Errors
    /// [`PacketError::TooLarge`] or [`PacketError::NotCarried`] when the format
    /// cannot carry it.
    fn packet_count(&self, head: &Head, payload_bytes: usize) -> Result<u32, PacketError>;

    /// The channel a message travels on. Only messages on the same channel
    /// wait for each other, and each channel is counted on its own.
    fn channel_of(&self, head: &Head) -> u16;

    /// Writes packet `index` of a message to `out` (cleared first).
    /// `count` is the channel's sequence count, modulo 16384.
    ///
    /// # Errors
    /// As [`packet_count`](LinkPacket::packet_count).
    fn build(
        &self,
        head: &Head,
        payload: &[u8],
        index: u32,
        count: u16,
        out: &mut Vec<u8>,
    ) -> Result<(), PacketError>;

    /// Whether messages of [`PayloadType::UdpExchange`] come in this format, whose
    /// answers need local sockets.
    fn has_exchanges(&self) -> bool {
        false
    }

    /// Whether [`parse`](LinkPacket::parse) checks all octets against error control,
    /// so that what it accepts was hardly meant for another format.
    fn has_error_control(&self) -> bool {
        false
    }

    /// How an answer of several packets lies in them, so that one that arrived in
    /// part can be repaired; none where that cannot be told, or where a part is of
    /// no use (the payload is encrypted as a whole).
    fn answer_layout(&self) -> Option<AnswerLayout> {
        None
    }

    /// Octets of the largest [`PayloadType::LinkControl`] message; 0 where there is
    /// none.
    fn control_bytes_max(&self) -> usize {
        0
    }

    /// Octets of the largest [`PayloadType::Cfdp`] message, which is one packet; 0 where
    /// there is none.
    fn pdu_bytes_max(&self) -> usize {
        0
    }

    /// A command id made of random bits that the format can carry, never 0.
    fn command_id(&self, random: u64) -> u64 {
        random.max(1)
    }
}

/// How an answer of several packets lies in them: every packet but the last has
/// the same number of octets after its own header, and the segments' counts are
/// consecutive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLayout {
    /// Octets before the payload in the first packet: command header and the like.
    pub header_bytes: usize,
    /// Octets after the payload in the last packet.
    pub trailer_bytes: usize,
}

/// What a packet holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The content.
    pub content: Content,
    /// Octets after the end that the packet declares. They are cut off.
    pub surplus_bytes: usize,
}

/// The content of a packet. Ranges are positions in the packet's octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Fill (APID 2047): to be dropped.
    Idle,
    /// A whole message, in a format without sequence counts.
    Message {
        /// Its head.
        head: Head,
        /// Where its payload stands.
        payload: Range<usize>,
    },
    /// A message or a part of one, with a sequence count.
    Segment(Segment),
}

/// A message or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The channel it came on: its APID.
    pub channel: u16,
    /// Its place in the message.
    pub place: Place,
    /// Sequence count of the channel, 0..=16383.
    pub count: u16,
    /// Where its part of the payload stands.
    pub data: Range<usize>,
}

/// The place of a segment in its message (CCSDS 133.0-B-2 §4.1.3.4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The whole message.
    Unsegmented(Head),
    /// The first part.
    First(Head),
    /// Neither the first nor the last part.
    Continuation,
    /// The last part.
    Last,
}

/// Why a packet is refused, or a message cannot be sent in a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// Fewer octets than the headers need.
    #[error("packet of {bytes} octets is shorter than its headers ({bytes_min} octets)")]
    TooShort {
        /// Octets found.
        bytes: usize,
        /// Octets needed.
        bytes_min: usize,
    },
    /// The packet declares more octets than there are, or fewer than its headers.
    #[error("packet declares {declared} octets but {found} are there")]
    Length {
        /// Octets declared.
        declared: usize,
        /// Octets found.
        found: usize,
    },
    /// Not packet version 1 (number 0).
    #[error("packet version number {version} is not 0")]
    Version {
        /// The number found.
        version: u8,
    },
    /// A telemetry packet on the way up or a telecommand on the way down: an echo.
    #[error("packet type {packet_type} is what this end sends, not what it receives")]
    Direction {
        /// The type bit: 0 telemetry, 1 telecommand.
        packet_type: u8,
    },
    /// The secondary header flag is set; no APID here has a secondary header.
    #[error("APID {apid} announces a secondary header; none is expected")]
    SecondaryHeader {
        /// The APID.
        apid: u16,
    },
    /// Sequence flags that the format does not use.
    #[error("sequence flags {flags:#04b} do not occur in this format")]
    SequenceFlags {
        /// The two bits.
        flags: u8,
    },
    /// The packet error control (CRC-16) does not match.
    #[error("packet error control is {found:#06x}, computed {computed:#06x}")]
    ErrorControl {
        /// In the packet.
        found: u16,
        /// Over the packet.
        computed: u16,
    },
    /// The UDP checksum does not match or is missing.
    #[error("UDP checksum {found:#06x} does not match")]
    Checksum {
        /// In the datagram.
        found: u16,
    },
    /// The APID map does not name this APID.
    #[error("APID {apid} is in no entry of the APID map")]
    UnknownApid {
        /// The APID.
        apid: u16,
    },
    /// The message is larger than the format can carry.
    #[error("{bytes} octets are more than format `{format}` carries in one message ({bytes_max})")]
    TooLarge {
        /// Size of the payload.
        bytes: usize,
        /// The format's maximum.
        bytes_max: usize,
        /// The format's name.
        format: &'static str,
    },
    /// The format has no room for this payload type or command id.
    #[error("format `{format}` cannot carry {what}")]
    NotCarried {
        /// What it cannot carry.
        what: &'static str,
        /// The format's name.
        format: &'static str,
    },
}

impl PacketError {
    /// The counter that a packet dropped for this error goes to.
    pub fn drop_reason(&self) -> DropReason {
        match self {
            PacketError::TooShort { .. } => DropReason::TooShort,
            PacketError::Length { .. } => DropReason::Length,
            PacketError::Version { .. } => DropReason::Version,
            PacketError::Direction { .. } => DropReason::Direction,
            PacketError::SecondaryHeader { .. } => DropReason::SecondaryHeader,
            PacketError::SequenceFlags { .. } => DropReason::SequenceFlags,
            PacketError::ErrorControl { .. } | PacketError::Checksum { .. } => {
                DropReason::ErrorControl
            }
            PacketError::UnknownApid { .. } => DropReason::UnknownApid,
            PacketError::TooLarge { .. } => DropReason::TooLarge,
            PacketError::NotCarried { .. } => DropReason::NotCarried,
        }
    }
}

/// `Ok` when there are `bytes_min` octets.
fn at_least(octets: &[u8], bytes_min: usize) -> Result<(), PacketError> {
    if octets.len() < bytes_min {
        return Err(PacketError::TooShort {
            bytes: octets.len(),
            bytes_min,
        });
    }
    Ok(())
}

/// One packet for one message: `Ok` when its payload fits, given what the format
/// can tell (`own_max`) and what the radio takes (`packet_bytes_max`).
fn one_packet(
    payload_bytes: usize,
    header_bytes: usize,
    own_max: usize,
    packet_bytes_max: Option<usize>,
    format: &'static str,
) -> Result<u32, PacketError> {
    let radio_max = packet_bytes_max.unwrap_or(usize::MAX);
    let bytes_max = own_max.min(radio_max.saturating_sub(header_bytes));
    if payload_bytes > bytes_max {
        return Err(PacketError::TooLarge {
            bytes: payload_bytes,
            bytes_max,
            format,
        });
    }
    Ok(1)
}

fn not_carried(payload_type: PayloadType, format: &'static str) -> PacketError {
    PacketError::NotCarried {
        what: payload_type.as_str(),
        format,
    }
}
