//! File Data: octets of the file (CCSDS 727.0-B-5 §5.3).
//!
//! ```text
//! with the segment metadata flag in the header:
//! octet 0     record continuation state (2 bits), length of segment metadata (6 bits)
//!       then  segment metadata
//! always:
//!       ..+4  offset of the first octet of file data; 8 octets of a large file
//!       then  file data, all that is left of the data field
//! ```

use std::ops::Range;

use super::code::{Code, codes};
use super::fields::{Fields, file_size_max, file_size_width, put_file_size};
use super::header::{Header, Kind, SegmentationControl};
use super::{BuildError, PduError};

pub(crate) const PART: &str = "File Data";

codes! {
    /// Which ends of records the file data has, 2 bits.
    RecordContinuation: "record continuation state" {
        /// Neither starts nor ends a record.
        Neither = 0,
        /// Starts a record and does not end it.
        Start = 1,
        /// Ends a record that it does not start.
        End = 2,
        /// Starts a record, and ends one.
        StartAndEnd = 3,
    }
}

/// What a File Data PDU says of its file data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentMetadata<'a> {
    /// Where records start and end.
    pub continuation: RecordContinuation,
    /// At most [`BYTES_MAX`](Self::BYTES_MAX) octets, which mean something to the users.
    pub octets: &'a [u8],
}

impl SegmentMetadata<'_> {
    /// Most octets of segment metadata: the length has 6 bits.
    pub const BYTES_MAX: usize = 63;
}

/// A File Data PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileData<'a> {
    /// Whether the sender keeps to the boundaries of records.
    pub segmentation_control: SegmentationControl,
    /// What is said of the data.
    pub segment_metadata: Option<SegmentMetadata<'a>>,
    /// Where in the file the data starts. What is read ends within the largest file.
    pub offset: u64,
    /// The data.
    pub data: &'a [u8],
}

impl<'a> FileData<'a> {
    /// Plain data of a file without records.
    pub fn new(offset: u64, data: &'a [u8]) -> Self {
        FileData {
            segmentation_control: SegmentationControl::BoundariesNotPreserved,
            segment_metadata: None,
            offset,
            data,
        }
    }

    /// Most octets of file data, without segment metadata, in a PDU of `pdu_bytes_max`
    /// octets.
    pub fn data_bytes_max(header: &Header, pdu_bytes_max: usize) -> usize {
        let pdu_bytes_max = pdu_bytes_max.min(header.bytes() + super::DATA_FIELD_BYTES_MAX);
        let offset_bytes = usize::from(file_size_width(header.large_file).bytes());
        pdu_bytes_max.saturating_sub(header.overhead_bytes() + offset_bytes)
    }

    /// Offsets of the data in the file.
    pub fn range(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.data.len() as u64)
    }

    pub(crate) fn read(
        header: &Header,
        kind: Kind,
        mut fields: Fields<'a>,
    ) -> Result<Self, PduError> {
        let segment_metadata = match kind.segment_metadata {
            true => Some(read_segment_metadata(&mut fields)?),
            false => None,
        };
        let offset = fields.file_size(header.large_file, "offset")?;
        let data = fields.rest();
        if let Some((start, end)) = beyond_any_file(offset, data, header) {
            let part = PART;
            return Err(PduError::Range { part, start, end });
        }
        Ok(FileData {
            segmentation_control: kind.segmentation_control,
            segment_metadata,
            offset,
            data,
        })
    }

    pub(crate) fn put(&self, header: &Header, out: &mut Vec<u8>) -> Result<(), BuildError> {
        if let Some(SegmentMetadata {
            continuation,
            octets,
        }) = self.segment_metadata
        {
            let length = u8::try_from(octets.len()).ok();
            let length = length.filter(|length| usize::from(*length) <= SegmentMetadata::BYTES_MAX);
            let length = length.ok_or(BuildError::TooLong {
                what: "segment metadata",
                bytes: octets.len(),
                bytes_max: SegmentMetadata::BYTES_MAX,
            })?;
            out.push(continuation.code() << 6 | length);
            out.extend_from_slice(octets);
        }
        let what = "file data";
        if let Some((start, end)) = beyond_any_file(self.offset, self.data, header) {
            return Err(BuildError::Range { what, start, end });
        }
        put_file_size(self.offset, header.large_file, "offset", out)?;
        out.extend_from_slice(self.data);
        Ok(())
    }
}

fn read_segment_metadata<'a>(fields: &mut Fields<'a>) -> Result<SegmentMetadata<'a>, PduError> {
    let first = fields.u8(RecordContinuation::FIELD)?;
    Ok(SegmentMetadata {
        continuation: RecordContinuation::read(fields, first >> 6)?,
        octets: fields.take(usize::from(first & 0b11_1111), "segment metadata")?,
    })
}

/// Start and end of data that would end beyond the largest file.
fn beyond_any_file(offset: u64, data: &[u8], header: &Header) -> Option<(u64, u64)> {
    let end = offset.checked_add(data.len() as u64);
    match end {
        Some(end) if end <= file_size_max(header.large_file) => None,
        end => Some((offset, end.unwrap_or(u64::MAX))),
    }
}
