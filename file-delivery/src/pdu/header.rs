//! The fixed PDU header (CCSDS 727.0-B-5 §5.1).
//!
//! ```text
//! octet 0     version 001 (3 bits), PDU type (0 file directive, 1 file data),
//!             direction (0 toward the receiver of the file, 1 toward its sender),
//!             transmission mode (0 acknowledged, 1 not), CRC flag, large file flag
//!       1–2   octets of the data field after the header, the CRC among them
//!       3     segmentation control (1 bit), octets of an entity id less one (3 bits),
//!             segment metadata flag (1 bit), octets of a sequence number less one (3 bits)
//!       then  source entity id, transaction sequence number, destination entity id
//! ```
//! All numbers are big-endian.

use super::code::{Code, codes};
use super::error_control::{self, CRC_BYTES};
use super::fields::Fields;
use super::id::{EntityId, TransactionId, TransactionSeq, Width, Widths};
use super::{BuildError, PduError};

/// Most octets of a data field: its length has 16 bits.
pub const DATA_FIELD_BYTES_MAX: usize = 65_535;

/// Octets before the ids.
const FIXED_BYTES: usize = 4;
const VERSION: u8 = 0b001;
const PART: &str = "PDU header";

codes! {
    /// Whether what is sent is acknowledged, 1 bit.
    TransmissionMode: "transmission mode" {
        /// Class 2: what is missing is sent again, and the end is acknowledged.
        Acknowledged = 0,
        /// Class 1: everything is sent once.
        Unacknowledged = 1,
    }
}

codes! {
    /// Which way a PDU travels, 1 bit.
    Direction: "direction" {
        /// Toward the entity that receives the file.
        TowardReceiver = 0,
        /// Toward the entity that sends the file.
        TowardSender = 1,
    }
}

codes! {
    /// Whether File Data PDUs begin and end where records of the file do, 1 bit.
    SegmentationControl: "segmentation control" {
        /// Anywhere.
        BoundariesNotPreserved = 0,
        /// At records.
        BoundariesPreserved = 1,
    }
}

/// What every PDU of a transaction says of it.
///
/// PDU type, direction, segmentation control and the segment metadata flag come from the
/// [`Pdu`](super::Pdu) that it stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// Acknowledged or not.
    pub mode: TransmissionMode,
    /// Whether the PDU ends with a CRC.
    pub crc: bool,
    /// Whether file sizes and offsets have 64 bits, not 32.
    pub large_file: bool,
    /// Octets of ids.
    pub widths: Widths,
    /// The transaction; its source sends the file, whichever way the PDU goes.
    pub transaction: TransactionId,
    /// The entity that receives the file, whichever way the PDU goes.
    pub destination: EntityId,
}

/// The bits of a header that depend on its PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) file_data: bool,
    pub(crate) direction: Direction,
    pub(crate) segmentation_control: SegmentationControl,
    pub(crate) segment_metadata: bool,
}

impl Header {
    /// Octets of the header.
    pub fn bytes(&self) -> usize {
        FIXED_BYTES + ids_bytes(self.widths)
    }

    /// Octets of a PDU that are not its directive's or file data's: header and CRC.
    pub fn overhead_bytes(&self) -> usize {
        self.bytes() + if self.crc { CRC_BYTES } else { 0 }
    }

    /// Reads a header, and gives the data field without CRC. The octets are exactly one
    /// PDU.
    pub(crate) fn parse(octets: &[u8]) -> Result<(Header, Kind, &[u8]), PduError> {
        let fixed = octets.first_chunk::<FIXED_BYTES>();
        let [first, length_high, length_low, lengths] = *fixed.ok_or(PduError::TooShort {
            bytes: octets.len(),
            bytes_min: FIXED_BYTES,
        })?;
        let version = first >> 5;
        if version != VERSION {
            return Err(PduError::Version { found: version });
        }
        let widths = Widths {
            entity_id: Width::of_code(lengths >> 4),
            transaction_seq: Width::of_code(lengths),
        };
        let bytes = FIXED_BYTES + ids_bytes(widths);
        let data_bytes = usize::from(u16::from_be_bytes([length_high, length_low]));
        if bytes + data_bytes != octets.len() {
            return Err(PduError::Length {
                declared: bytes + data_bytes,
                found: octets.len(),
            });
        }
        let mut fields = Fields::new(PART, octets);
        fields.take(FIXED_BYTES, "fixed part")?;
        let source = fields.number(widths.entity_id, "source entity id")?;
        let number = fields.number(widths.transaction_seq, "transaction sequence number")?;
        let destination = fields.number(widths.entity_id, "destination entity id")?;
        let header = Header {
            mode: TransmissionMode::read(&fields, first >> 2 & 1)?,
            crc: first & 0b10 != 0,
            large_file: first & 0b1 != 0,
            widths,
            transaction: TransactionId {
                source: EntityId(source),
                number: TransactionSeq(number),
            },
            destination: EntityId(destination),
        };
        let kind = Kind {
            file_data: first & 0b1_0000 != 0,
            direction: Direction::read(&fields, first >> 3 & 1)?,
            segmentation_control: SegmentationControl::read(&fields, lengths >> 7)?,
            segment_metadata: lengths & 0b1000 != 0,
        };
        let mut data = fields.rest();
        if header.crc {
            let (covered, _) = data
                .split_last_chunk::<CRC_BYTES>()
                .ok_or(PduError::Truncated {
                    part: PART,
                    field: "CRC",
                })?;
            error_control::check(octets)?;
            data = covered;
        }
        Ok((header, kind, data))
    }

    /// Clears `out` and writes a header whose data field has no length yet.
    pub(crate) fn begin(&self, kind: Kind, out: &mut Vec<u8>) -> Result<(), BuildError> {
        out.clear();
        let first = VERSION << 5
            | u8::from(kind.file_data) << 4
            | kind.direction.code() << 3
            | self.mode.code() << 2
            | u8::from(self.crc) << 1
            | u8::from(self.large_file);
        let lengths = kind.segmentation_control.code() << 7
            | self.widths.entity_id.code() << 4
            | u8::from(kind.segment_metadata) << 3
            | self.widths.transaction_seq.code();
        out.extend_from_slice(&[first, 0, 0, lengths]);
        let Widths {
            entity_id,
            transaction_seq,
        } = self.widths;
        entity_id.put(self.transaction.source.0, "source entity id", out)?;
        let number = self.transaction.number.0;
        transaction_seq.put(number, "transaction sequence number", out)?;
        entity_id.put(self.destination.0, "destination entity id", out)
    }

    /// Writes length and CRC of what stands after the header.
    pub(crate) fn complete(&self, out: &mut Vec<u8>) -> Result<(), BuildError> {
        let bytes = out.len().saturating_sub(self.bytes()) + if self.crc { CRC_BYTES } else { 0 };
        let length = u16::try_from(bytes).map_err(|_| BuildError::TooLong {
            what: "PDU data field",
            bytes,
            bytes_max: DATA_FIELD_BYTES_MAX,
        })?;
        let [length_high, length_low] = length.to_be_bytes();
        if let Some([_, high, low]) = out.first_chunk_mut() {
            (*high, *low) = (length_high, length_low);
        }
        if self.crc {
            error_control::append(out);
        }
        Ok(())
    }
}

fn ids_bytes(widths: Widths) -> usize {
    2 * usize::from(widths.entity_id.bytes()) + usize::from(widths.transaction_seq.bytes())
}
