//! NAK: what the receiver misses of a part of the file (CCSDS 727.0-B-5 §5.2.6).
//!
//! ```text
//! octet 0     directive code 08
//!       ..+4  start of scope
//!       ..+4  end of scope
//!       then  a segment request each: start offset (4 octets), end offset (4 octets)
//! ```
//! Scope and offsets have 8 octets in the PDUs of a large file. An end is the offset
//! after the last octet. The request from 0 to 0 is for the Metadata PDU.

use super::fields::{Fields, file_size_width, put_file_size};
use super::header::Header;
use super::{BuildError, PduError};

pub(crate) const PART: &str = "NAK";

/// Directive code.
const CODE_BYTES: usize = 1;

/// Octets of a file that are asked for, or the Metadata PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentRequest {
    /// Offset of the first octet.
    pub start: u64,
    /// Offset after the last octet, not before `start`.
    pub end: u64,
}

impl SegmentRequest {
    /// Asks for the Metadata PDU.
    pub const METADATA: SegmentRequest = SegmentRequest { start: 0, end: 0 };

    /// Whether the Metadata PDU is asked for.
    pub fn is_metadata(&self) -> bool {
        *self == Self::METADATA
    }
}

/// Any number of segment requests: those of a PDU that was read, or of a list.
#[derive(Clone, Copy, Debug)]
pub struct SegmentRequests<'a>(Requests<'a>);

#[derive(Clone, Copy, Debug)]
enum Requests<'a> {
    /// Octets of whole requests, each of which ends where it starts, or later.
    Octets {
        octets: &'a [u8],
        large_file: bool,
    },
    List(&'a [SegmentRequest]),
}

impl<'a> SegmentRequests<'a> {
    /// Those of a list.
    pub fn of(list: &'a [SegmentRequest]) -> Self {
        SegmentRequests(Requests::List(list))
    }

    fn new_checked(octets: &'a [u8], large_file: bool) -> Result<Self, PduError> {
        let mut fields = Fields::new(PART, octets);
        while !fields.is_empty() {
            read_range(&mut fields, large_file, "segment request")?;
        }
        Ok(SegmentRequests(Requests::Octets { octets, large_file }))
    }

    /// Each of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = SegmentRequest> + Clone + use<'a> {
        let (list, octets, large_file) = match self.0 {
            Requests::Octets { octets, large_file } => (&[][..], octets, large_file),
            Requests::List(list) => (list, &[][..], false),
        };
        let mut fields = Fields::new(PART, octets);
        // Every request was read before, so the first that is refused is the end.
        let read =
            std::iter::from_fn(move || read_range(&mut fields, large_file, "segment request").ok());
        list.iter().copied().chain(read)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self.0 {
            Requests::Octets { octets, large_file } => octets.len() / range_bytes(large_file),
            Requests::List(list) => list.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl PartialEq for SegmentRequests<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for SegmentRequests<'_> {}

/// A NAK PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nak<'a> {
    /// Offset of the first octet of the part of the file that it tells of.
    pub start_of_scope: u64,
    /// Offset after that part's last octet, not before `start_of_scope`. What is not
    /// asked for of the part came.
    pub end_of_scope: u64,
    /// What is missing.
    pub requests: SegmentRequests<'a>,
}

impl<'a> Nak<'a> {
    /// Most segment requests in a PDU of `pdu_bytes_max` octets; none where the header
    /// alone takes them.
    pub fn requests_max(header: &Header, pdu_bytes_max: usize) -> usize {
        let range_bytes = range_bytes(header.large_file);
        let scope_end = header.overhead_bytes() + CODE_BYTES + range_bytes;
        pdu_bytes_max.saturating_sub(scope_end) / range_bytes
    }

    pub(crate) fn read(header: &Header, mut fields: Fields<'a>) -> Result<Self, PduError> {
        let scope = read_range(&mut fields, header.large_file, "scope")?;
        Ok(Nak {
            start_of_scope: scope.start,
            end_of_scope: scope.end,
            requests: SegmentRequests::new_checked(fields.rest(), header.large_file)?,
        })
    }

    pub(crate) fn put(&self, header: &Header, out: &mut Vec<u8>) -> Result<(), BuildError> {
        let scope = SegmentRequest {
            start: self.start_of_scope,
            end: self.end_of_scope,
        };
        put_range(scope, header.large_file, "scope", out)?;
        let mut requests = self.requests.iter();
        requests
            .try_for_each(|request| put_range(request, header.large_file, "segment request", out))
    }
}

fn range_bytes(large_file: bool) -> usize {
    2 * usize::from(file_size_width(large_file).bytes())
}

fn read_range(
    fields: &mut Fields<'_>,
    large_file: bool,
    field: &'static str,
) -> Result<SegmentRequest, PduError> {
    let start = fields.file_size(large_file, field)?;
    let end = fields.file_size(large_file, field)?;
    match start <= end {
        true => Ok(SegmentRequest { start, end }),
        false => Err(PduError::Range {
            part: PART,
            start,
            end,
        }),
    }
}

fn put_range(
    range: SegmentRequest,
    large_file: bool,
    what: &'static str,
    out: &mut Vec<u8>,
) -> Result<(), BuildError> {
    let SegmentRequest { start, end } = range;
    if start > end {
        return Err(BuildError::Range { what, start, end });
    }
    put_file_size(start, large_file, what, out)?;
    put_file_size(end, large_file, what, out)
}
