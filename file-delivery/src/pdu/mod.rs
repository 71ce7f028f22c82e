//! What CFDP entities tell each other: protocol data units (PDUs), octet for octet
//! (CCSDS 727.0-B-5 §5).
//!
//! ```text
//! PDU = header ‖ data field
//! data field = (directive code ‖ parameters, or file data) ‖ CRC-16/IBM-3740 of all
//!              before it, where the header says so
//! ```
//!
//! | directive code | is | travels toward | layout |
//! |---|---|---|---|
//! | 04 | [`Eof`] | the receiver of the file | [`eof`] |
//! | 05 | [`Finished`] | the sender of the file | [`finished`] |
//! | 06 | [`Ack`] | whom what is acknowledged came from | [`ack`] |
//! | 07 | [`Metadata`] | the receiver | [`metadata`] |
//! | 08 | [`Nak`] | the sender | [`nak`] |
//! | 09 | [`Prompt`] | the receiver | [`prompt`] |
//! | 0C | [`KeepAlive`] | the sender | [`keep_alive`] |
//! | none | [`FileData`] | the receiver | [`file_data`] |
//!
//! What is read borrows from the octets it was read from, and was checked as a whole.
//! Spare and reserved bits are 0 when written and not looked at when read; reserved
//! codes, surplus octets and lengths that do not add up are refused.

pub mod ack;
mod code;
pub mod condition;
pub mod eof;
mod error;
mod error_control;
mod fields;
pub mod file_data;
pub mod finished;
pub mod header;
mod id;
pub mod keep_alive;
pub mod metadata;
pub mod nak;
pub mod prompt;
pub mod tlv;

pub use ack::{Ack, Acknowledged, TransactionStatus};
pub use condition::{ConditionCode, FaultHandler};
pub use eof::Eof;
pub use error::{BuildError, PduError};
pub use file_data::{FileData, RecordContinuation, SegmentMetadata};
pub use finished::{DeliveryCode, FileStatus, Finished};
pub use header::{DATA_FIELD_BYTES_MAX, Direction, Header, SegmentationControl, TransmissionMode};
pub use id::{EntityId, NoTransactionId, TransactionId, TransactionSeq, Width, Widths};
pub use keep_alive::KeepAlive;
pub use metadata::Metadata;
pub use nak::{Nak, SegmentRequest, SegmentRequests};
pub use prompt::{Prompt, PromptResponse};

use code::{Code, codes};
use fields::Fields;
use header::Kind;

codes! {
    /// Directive code: the first octet of a file directive (CCSDS 727.0-B-5 table 5-4).
    Directive: "directive code" {
        /// [`Eof`].
        Eof = 0x04,
        /// [`Finished`].
        Finished = 0x05,
        /// [`Ack`].
        Ack = 0x06,
        /// [`Metadata`].
        Metadata = 0x07,
        /// [`Nak`].
        Nak = 0x08,
        /// [`Prompt`].
        Prompt = 0x09,
        /// [`KeepAlive`].
        KeepAlive = 0x0C,
    }
}

/// A PDU without its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pdu<'a> {
    /// The sender has sent the file once, or cancels.
    Eof(Eof),
    /// What became of the file at its receiver.
    Finished(Finished<'a>),
    /// An EOF or Finished PDU came.
    Ack(Ack),
    /// What the transaction is about.
    Metadata(Metadata<'a>),
    /// What the receiver misses.
    Nak(Nak<'a>),
    /// The sender wants to hear of the receiver.
    Prompt(Prompt),
    /// How far the receiver is.
    KeepAlive(KeepAlive),
    /// Octets of the file.
    FileData(FileData<'a>),
}

impl<'a> Pdu<'a> {
    /// Reads one PDU, which is all of `octets`.
    ///
    /// # Errors
    /// [`PduError`] for octets that are no whole PDU of version 001, whose CRC does not
    /// match, or that hold what may not be there.
    pub fn parse(octets: &'a [u8]) -> Result<(Header, Pdu<'a>), PduError> {
        let (header, kind, data) = Header::parse(octets)?;
        let pdu = match kind.file_data {
            true => {
                let fields = Fields::new(file_data::PART, data);
                FileData::read(&header, kind, fields).map(Pdu::FileData)?
            }
            false => read_directive(&header, data)?,
        };
        if pdu.direction() != kind.direction {
            return Err(PduError::Direction {
                part: pdu.part(),
                found: kind.direction.code(),
            });
        }
        Ok((header, pdu))
    }

    /// Writes one PDU. `out` is cleared first; where its capacity is enough, nothing is
    /// allocated.
    ///
    /// # Errors
    /// [`BuildError`] for what the fields of the PDU do not hold; `out` is then empty.
    pub fn build(header: &Header, pdu: &Pdu<'_>, out: &mut Vec<u8>) -> Result<(), BuildError> {
        let built = header
            .begin(pdu.kind(), out)
            .and_then(|()| pdu.put(header, out))
            .and_then(|()| header.complete(out));
        if built.is_err() {
            out.clear();
        }
        built
    }

    /// Which way such a PDU travels.
    pub fn direction(&self) -> Direction {
        match self {
            Pdu::Eof(_) | Pdu::Metadata(_) | Pdu::Prompt(_) | Pdu::FileData(_) => {
                Direction::TowardReceiver
            }
            Pdu::Finished(_) | Pdu::Nak(_) | Pdu::KeepAlive(_) => Direction::TowardSender,
            Pdu::Ack(ack) => match ack.of {
                Acknowledged::Eof => Direction::TowardSender,
                Acknowledged::Finished => Direction::TowardReceiver,
            },
        }
    }

    /// The directive code; none of file data.
    pub fn directive(&self) -> Option<Directive> {
        match self {
            Pdu::Eof(_) => Some(Directive::Eof),
            Pdu::Finished(_) => Some(Directive::Finished),
            Pdu::Ack(_) => Some(Directive::Ack),
            Pdu::Metadata(_) => Some(Directive::Metadata),
            Pdu::Nak(_) => Some(Directive::Nak),
            Pdu::Prompt(_) => Some(Directive::Prompt),
            Pdu::KeepAlive(_) => Some(Directive::KeepAlive),
            Pdu::FileData(_) => None,
        }
    }

    fn kind(&self) -> Kind {
        let (segmentation_control, segment_metadata) = match self {
            Pdu::FileData(data) => (data.segmentation_control, data.segment_metadata.is_some()),
            _ => (SegmentationControl::BoundariesNotPreserved, false),
        };
        Kind {
            file_data: matches!(self, Pdu::FileData(_)),
            direction: self.direction(),
            segmentation_control,
            segment_metadata,
        }
    }

    /// Writes the data field without CRC.
    fn put(&self, header: &Header, out: &mut Vec<u8>) -> Result<(), BuildError> {
        out.extend(self.directive().map(Directive::code));
        match self {
            Pdu::Eof(eof) => eof.put(header, out),
            Pdu::Finished(finished) => finished.put(header, out),
            Pdu::Ack(ack) => {
                ack.put(out);
                Ok(())
            }
            Pdu::Metadata(metadata) => metadata.put(header, out),
            Pdu::Nak(nak) => nak.put(header, out),
            Pdu::Prompt(prompt) => {
                prompt.put(out);
                Ok(())
            }
            Pdu::KeepAlive(keep_alive) => keep_alive.put(header, out),
            Pdu::FileData(data) => data.put(header, out),
        }
    }

    fn part(&self) -> &'static str {
        self.directive().map_or(file_data::PART, part)
    }
}

fn part(directive: Directive) -> &'static str {
    match directive {
        Directive::Eof => eof::PART,
        Directive::Finished => finished::PART,
        Directive::Ack => ack::PART,
        Directive::Metadata => metadata::PART,
        Directive::Nak => nak::PART,
        Directive::Prompt => prompt::PART,
        Directive::KeepAlive => keep_alive::PART,
    }
}

fn read_directive<'a>(header: &Header, data: &'a [u8]) -> Result<Pdu<'a>, PduError> {
    let (code, data) = data.split_first().ok_or(PduError::Truncated {
        part: "file directive",
        field: Directive::FIELD,
    })?;
    let directive = Directive::of_code(*code).ok_or(PduError::UnknownDirective { code: *code })?;
    let fields = Fields::new(part(directive), data);
    match directive {
        Directive::Eof => Eof::read(header, fields).map(Pdu::Eof),
        Directive::Finished => Finished::read(fields).map(Pdu::Finished),
        Directive::Ack => Ack::read(fields).map(Pdu::Ack),
        Directive::Metadata => Metadata::read(header, fields).map(Pdu::Metadata),
        Directive::Nak => Nak::read(header, fields).map(Pdu::Nak),
        Directive::Prompt => Prompt::read(fields).map(Pdu::Prompt),
        Directive::KeepAlive => KeepAlive::read(header, fields).map(Pdu::KeepAlive),
    }
}
