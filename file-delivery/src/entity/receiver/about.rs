//! What a file is about, and how it ends, as the sender says.

use super::Fault;
use crate::StoreName;
use crate::checksum::ChecksumType;
use crate::entity::options::originating_of;
use crate::pdu::{ConditionCode, Eof, Metadata, TransactionId};

/// What the Metadata PDU said.
pub(super) struct About {
    pub(super) pdu: Vec<u8>,
    pub(super) file: Option<StoreName>,
    /// None where it is not known before EOF.
    pub(super) size: Option<u64>,
    pub(super) closure_requested: bool,
    pub(super) checksum_type: ChecksumType,
    pub(super) originating: Option<TransactionId>,
}

/// What EOF said.
#[derive(Clone, Copy)]
pub(super) struct End {
    pub(super) condition: ConditionCode,
    pub(super) checksum: u32,
    pub(super) size: u64,
}

impl About {
    pub(super) fn of(metadata: &Metadata<'_>, octets: &[u8]) -> Result<Self, Fault> {
        let name = metadata.destination_name.octets();
        let file = match name.is_empty() {
            true => None,
            false => Some(StoreName::new(name).map_err(|error| {
                let text = format!("the file name {}: {error}", name.escape_ascii());
                Fault::new(ConditionCode::FilestoreRejection, text)
            })?),
        };
        Ok(About {
            pdu: octets.to_vec(),
            file,
            size: Some(metadata.file_size).filter(|size| *size > 0),
            closure_requested: metadata.closure_requested,
            checksum_type: metadata.checksum_type,
            originating: originating_of(metadata),
        })
    }
}

impl End {
    pub(super) fn of(eof: &Eof) -> Self {
        End {
            condition: eof.condition,
            checksum: eof.checksum,
            size: eof.file_size,
        }
    }
}
