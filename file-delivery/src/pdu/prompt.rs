//! Prompt: the sender wants to hear of the receiver (CCSDS 727.0-B-5 §5.2.7).
//!
//! ```text
//! octet 0     directive code 09
//!       1     response required (1 bit): 0 NAK, 1 Keep Alive; spare (7 bits)
//! ```

use super::PduError;
use super::code::{Code, codes};
use super::fields::Fields;

pub(crate) const PART: &str = "Prompt";

codes! {
    /// What the receiver is to answer, 1 bit.
    PromptResponse: "response required" {
        /// A NAK PDU.
        Nak = 0,
        /// A Keep Alive PDU.
        KeepAlive = 1,
    }
}

/// A Prompt PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What the receiver is to answer.
    pub response: PromptResponse,
}

impl Prompt {
    pub(crate) fn read(mut fields: Fields<'_>) -> Result<Self, PduError> {
        let first = fields.u8(PromptResponse::FIELD)?;
        fields.end()?;
        let response = PromptResponse::read(&fields, first >> 7)?;
        Ok(Prompt { response })
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.push(self.response.code() << 7);
    }
}
