//! Metadata: what the transaction is about (CCSDS 727.0-B-5 §5.2.5).
//!
//! ```text
//! octet 0     directive code 07
//!       1     reserved (1 bit), closure requested (1 bit), reserved (2 bits),
//!             checksum type (4 bits)
//!       ..+4  file size, 0 where it is not known; 8 octets of a large file
//!       then  source file name, an LV
//!       then  destination file name, an LV
//!       then  TLVs: filestore requests, messages to the user, fault handler overrides,
//!             a flow label
//! ```

use super::fields::{Fields, put_file_size, put_lv};
use super::header::Header;
use super::tlv::{Lv, MetadataOptions};
use super::{BuildError, PduError};
use crate::checksum::ChecksumType;

pub(crate) const PART: &str = "Metadata";

/// A Metadata PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata<'a> {
    /// Whether the receiver says in a Finished PDU what became of the file, though the
    /// transaction is not acknowledged.
    pub closure_requested: bool,
    /// How the checksum in the EOF PDU is computed.
    pub checksum_type: ChecksumType,
    /// Octets of the file; 0 where there is none, or its size is not known.
    pub file_size: u64,
    /// The file's name at the sender, as it came; empty where there is no file.
    pub source_name: Lv<'a>,
    /// The file's name at the receiver, as it came; empty where there is no file.
    pub destination_name: Lv<'a>,
    /// What else is asked for, in the order in which it is to be done.
    pub options: MetadataOptions<'a>,
}

impl<'a> Metadata<'a> {
    pub(crate) fn read(header: &Header, mut fields: Fields<'a>) -> Result<Self, PduError> {
        let first = fields.u8("checksum type")?;
        Ok(Metadata {
            closure_requested: first & 0b0100_0000 != 0,
            checksum_type: ChecksumType::of_low_bits(first),
            file_size: fields.file_size(header.large_file, "file size")?,
            source_name: fields.lv("source file name")?,
            destination_name: fields.lv("destination file name")?,
            options: MetadataOptions::new_checked(fields.rest())?,
        })
    }

    pub(crate) fn put(&self, header: &Header, out: &mut Vec<u8>) -> Result<(), BuildError> {
        out.push(u8::from(self.closure_requested) << 6 | self.checksum_type.code());
        put_file_size(self.file_size, header.large_file, "file size", out)?;
        put_lv(self.source_name, out);
        put_lv(self.destination_name, out);
        self.options.put(out)
    }
}
