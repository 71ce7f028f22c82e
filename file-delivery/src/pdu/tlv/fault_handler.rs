//! Fault handler overrides: what is done about a fault of this transaction
//! (CCSDS 727.0-B-5 §5.4.4).
//!
//! ```text
//! octet 0     type 04
//!       1     length 1
//!       2     condition code (4 bits), handler code (4 bits)
//! ```

use crate::pdu::PduError;
use crate::pdu::code::Code;
use crate::pdu::condition::{ConditionCode, FaultHandler};
use crate::pdu::fields::Fields;

pub(crate) const PART: &str = "fault handler override";

/// A fault handler override.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultHandlerOverride {
    /// With which fault.
    pub condition: ConditionCode,
    /// What is done about it.
    pub handler: FaultHandler,
}

impl FaultHandlerOverride {
    /// Reads the value of a TLV.
    pub(super) fn read_value(value: &[u8]) -> Result<Self, PduError> {
        let mut fields = Fields::new(PART, value);
        let codes = fields.u8("codes")?;
        fields.end()?;
        Ok(FaultHandlerOverride {
            condition: ConditionCode::read(&fields, codes >> 4)?,
            handler: FaultHandler::read(&fields, codes & 0xF)?,
        })
    }

    /// Writes the value of a TLV.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.push(self.condition.code() << 4 | self.handler.code());
    }
}
