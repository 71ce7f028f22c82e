//! Finished: what became of the file at its receiver (CCSDS 727.0-B-5 §5.2.3).
//!
//! ```text
//! octet 0     directive code 05
//!       1     condition code (4 bits), spare (1 bit), delivery code (1 bit),
//!             file status (2 bits)
//!       then  a filestore response TLV for each filestore request
//!       then  with an error: fault location, an entity id TLV
//! ```

use super::code::{Code, codes};
use super::condition::ConditionCode;
use super::fields::Fields;
use super::header::Header;
use super::id::EntityId;
use super::tlv::entity_id::{put_fault_location, read_fault_location};
use super::tlv::{FilestoreResponses, TlvType};
use super::{BuildError, PduError};

pub(crate) const PART: &str = "Finished";

codes! {
    /// Whether all of the file is there, 1 bit.
    DeliveryCode: "delivery code" {
        /// Metadata, all file data and EOF came, and the checksum is right.
        Complete = 0,
        /// Something is missing.
        Incomplete = 1,
    }
}

codes! {
    /// What the receiver did with the file, 2 bits.
    FileStatus: "file status" {
        /// Discarded by choice.
        Discarded = 0,
        /// Discarded since the filestore refused it.
        RejectedByFilestore = 1,
        /// In the filestore.
        Retained = 2,
        /// Not told.
        Unreported = 3,
    }
}

/// A Finished PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished<'a> {
    /// How the transaction ended.
    pub condition: ConditionCode,
    /// Whether all of the file came.
    pub delivery: DeliveryCode,
    /// Where the file is.
    pub file_status: FileStatus,
    /// What became of each filestore request, in their order.
    pub responses: FilestoreResponses<'a>,
    /// The entity at fault. The standard has it with every condition but
    /// [`NoError`](ConditionCode::NoError) and
    /// [`UnsupportedChecksumType`](ConditionCode::UnsupportedChecksumType); it is read
    /// whether or not it should be there.
    pub fault_location: Option<EntityId>,
}

impl<'a> Finished<'a> {
    pub(crate) fn read(mut fields: Fields<'a>) -> Result<Self, PduError> {
        let first = fields.u8(ConditionCode::FIELD)?;
        let responses = fields.tlvs_while(TlvType::FilestoreResponse)?;
        Ok(Finished {
            condition: ConditionCode::read(&fields, first >> 4)?,
            delivery: DeliveryCode::read(&fields, first >> 2 & 1)?,
            file_status: FileStatus::read(&fields, first & 0b11)?,
            responses: FilestoreResponses::new_checked(responses)?,
            fault_location: read_fault_location(PART, fields)?,
        })
    }

    pub(crate) fn put(&self, header: &Header, out: &mut Vec<u8>) -> Result<(), BuildError> {
        out.push(status_octet(
            self.condition,
            self.delivery,
            self.file_status,
        ));
        self.responses.put(out)?;
        put_fault_location(self.fault_location, header.widths, out)
    }
}

/// Condition, delivery and file status as one octet.
pub(crate) fn status_octet(
    condition: ConditionCode,
    delivery: DeliveryCode,
    file_status: FileStatus,
) -> u8 {
    condition.code() << 4 | delivery.code() << 2 | file_status.code()
}
