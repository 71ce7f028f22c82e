//! EOF: the sender has sent the file once, or cancels (CCSDS 727.0-B-5 §5.2.2).
//!
//! ```text
//! octet 0     directive code 04
//!       1     condition code (4 bits), spare (4 bits)
//!       2–5   file checksum
//!       ..+4  file size; 8 octets of a large file
//!       then  unless there is no error: fault location, an entity id TLV
//! ```

use super::code::Code;
use super::condition::ConditionCode;
use super::fields::{Fields, put_file_size};
use super::header::Header;
use super::id::EntityId;
use super::tlv::entity_id::{put_fault_location, read_fault_location};
use super::{BuildError, PduError};

pub(crate) const PART: &str = "EOF";

/// An EOF PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eof {
    /// [`NoError`](ConditionCode::NoError), or why the sender cancels.
    pub condition: ConditionCode,
    /// Of the whole file; of what was sent of it, where the sender cancels.
    pub checksum: u32,
    /// Octets of the file; of what was sent of it, where the sender cancels.
    pub file_size: u64,
    /// The entity that cancels. The standard has it with every condition but
    /// [`NoError`](ConditionCode::NoError); it is read whether or not it should be there.
    pub fault_location: Option<EntityId>,
}

impl Eof {
    pub(crate) fn read(header: &Header, mut fields: Fields<'_>) -> Result<Self, PduError> {
        let condition = fields.u8(ConditionCode::FIELD)? >> 4;
        Ok(Eof {
            condition: ConditionCode::read(&fields, condition)?,
            checksum: fields.u32("file checksum")?,
            file_size: fields.file_size(header.large_file, "file size")?,
            fault_location: read_fault_location(PART, fields)?,
        })
    }

    pub(crate) fn put(&self, header: &Header, out: &mut Vec<u8>) -> Result<(), BuildError> {
        out.push(self.condition.code() << 4);
        out.extend_from_slice(&self.checksum.to_be_bytes());
        put_file_size(self.file_size, header.large_file, "file size", out)?;
        put_fault_location(self.fault_location, header.widths, out)
    }
}
