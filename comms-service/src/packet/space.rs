//! Format `space-packet`: CCSDS Space Packets (CCSDS 133.0-B-2) with the command
//! header of the framework, segmentation and packet error control.
//!
//! ```text
//! octet  0..2   version 000, type (1 up, 0 down), secondary header flag 0, APID (11 bits)
//!        2..4   sequence flags (2 bits), sequence count (14 bits)
//!        4..6   packet data length: octets that follow, less one
//!        6..8   SPI, u16              } security header: on a link with security,
//!        8..16  sequence number, u64  } only in the first or only segment
//!       ..+8    command id, u64       } command header: only in the first or only
//!       ..+2    port, u16             } segment, and not on the CFDP and link control APIDs
//!       ..      payload, on a link with security with its trailer of 16 octets
//!        last 2 CRC-16/IBM-3740 over everything before it, if error control is on
//! ```
//! All numbers are big-endian.

use byteorder::{BigEndian, ByteOrder};
use space_packet::{
    InvalidSpacePacket, PacketType, SecondaryHeaderFlag, SequenceFlag, SpacePacket,
};

use super::error_control::{ERROR_CONTROL_BYTES, checksum};
use super::{
    AnswerLayout, ApidMap, Channel, Content, DATAGRAM_BYTES_MAX, LinkPacket, PacketError, Parsed,
    Place, Segment, at_least, not_carried,
};
use crate::message::{Class, End, Head, PayloadType, SecurityHeader};
use crate::security::{SECURITY_HEADER_BYTES, TRAILER_BYTES};

/// Largest packet in octets when neither the radio nor the builder names one.
pub const PACKET_BYTES_MAX_DEFAULT: usize = 256;

/// Largest Space Packet (CCSDS 133.0-B-2 §4.1.3.5): 6 octets of header and 65 536 of data.
pub(crate) const PACKET_BYTES_LIMIT: usize = 65_542;

/// Smallest `packet_bytes_max`: headers, error control and some payload.
pub(crate) const PACKET_BYTES_MIN: usize = 32;

/// The same with security, so that link control fits into one packet.
pub(crate) const SECURED_PACKET_BYTES_MIN: usize = 100;

/// An answer of more packets than this is bulk.
const STANDARD_PACKETS_MAX: usize = 8;

const PRIMARY_HEADER_BYTES: usize = 6;
const COMMAND_HEADER_BYTES: usize = 10;
/// An APID has 11 bits, a sequence count 14.
const APID_MASK: u16 = 0x7FF;
const COUNT_MASK: u16 = 0x3FFF;
const NAME: &str = "space-packet";

/// The default format. See the table at the top of `packet/space.rs`.
#[derive(Clone, Debug)]
pub struct SpacePacketFormat {
    /// Which end this is.
    pub end: End,
    /// What the APIDs mean; both ends alike.
    pub apids: ApidMap,
    /// CRC-16 at the end of each packet; both ends alike.
    pub error_control: bool,
    /// Octets of the largest packet that reaches `write`, 32..=65542; with
    /// security at least 100.
    pub packet_bytes_max: usize,
    /// A security header in each message; both ends alike. The engine fills it in,
    /// and appends the trailer to the payload.
    pub secured: bool,
}

impl SpacePacketFormat {
    /// The defaults: error control on, default APIDs, packets of 256 octets.
    pub fn new(end: End) -> Self {
        SpacePacketFormat {
            end,
            apids: ApidMap::default(),
            error_control: true,
            packet_bytes_max: PACKET_BYTES_MAX_DEFAULT,
            secured: false,
        }
    }

    #[inline]
    fn trailer_bytes(&self) -> usize {
        if self.error_control {
            ERROR_CONTROL_BYTES
        } else {
            0
        }
    }

    /// Octets of header and payload that one packet carries.
    #[inline]
    fn data_bytes_max(&self) -> usize {
        let limit = self
            .packet_bytes_max
            .clamp(PACKET_BYTES_MIN, PACKET_BYTES_LIMIT);
        limit - PRIMARY_HEADER_BYTES - self.trailer_bytes()
    }

    #[inline]
    fn packets_for(&self, head: &Head, payload_bytes: usize) -> usize {
        let data = self.header_bytes(head.payload_type) + payload_bytes;
        let capacity = self.data_bytes_max();
        // Most messages go in one packet, and a division is the dearest step there is
        // between here and the radio.
        match data <= capacity {
            true => 1,
            false => data.div_ceil(capacity),
        }
    }

    /// How many packets carry a message whose payload type has an APID.
    #[inline]
    fn count_packets(&self, head: &Head, payload_bytes: usize) -> Result<u32, PacketError> {
        let data = self.header_bytes(head.payload_type) + payload_bytes;
        // Most messages go in one packet, whatever their type.
        let fits_one = data <= self.data_bytes_max() && payload_bytes <= DATAGRAM_BYTES_MAX;
        if fits_one && data > 0 {
            return Ok(1);
        }
        // The packet data field has at least one octet (CCSDS 133.0-B-2 §4.1.4).
        if data + self.trailer_bytes() == 0 {
            return Err(PacketError::NotCarried {
                what: "an empty PDU",
                format: NAME,
            });
        }
        let bytes_max = match head.payload_type {
            PayloadType::Udp if self.secured => DATAGRAM_BYTES_MAX + TRAILER_BYTES,
            PayloadType::Udp => DATAGRAM_BYTES_MAX,
            PayloadType::Cfdp | PayloadType::LinkControl => {
                self.data_bytes_max() - self.security_bytes()
            }
            _ => usize::MAX,
        };
        let packets = u32::try_from(self.packets_for(head, payload_bytes));
        match packets {
            Ok(packets) if payload_bytes <= bytes_max => Ok(packets),
            _ => Err(PacketError::TooLarge {
                bytes: payload_bytes,
                bytes_max,
                format: NAME,
            }),
        }
    }

    /// Reads what stands before the payload of a first or only segment, in octets that
    /// are known to be enough.
    #[inline]
    fn read_head(&self, octets: &[u8], channel: Channel) -> Head {
        let (security, octets) = match self.secured {
            true => read_security_header(octets),
            false => (None, octets),
        };
        let (command_id, port) = match channel.payload_type.has_command_header() {
            true => read_command_header(octets),
            false => (0, 0),
        };
        Head {
            payload_type: channel.payload_type,
            class: channel.class,
            security,
            command_id,
            port,
        }
    }

    fn check_error_control(&self, packet: &[u8]) -> Result<(), PacketError> {
        let trailer = packet.len().checked_sub(ERROR_CONTROL_BYTES);
        let Some((covered, found)) = trailer.and_then(|at| packet.split_at_checked(at)) else {
            return at_least(packet, ERROR_CONTROL_BYTES);
        };
        let (found, computed) = (BigEndian::read_u16(found), checksum(covered));
        if found != computed {
            return Err(PacketError::ErrorControl { found, computed });
        }
        Ok(())
    }

    /// Octets of security and command header on the APIDs of this payload type.
    #[inline]
    fn header_bytes(&self, payload_type: PayloadType) -> usize {
        self.security_bytes()
            + match payload_type.has_command_header() {
                true => COMMAND_HEADER_BYTES,
                false => 0,
            }
    }

    #[inline]
    fn security_bytes(&self) -> usize {
        match self.secured {
            true => SECURITY_HEADER_BYTES,
            false => 0,
        }
    }

    /// Octets that protection appends to a payload.
    fn protection_bytes(&self) -> usize {
        match self.secured {
            true => TRAILER_BYTES,
            false => 0,
        }
    }

    /// Octets of the largest message of a type that is never segmented and has no
    /// command header; 0 where it has no APID.
    fn unsegmented_bytes_max(&self, payload_type: PayloadType) -> usize {
        let carried = self.apids.apid(payload_type, Class::Standard);
        let added = self.security_bytes() + self.protection_bytes();
        carried.map_or(0, |_| self.data_bytes_max().saturating_sub(added))
    }

    #[inline]
    fn received_type(&self) -> PacketType {
        match self.end {
            End::Satellite => PacketType::Telecommand,
            End::Ground => PacketType::Telemetry,
        }
    }

    #[inline]
    fn sent_type(&self) -> PacketType {
        match self.end {
            End::Satellite => PacketType::Telemetry,
            End::Ground => PacketType::Telecommand,
        }
    }
}

#[cold]
fn refused(error: InvalidSpacePacket, octets: &[u8]) -> PacketError {
    match error {
        InvalidSpacePacket::UnsupportedPacketVersion { version } => PacketError::Version {
            version: version.as_u8(),
        },
        InvalidSpacePacket::PartialPacket {
            packet_size,
            buffer_size,
        } => PacketError::Length {
            declared: packet_size,
            found: buffer_size,
        },
        InvalidSpacePacket::IdlePacketWithSecondaryHeader => PacketError::SecondaryHeader {
            apid: super::IDLE_APID,
        },
        _ => PacketError::TooShort {
            bytes: octets.len(),
            bytes_min: PRIMARY_HEADER_BYTES + 1,
        },
    }
}

impl LinkPacket for SpacePacketFormat {
    fn name(&self) -> &'static str {
        NAME
    }

    fn has_error_control(&self) -> bool {
        self.error_control
    }

    #[inline]
    fn parse(&self, octets: &[u8]) -> Result<Parsed, PacketError> {
        let (packet, surplus) =
            SpacePacket::parse_prefix(octets).map_err(|error| refused(error, octets))?;
        let surplus_bytes = surplus.len();
        if packet.primary_header().is_idle() {
            let content = Content::Idle;
            return Ok(Parsed {
                content,
                surplus_bytes,
            });
        }
        if self.error_control {
            self.check_error_control(packet.as_bytes())?;
        }
        let header = packet.primary_header();
        let apid = header.apid().as_u16();
        if header.packet_type() != self.received_type() {
            let packet_type = header.packet_type() as u8;
            return Err(PacketError::Direction { packet_type });
        }
        if header.secondary_header_flag() == SecondaryHeaderFlag::Present {
            return Err(PacketError::SecondaryHeader { apid });
        }
        let channel = self
            .apids
            .channel(apid)
            .ok_or(PacketError::UnknownApid { apid })?;

        let data_end = packet.packet_length() - self.trailer_bytes();
        let flag = header.sequence_flag();
        let segmented = flag != SequenceFlag::Unsegmented;
        if segmented && !channel.payload_type.has_command_header() {
            let flags = flag as u8;
            return Err(PacketError::SequenceFlags { flags });
        }
        let begins = !segmented || flag == SequenceFlag::First;
        let header_bytes = if begins {
            self.header_bytes(channel.payload_type)
        } else {
            0
        };
        let data_start = PRIMARY_HEADER_BYTES + header_bytes;
        let bytes = packet.packet_length();
        if begins && data_start > data_end {
            let bytes_min = data_start + self.trailer_bytes();
            return Err(PacketError::TooShort { bytes, bytes_min });
        }
        let octets = octets.get(PRIMARY_HEADER_BYTES..).unwrap_or_default();
        // Written where it stays: a copy of what was just written in small parts is slow.
        Ok(Parsed {
            content: Content::Segment(Segment {
                channel: apid,
                place: match segmented {
                    false => Place::Unsegmented(self.read_head(octets, channel)),
                    true if begins => Place::First(self.read_head(octets, channel)),
                    true if flag == SequenceFlag::Continuation => Place::Continuation,
                    true => Place::Last,
                },
                count: header.packet_sequence_count().as_u16(),
                data: data_start..data_end,
            }),
            surplus_bytes,
        })
    }

    fn classify(&self, head: Head, payload_bytes: usize) -> Head {
        let long = self.packets_for(&head, payload_bytes) > STANDARD_PACKETS_MAX;
        let answer = self.end == End::Satellite && head.payload_type == PayloadType::GraphQl;
        let class = if answer && long {
            Class::Bulk
        } else {
            head.class
        };
        Head { class, ..head }
    }

    fn packet_count(&self, head: &Head, payload_bytes: usize) -> Result<u32, PacketError> {
        if self.apids.apid(head.payload_type, head.class).is_none() {
            return Err(not_carried(head.payload_type, NAME));
        }
        self.count_packets(head, payload_bytes)
    }

    fn answer_layout(&self) -> Option<AnswerLayout> {
        Some(AnswerLayout {
            header_bytes: self.header_bytes(PayloadType::GraphQl),
            trailer_bytes: self.protection_bytes(),
        })
    }

    fn control_bytes_max(&self) -> usize {
        self.unsegmented_bytes_max(PayloadType::LinkControl)
    }

    fn pdu_bytes_max(&self) -> usize {
        self.unsegmented_bytes_max(PayloadType::Cfdp)
    }

    fn channel_of(&self, head: &Head) -> u16 {
        let apid = self.apids.apid(head.payload_type, head.class);
        apid.unwrap_or(super::IDLE_APID)
    }

    #[inline]
    fn build(
        &self,
        head: &Head,
        payload: &[u8],
        index: u32,
        count: u16,
        out: &mut Vec<u8>,
    ) -> Result<(), PacketError> {
        let Some(apid) = self.apids.apid(head.payload_type, head.class) else {
            return Err(not_carried(head.payload_type, NAME));
        };
        let packets = self.count_packets(head, payload.len())?;
        let header = self.header_bytes(head.payload_type);
        let capacity = self.data_bytes_max();

        let begins = index == 0;
        let (part, flags) = match begins && packets == 1 {
            true => (payload, SequenceFlag::Unsegmented),
            false => {
                // Segment `index` covers this part of (headers ‖ payload).
                let start = capacity * index as usize;
                let end = (start + capacity).min(header + payload.len());
                let part = start.saturating_sub(header)..end.saturating_sub(header);
                let flags = match (begins, index + 1 == packets) {
                    (true, _) => SequenceFlag::First,
                    (false, true) => SequenceFlag::Last,
                    (false, false) => SequenceFlag::Continuation,
                };
                (payload.get(part).unwrap_or_default(), flags)
            }
        };
        let front = if begins { header } else { 0 };
        let data_bytes = front + part.len() + self.trailer_bytes();
        // The field holds one less than there is (CCSDS 133.0-B-2 §4.1.3.5.2).
        let length = u16::try_from(data_bytes.saturating_sub(1));
        let length = length.map_err(|_| PacketError::TooLarge {
            bytes: payload.len(),
            bytes_max: capacity,
            format: NAME,
        })?;
        let identification = (self.sent_type() as u16) << 12 | (apid & APID_MASK);
        let sequence = (flags as u16) << 14 | (count & COUNT_MASK);

        out.clear();
        out.reserve(PRIMARY_HEADER_BYTES + data_bytes);
        let primary = [identification, sequence, length];
        let primary = primary
            .iter()
            .fold(0, |all, part| all << 16 | u64::from(*part));
        let primary = primary << 16;
        let has_command_header = begins && head.payload_type.has_command_header();
        if has_command_header && !self.secured {
            // By far most packets: the whole front at once, out of registers. What is
            // put together in memory in small parts is slow to copy.
            let front = u128::from(primary) << 64
                | u128::from(head.command_id) << 16
                | u128::from(head.port);
            let front = front.to_be_bytes();
            out.extend_from_slice(&front);
        } else {
            let primary = primary.to_be_bytes();
            let primary = primary.first_chunk::<PRIMARY_HEADER_BYTES>();
            out.extend(primary.into_iter().flatten());
            if begins && self.secured {
                write_security_header(head, out);
            }
            if has_command_header {
                out.extend_from_slice(&command_header(head));
            }
        }
        out.extend_from_slice(part);
        if self.error_control {
            let computed = checksum(out);
            out.extend_from_slice(&computed.to_be_bytes());
        }
        Ok(())
    }
}

/// Reads (command id, port). Fewer than ten octets read as zeros are the
/// caller's to refuse; both callers check the length before.
#[inline]
pub(super) fn read_command_header(octets: &[u8]) -> (u64, u16) {
    match octets.first_chunk::<COMMAND_HEADER_BYTES>() {
        Some(header) => {
            let (id, port) = header.split_at(8);
            (BigEndian::read_u64(id), BigEndian::read_u16(port))
        }
        None => (0, 0),
    }
}

/// Reads the security header; gives what follows it. The caller has checked the
/// length.
#[inline]
fn read_security_header(octets: &[u8]) -> (Option<SecurityHeader>, &[u8]) {
    let Some((header, rest)) = octets.split_first_chunk::<SECURITY_HEADER_BYTES>() else {
        return (None, octets);
    };
    let (spi, sequence) = header.split_at(2);
    let header = SecurityHeader {
        spi: BigEndian::read_u16(spi),
        sequence: BigEndian::read_u64(sequence),
    };
    (Some(header), rest)
}

#[inline]
fn write_security_header(head: &Head, out: &mut Vec<u8>) {
    let header = head.security.unwrap_or(crate::security::CLEAR);
    out.extend_from_slice(&header.spi.to_be_bytes());
    out.extend_from_slice(&header.sequence.to_be_bytes());
}

#[inline]
pub(super) fn command_header(head: &Head) -> [u8; COMMAND_HEADER_BYTES] {
    let mut header = [0; COMMAND_HEADER_BYTES];
    let (id, port) = header.split_at_mut(8);
    BigEndian::write_u64(id, head.command_id);
    BigEndian::write_u16(port, head.port);
    header
}
