//! ACK: an EOF or Finished PDU came (CCSDS 727.0-B-5 §5.2.4).
//!
//! ```text
//! octet 0     directive code 06
//!       1     directive code of what came (4 bits): 4 EOF, 5 Finished;
//!             subtype (4 bits): 1 with Finished, else 0
//!       2     condition code of what came (4 bits), spare (2 bits),
//!             transaction status (2 bits)
//! ```

use super::PduError;
use super::code::{Code, codes};
use super::condition::ConditionCode;
use super::fields::Fields;

pub(crate) const PART: &str = "ACK";

codes! {
    /// Which PDU came, 4 bits.
    Acknowledged: "directive code of an acknowledged PDU" {
        /// An EOF PDU.
        Eof = 4,
        /// A Finished PDU.
        Finished = 5,
    }
}

codes! {
    /// How a transaction stands at an entity, 2 bits.
    TransactionStatus: "transaction status" {
        /// Not known, and the entity remembers no transactions.
        Undefined = 0,
        /// Under way.
        Active = 1,
        /// Known, and over.
        Terminated = 2,
        /// Not known, and the entity remembers transactions.
        Unrecognized = 3,
    }
}

/// An ACK PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// What came.
    pub of: Acknowledged,
    /// The condition code that stood in it.
    pub condition: ConditionCode,
    /// How the transaction stands at whom it came to.
    pub status: TransactionStatus,
}

impl Ack {
    /// The subtype is not judged: entities are about that write 1 for an EOF too.
    pub(crate) fn read(mut fields: Fields<'_>) -> Result<Self, PduError> {
        let [of, status] = fields.array("codes")?;
        fields.end()?;
        Ok(Ack {
            of: Acknowledged::read(&fields, of >> 4)?,
            condition: ConditionCode::read(&fields, status >> 4)?,
            status: TransactionStatus::read(&fields, status & 0b11)?,
        })
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let subtype = match self.of {
            Acknowledged::Eof => 0,
            Acknowledged::Finished => 1,
        };
        out.push(self.of.code() << 4 | subtype);
        out.push(self.condition.code() << 4 | self.status.code());
    }
}
