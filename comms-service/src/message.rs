//! A message: what a service, an app or an operator sends as one whole.

use crate::budget::HeldBytes;

/// What the payload of a message is, and therefore who handles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PayloadType {
    /// A GraphQL request on the way up, its answer on the way down.
    GraphQl,
    /// A UDP datagram, passed on without an answer.
    Udp,
    /// A UDP datagram whose service answers with one datagram (format `udp`).
    UdpExchange,
    /// A CFDP PDU (CCSDS 727.0-B-5), without a command header.
    Cfdp,
    /// Link control: what the two ends of the link tell each other.
    LinkControl,
}

impl PayloadType {
    /// The name used in logs, errors and configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            PayloadType::GraphQl => "graphql",
            PayloadType::Udp => "udp",
            PayloadType::UdpExchange => "udp-exchange",
            PayloadType::Cfdp => "cfdp",
            PayloadType::LinkControl => "link-control",
        }
    }

    /// Whether a command header stands before the payload in format `space-packet`.
    pub fn has_command_header(self) -> bool {
        !matches!(self, PayloadType::Cfdp | PayloadType::LinkControl)
    }
}

/// Whether a message may hold up others of its payload type: bulk has APIDs of
/// its own, so that an answer passes between two segments of a bulk message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Everything short.
    Standard,
    /// Long messages.
    Bulk,
}

/// What stands in front of a payload: the command header, and the type and
/// class that the APID tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Who handles the payload.
    pub payload_type: PayloadType,
    /// Short or long.
    pub class: Class,
    /// On a link with security, by which association and with which number the
    /// message was sent; on an answer that waits, those of its question. None on a
    /// link without security, and for everybody.
    pub security: Option<SecurityHeader>,
    /// Chosen by the asker, repeated in the answer. 0 is nobody's command: a
    /// datagram that an app sent down unasked.
    ///
    /// In format `udp`, which has no command ids, this is the asker's port.
    pub command_id: u64,
    /// Up: the destination service. Down: the answering service, or the
    /// downlink port by which the datagram came in.
    pub port: u16,
}

/// The security header of a message, in front of its command header: by which
/// security association it is protected, and its number there (after the layout
/// of CCSDS 355.0-B-2 §4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecurityHeader {
    /// Security parameter index: names station, direction and key.
    pub spi: u16,
    /// Number of the message under this index; never used twice.
    pub sequence: u64,
}

impl Head {
    /// Of a PDU; on the satellite it is for every station.
    pub(crate) fn pdu() -> Self {
        Head {
            payload_type: PayloadType::Cfdp,
            class: Class::Standard,
            security: None,
            command_id: 0,
            port: 0,
        }
    }

    /// What the two ends of a link tell each other; on the satellite `security` is that
    /// of the station that is told.
    pub(crate) fn link_control(security: Option<SecurityHeader>) -> Self {
        Head {
            payload_type: PayloadType::LinkControl,
            class: Class::Standard,
            security,
            command_id: 0,
            port: 0,
        }
    }
}

impl SecurityHeader {
    /// The station that the index names: its bits 14..8.
    pub(crate) fn station(self) -> u8 {
        (self.spi >> 8) as u8 & 0x7F
    }
}

/// A whole message.
#[derive(Debug)]
pub struct Message {
    /// Type, class, command id and port.
    pub head: Head,
    /// The octets of the service, app or operator, unchanged.
    pub payload: HeldBytes,
}

/// Which end of the link an engine is. It decides the packet type it expects
/// and sends, and the order of addresses in a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Receives commands, sends answers and telemetry.
    Satellite,
    /// Sends commands, receives answers and telemetry.
    Ground,
}
