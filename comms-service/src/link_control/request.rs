//! Type 1, segment request: the ground lacks these octets of an answer.
//!
//! ```text
//! octet 0       1
//!       1       payload type, u8: 0 GraphQL
//!       2..10   command id, u64
//!      10..12   port, u16
//!      then     n × (offset u32, octets u32), ascending and apart; none: the whole answer
//! ```
//! The request is no part of any payload or of its hash, and never runs anything.

use super::{AnswerTo, Body, LinkControlError, TYPE_SEGMENT_REQUEST};

/// Ranges of one request at most: what fits in a packet of 256 octets.
pub const RANGES_MAX: usize = 28;

/// Type 1: send these octets of an answer once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentRequest {
    /// Of which answer.
    pub answer_to: AnswerTo,
    /// Which octets; none means all. Ascending, apart, none of them empty.
    pub ranges: Vec<OctetRange>,
}

/// Some octets of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OctetRange {
    /// Position of the first.
    pub offset: u32,
    /// How many.
    pub bytes: u32,
}

impl OctetRange {
    /// Octets of one range on the wire.
    pub const BYTES: usize = 8;
}

impl SegmentRequest {
    pub(super) fn decode(body: &[u8]) -> Result<Self, LinkControlError> {
        let kind = TYPE_SEGMENT_REQUEST;
        let (answer_to, octets) = AnswerTo::decode(kind, body)?;
        let mut body = Body { kind, octets };
        let mut ranges = Vec::new();
        let mut end_before = None;
        while !body.octets.is_empty() {
            let (offset, bytes) = (body.u32()?, body.u32()?);
            let end = offset.checked_add(bytes).filter(|_| bytes > 0);
            let end = end.ok_or_else(|| body.field("range"))?;
            if end_before.is_some_and(|before| offset <= before) || ranges.len() == RANGES_MAX {
                return Err(body.field("list of ranges"));
            }
            end_before = Some(end);
            ranges.push(OctetRange { offset, bytes });
        }
        Ok(SegmentRequest { answer_to, ranges })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![TYPE_SEGMENT_REQUEST];
        self.answer_to.encode(&mut out);
        for range in &self.ranges {
            out.extend_from_slice(&range.offset.to_be_bytes());
            out.extend_from_slice(&range.bytes.to_be_bytes());
        }
        out
    }
}
