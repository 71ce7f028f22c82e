//! Type 2, repaired segment: octets of an answer that the ground asked for.
//!
//! ```text
//! octet 0       2
//!       1       payload type, u8: 0 GraphQL
//!       2..10   command id, u64
//!      10..12   port, u16
//!      12..16   octets of the whole answer, u32
//!      16..32   SHA-256 of the whole answer, its first 16 octets
//!      32..36   offset of the octets that follow, u32
//!      36..     octets, at least one (none only of an answer of no octets)
//! ```

use super::{AnswerTo, Body, LinkControlError, TYPE_REPAIRED_SEGMENT};

/// Type 2: octets of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairedSegment<'a> {
    /// Of which answer.
    pub answer_to: AnswerTo,
    /// Octets of the whole answer.
    pub total_bytes: u32,
    /// SHA-256 of the whole answer, its first 16 octets.
    pub hash: [u8; 16],
    /// Where `octets` stand in the answer.
    pub offset: u32,
    /// They end within the answer.
    pub octets: &'a [u8],
}

impl<'a> RepairedSegment<'a> {
    /// Octets before the answer's.
    pub const HEADER_BYTES: usize = 36;

    pub(super) fn decode(body: &'a [u8]) -> Result<Self, LinkControlError> {
        let kind = TYPE_REPAIRED_SEGMENT;
        let (answer_to, octets) = AnswerTo::decode(kind, body)?;
        let mut body = Body { kind, octets };
        let (total_bytes, hash, offset) = (body.u32()?, body.array()?, body.u32()?);
        let octets = body.octets;
        if octets.is_empty() != (total_bytes == 0) {
            return Err(body.length());
        }
        let end = u64::from(offset) + octets.len() as u64;
        if end > u64::from(total_bytes) {
            return Err(body.field("offset"));
        }
        Ok(RepairedSegment {
            answer_to,
            total_bytes,
            hash,
            offset,
            octets,
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![TYPE_REPAIRED_SEGMENT];
        self.answer_to.encode(&mut out);
        out.extend_from_slice(&self.total_bytes.to_be_bytes());
        out.extend_from_slice(&self.hash);
        out.extend_from_slice(&self.offset.to_be_bytes());
        out.extend_from_slice(self.octets);
        out
    }
}
