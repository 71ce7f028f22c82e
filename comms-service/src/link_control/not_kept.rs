//! Type 7, answer not kept: the octets that the ground asked for cannot be had.
//!
//! ```text
//! octet 0       7
//!       1       payload type, u8: 0 GraphQL
//!       2..10   command id, u64
//!      10..12   port, u16
//!      12       reason, u8: 1 not kept, 2 unknown command, 3 still running
//! ```

use super::{AnswerTo, Body, LinkControlError, TYPE_ANSWER_NOT_KEPT};

/// Type 7: the answer that was asked for cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerNotKept {
    /// Which answer.
    pub answer_to: AnswerTo,
    /// Why.
    pub reason: NotKept,
}

/// Why an answer cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotKept {
    /// The command ran; its answer gave way to others.
    Evicted,
    /// The satellite knows of no such command.
    Unknown,
    /// The service has not answered yet.
    Running,
}

impl NotKept {
    const CODES: [(u8, NotKept); 3] = [
        (1, NotKept::Evicted),
        (2, NotKept::Unknown),
        (3, NotKept::Running),
    ];
}

impl AnswerNotKept {
    pub(super) fn decode(body: &[u8]) -> Result<Self, LinkControlError> {
        let kind = TYPE_ANSWER_NOT_KEPT;
        let (answer_to, octets) = AnswerTo::decode(kind, body)?;
        let mut body = Body { kind, octets };
        let code = body.u8()?;
        body.end()?;
        let known = NotKept::CODES.iter().find(|(known, _)| *known == code);
        let (_, reason) = known.ok_or_else(|| body.field("reason"))?;
        Ok(AnswerNotKept {
            answer_to,
            reason: *reason,
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![TYPE_ANSWER_NOT_KEPT];
        self.answer_to.encode(&mut out);
        let codes = NotKept::CODES.iter();
        out.extend(
            codes
                .filter(|(_, reason)| *reason == self.reason)
                .map(|(code, _)| *code),
        );
        out
    }
}
