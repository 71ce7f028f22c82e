//! Format `kubos`: bit-exact to what KubOS ground tools speak.
//!
//! ```text
//! octet  0..2   version 000, type 0, secondary header flag 0, APID: payload type
//!        2..4   0 (sequence flags and count)
//!        4..6   octets of payload + 10
//!        6..14  command id, u64
//!       14..16  port, u16: the service on the way up, 0 in everything going down
//!       16..    payload
//! ```
//! One packet is one message; there is no error control. On the way in the type
//! and the secondary header flag are not looked at, because KubOS equipment sets
//! them in either way; a version, a length or sequence flags that cannot be true
//! are refused.

use byteorder::{BigEndian, ByteOrder};

use super::space::{command_header, read_command_header};
use super::{
    ApidMap, Content, IDLE_APID, LinkPacket, PacketError, Parsed, at_least, not_carried, one_packet,
};
use crate::message::{End, Head};

const NAME: &str = "kubos";
const HEADER_BYTES: usize = 16;
const PRIMARY_HEADER_BYTES: usize = 6;
/// What the length field says for an empty payload.
const LENGTH_BASE: usize = 10;

/// The format of KubOS 1.x. See the table at the top of `packet/kubos.rs`.
#[derive(Clone, Debug)]
pub struct KubosFormat {
    /// Which end this is.
    pub end: End,
    /// [`ApidMap::preset`] `kubos` or `kubos-gateway`.
    pub apids: ApidMap,
    /// Octets of the largest packet, if the radio or the builder names a limit.
    pub packet_bytes_max: Option<usize>,
}

impl KubosFormat {
    /// The largest payload in octets that the length field can tell.
    pub const PAYLOAD_BYTES_MAX: usize = u16::MAX as usize - LENGTH_BASE;
}

impl LinkPacket for KubosFormat {
    fn name(&self) -> &'static str {
        NAME
    }

    fn parse(&self, octets: &[u8]) -> Result<Parsed, PacketError> {
        at_least(octets, HEADER_BYTES)?;
        let (primary, rest) = octets
            .split_at_checked(PRIMARY_HEADER_BYTES)
            .unwrap_or_default();
        let first = BigEndian::read_u16(primary.get(0..2).unwrap_or(&[0; 2]));
        let second = BigEndian::read_u16(primary.get(2..4).unwrap_or(&[0; 2]));
        let length = BigEndian::read_u16(primary.get(4..6).unwrap_or(&[0; 2]));

        let version = (first >> 13) as u8;
        if version != 0 {
            return Err(PacketError::Version { version });
        }
        let flags = (second >> 14) as u8;
        if !matches!(flags, 0b00 | 0b11) {
            return Err(PacketError::SequenceFlags { flags });
        }
        let declared = usize::from(length) + PRIMARY_HEADER_BYTES;
        if declared < HEADER_BYTES || declared > octets.len() {
            let found = octets.len();
            return Err(PacketError::Length { declared, found });
        }
        let apid = first & 0x7FF;
        let surplus_bytes = octets.len() - declared;
        if apid == IDLE_APID {
            let content = Content::Idle;
            return Ok(Parsed {
                content,
                surplus_bytes,
            });
        }
        let channel = self
            .apids
            .channel(apid)
            .ok_or(PacketError::UnknownApid { apid })?;
        let (command_id, port) = read_command_header(rest);
        let head = Head {
            payload_type: channel.payload_type,
            class: channel.class,
            security: None,
            command_id,
            port,
        };
        let content = Content::Message {
            head,
            payload: HEADER_BYTES..declared,
        };
        Ok(Parsed {
            content,
            surplus_bytes,
        })
    }

    fn packet_count(&self, head: &Head, payload_bytes: usize) -> Result<u32, PacketError> {
        if self.apids.apid(head.payload_type, head.class).is_none() {
            return Err(not_carried(head.payload_type, NAME));
        }
        one_packet(
            payload_bytes,
            HEADER_BYTES,
            Self::PAYLOAD_BYTES_MAX,
            self.packet_bytes_max,
            NAME,
        )
    }

    fn channel_of(&self, head: &Head) -> u16 {
        let apid = self.apids.apid(head.payload_type, head.class);
        apid.unwrap_or(IDLE_APID)
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
        let port = match self.end {
            End::Satellite => 0,
            End::Ground => head.port,
        };
        let length = (payload.len() + LENGTH_BASE) as u16;
        out.clear();
        out.extend_from_slice(&self.channel_of(head).to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&command_header(&Head { port, ..*head }));
        out.extend_from_slice(payload);
        Ok(())
    }
}
