//! Link control: what the two ends of a link tell each other, beside what they
//! carry for others.
//!
//! Each is the payload of one unsegmented packet on the link-control APID
//! ([`PayloadType::LinkControl`]), which has no command header. The first octet is
//! the type; all numbers are big-endian.
//!
//! | type | is | sent by | layout |
//! |---|---|---|---|
//! | 1 | [`SegmentRequest`] | ground | [`request`] |
//! | 2 | [`RepairedSegment`] | satellite | [`repaired`] |
//! | 3 | [`ReceptionReport`] | ground | [`reception_report`] |
//! | 7 | [`AnswerNotKept`] | satellite | [`not_kept`] |
//!
//! Decoding is strict: a payload that is longer or shorter than its type says, or
//! that no encoder makes, is refused.

pub mod not_kept;
pub mod reception_report;
pub mod repaired;
pub mod request;

use crate::message::PayloadType;

pub use not_kept::{AnswerNotKept, NotKept};
pub use reception_report::{Heard, ReceptionReport};
pub use repaired::RepairedSegment;
pub use request::{OctetRange, RANGES_MAX, SegmentRequest};

/// Type octet of a [`SegmentRequest`].
pub const TYPE_SEGMENT_REQUEST: u8 = 1;
/// Type octet of a [`RepairedSegment`].
pub const TYPE_REPAIRED_SEGMENT: u8 = 2;
/// Type octet of a [`ReceptionReport`].
pub const TYPE_RECEPTION_REPORT: u8 = 3;
/// Type octet of an [`AnswerNotKept`].
pub const TYPE_ANSWER_NOT_KEPT: u8 = 7;

/// One link-control message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkControl<'a> {
    /// Type 1: send these octets of an answer once more.
    SegmentRequest(SegmentRequest),
    /// Type 2: octets of an answer.
    RepairedSegment(RepairedSegment<'a>),
    /// Type 3: which messages the ground got whole.
    ReceptionReport(ReceptionReport),
    /// Type 7: the answer that was asked for cannot be had.
    AnswerNotKept(AnswerNotKept),
}

/// Why a link-control message is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkControlError {
    /// No type octet.
    #[error("a link-control message without a type")]
    Empty,
    /// A type that this end does not know.
    #[error("link-control type {0} is not known")]
    UnknownType(u8),
    /// Too few or too many octets for its type.
    #[error("link-control type {kind} ends too soon or too late ({bytes} octets are left)")]
    Length {
        /// The type.
        kind: u8,
        /// Octets where a field of more, or the end, was expected.
        bytes: usize,
    },
    /// A field with a value that does not occur.
    #[error("link-control type {kind}: its {field} is not valid")]
    Field {
        /// The type.
        kind: u8,
        /// Which field.
        field: &'static str,
    },
}

impl<'a> LinkControl<'a> {
    /// Reads the payload of a link-control packet.
    ///
    /// # Errors
    /// [`LinkControlError`], for everything that [`encode`](Self::encode) does
    /// not make.
    pub fn decode(payload: &'a [u8]) -> Result<Self, LinkControlError> {
        let (kind, body) = payload.split_first().ok_or(LinkControlError::Empty)?;
        match *kind {
            TYPE_SEGMENT_REQUEST => SegmentRequest::decode(body).map(Self::SegmentRequest),
            TYPE_REPAIRED_SEGMENT => RepairedSegment::decode(body).map(Self::RepairedSegment),
            TYPE_RECEPTION_REPORT => ReceptionReport::decode(body).map(Self::ReceptionReport),
            TYPE_ANSWER_NOT_KEPT => AnswerNotKept::decode(body).map(Self::AnswerNotKept),
            other => Err(LinkControlError::UnknownType(other)),
        }
    }

    /// The payload of the packet.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::SegmentRequest(request) => request.encode(),
            Self::RepairedSegment(segment) => segment.encode(),
            Self::ReceptionReport(report) => report.encode(),
            Self::AnswerNotKept(not_kept) => not_kept.encode(),
        }
    }
}

/// Whose answer is meant: the head that a command and its answer share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnswerTo {
    /// [`PayloadType::GraphQl`] (0 on the wire): what has answers.
    pub payload_type: PayloadType,
    /// The command's id, never 0.
    pub command_id: u64,
    /// The service's port.
    pub port: u16,
}

impl AnswerTo {
    /// Octets of payload type (u8), command id (u64) and port (u16).
    pub const BYTES: usize = 11;

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(GRAPHQL);
        out.extend_from_slice(&self.command_id.to_be_bytes());
        out.extend_from_slice(&self.port.to_be_bytes());
    }

    /// Reads the first octets of the `body` of a message of type `kind`; also gives
    /// the rest.
    fn decode(kind: u8, body: &[u8]) -> Result<(Self, &[u8]), LinkControlError> {
        let mut body = Body { kind, octets: body };
        let payload_type = body.u8()?;
        let (command_id, port) = (body.u64()?, body.u16()?);
        if payload_type != GRAPHQL {
            return Err(body.field("payload type"));
        }
        if command_id == 0 {
            return Err(body.field("command id"));
        }
        let answer_to = AnswerTo {
            payload_type: PayloadType::GraphQl,
            command_id,
            port,
        };
        Ok((answer_to, body.octets))
    }
}

/// [`PayloadType::GraphQl`] on the wire.
const GRAPHQL: u8 = 0;

/// What is left to read of a message, after its type.
struct Body<'a> {
    kind: u8,
    octets: &'a [u8],
}

impl<'a> Body<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], LinkControlError> {
        let (array, rest) = self
            .octets
            .split_first_chunk::<N>()
            .ok_or_else(|| self.length())?;
        self.octets = rest;
        Ok(*array)
    }

    fn u8(&mut self) -> Result<u8, LinkControlError> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Result<u16, LinkControlError> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, LinkControlError> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, LinkControlError> {
        self.array().map(u64::from_be_bytes)
    }

    fn end(&self) -> Result<(), LinkControlError> {
        match self.octets.is_empty() {
            true => Ok(()),
            false => Err(self.length()),
        }
    }

    fn length(&self) -> LinkControlError {
        LinkControlError::Length {
            kind: self.kind,
            bytes: self.octets.len(),
        }
    }

    fn field(&self, field: &'static str) -> LinkControlError {
        let kind = self.kind;
        LinkControlError::Field { kind, field }
    }
}
