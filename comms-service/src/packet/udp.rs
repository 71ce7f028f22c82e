//! Format `udp`: the radio carries a whole UDP datagram with its header
//! (RFC 768), without an IP header.
//!
//! ```text
//! octet  0..2   source port
//!        2..4   destination port
//!        4..6   length: octets of header and payload
//!        6..8   checksum, over an IPv4 pseudo header of both addresses too
//!        8..    payload
//! ```
//! There is no command id: the asker is known by its port. So up, `command_id`
//! is the source port; down, it is the destination port, or 0 for a datagram to
//! the ground port, which nobody asked for. A missing checksum (0) is refused:
//! it is all that protects a packet of this format.

use std::net::Ipv4Addr;

use byteorder::{BigEndian, ByteOrder};

use super::{Content, LinkPacket, PacketError, Parsed, at_least, not_carried, one_packet};
use crate::message::{Class, End, Head, PayloadType};

const NAME: &str = "udp";
const HEADER_BYTES: usize = 8;
const PROTOCOL_UDP: u32 = 17;
/// First of the ports that ground commands ask from (RFC 6335 §6: dynamic ports).
const ASKER_PORT_MIN: u16 = 49_152;

/// The format of the specification's earlier revision. See the table at the
/// top of `packet/udp.rs`.
#[derive(Clone, Debug)]
pub struct UdpFormat {
    /// Which end this is.
    pub end: End,
    /// The ground's address, in the checksum only.
    pub ground_ip: Ipv4Addr,
    /// The satellite's address, in the checksum only.
    pub satellite_ip: Ipv4Addr,
    /// Where downlink endpoints send to.
    pub ground_port: u16,
    /// Destination ports whose services speak HTTP; all others answer by UDP.
    pub http_ports: Vec<u16>,
    /// Octets of the largest packet, if the radio or the builder names a limit.
    pub packet_bytes_max: Option<usize>,
}

impl UdpFormat {
    /// The largest payload in octets: what fits, with this header, in one UDP
    /// datagram over IPv4.
    pub const PAYLOAD_BYTES_MAX: usize = super::DATAGRAM_BYTES_MAX - HEADER_BYTES;

    /// RFC 768 checksum over pseudo header and `octets`, whose checksum field
    /// counts as it stands. Zero means: it matches.
    ///
    /// The sum does not depend on which address is the source.
    fn sum(&self, octets: &[u8]) -> u16 {
        let mut sum = PROTOCOL_UDP + octets.len() as u32;
        for address in [self.ground_ip, self.satellite_ip] {
            let bits = address.to_bits();
            sum += (bits >> 16) + (bits & 0xFFFF);
        }
        let mut pairs = octets.chunks_exact(2);
        sum += pairs
            .by_ref()
            .map(|pair| u32::from(BigEndian::read_u16(pair)))
            .sum::<u32>();
        if let [odd] = pairs.remainder() {
            sum += u32::from(*odd) << 8;
        }
        while sum > 0xFFFF {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        !(sum as u16)
    }

    fn head(&self, source: u16, destination: u16) -> Head {
        let (port, asker) = match self.end {
            End::Satellite => (destination, source),
            End::Ground => (source, destination),
        };
        let unasked = self.end == End::Ground && asker == self.ground_port;
        let payload_type = if unasked {
            PayloadType::Udp
        } else if self.http_ports.contains(&port) {
            PayloadType::GraphQl
        } else {
            PayloadType::UdpExchange
        };
        let command_id = if unasked { 0 } else { u64::from(asker) };
        let class = Class::Standard;
        Head {
            payload_type,
            class,
            security: None,
            command_id,
            port,
        }
    }
}

impl LinkPacket for UdpFormat {
    fn name(&self) -> &'static str {
        NAME
    }

    fn has_error_control(&self) -> bool {
        true
    }

    fn parse(&self, octets: &[u8]) -> Result<Parsed, PacketError> {
        at_least(octets, HEADER_BYTES)?;
        let field = |at: usize| BigEndian::read_u16(octets.get(at..at + 2).unwrap_or(&[0; 2]));
        let (source, destination) = (field(0), field(2));
        let (declared, found) = (usize::from(field(4)), field(6));

        // The checksum is judged first: a length that does not match it was
        // altered on the way, one that does was never true.
        let datagram = octets.get(..declared.max(HEADER_BYTES)).unwrap_or(octets);
        if found == 0 || self.sum(datagram) != 0 {
            return Err(PacketError::Checksum { found });
        }
        if declared < HEADER_BYTES || declared > octets.len() {
            let found = octets.len();
            return Err(PacketError::Length { declared, found });
        }
        let content = Content::Message {
            head: self.head(source, destination),
            payload: HEADER_BYTES..declared,
        };
        Ok(Parsed {
            content,
            surplus_bytes: octets.len() - declared,
        })
    }

    fn packet_count(&self, head: &Head, payload_bytes: usize) -> Result<u32, PacketError> {
        if matches!(
            head.payload_type,
            PayloadType::Cfdp | PayloadType::LinkControl
        ) {
            return Err(not_carried(head.payload_type, NAME));
        }
        if head.command_id > u64::from(u16::MAX) {
            return Err(PacketError::NotCarried {
                what: "a command id above 65535",
                format: NAME,
            });
        }
        one_packet(
            payload_bytes,
            HEADER_BYTES,
            Self::PAYLOAD_BYTES_MAX,
            self.packet_bytes_max,
            NAME,
        )
    }

    fn channel_of(&self, _head: &Head) -> u16 {
        0
    }

    fn build(
        &self,
        head: &Head,
        payload: &[u8],
        _index: u32,
        _count: u16,
        out: &mut Vec<u8>,
    ) -> Result<(), PacketError> {
        self.packet_count(head, payload.len())?;
        let asker = match head.command_id {
            0 => self.ground_port,
            port => port as u16,
        };
        let (source, destination) = match self.end {
            End::Satellite => (head.port, asker),
            End::Ground => (asker, head.port),
        };
        let length = (payload.len() + HEADER_BYTES) as u16;
        out.clear();
        for field in [source, destination, length, 0] {
            out.extend_from_slice(&field.to_be_bytes());
        }
        out.extend_from_slice(payload);
        // Zero would read as "no checksum" (RFC 768): its other form is sent.
        let checksum = match self.sum(out) {
            0 => 0xFFFF,
            sum => sum,
        };
        if let Some(field) = out.get_mut(6..8) {
            BigEndian::write_u16(field, checksum);
        }
        Ok(())
    }

    fn has_exchanges(&self) -> bool {
        true
    }

    fn command_id(&self, random: u64) -> u64 {
        let ports = u64::from(u16::MAX - ASKER_PORT_MIN);
        let port = u64::from(ASKER_PORT_MIN) + random % ports;
        if port == u64::from(self.ground_port) {
            return u64::from(u16::MAX);
        }
        port
    }
}
