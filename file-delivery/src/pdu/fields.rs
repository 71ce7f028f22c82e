//! Reading the fields of a PDU one after the other, and writing them.

use super::id::{EntityId, TransactionId, TransactionSeq, Width, Widths};
use super::tlv::Lv;
use super::{BuildError, PduError};

/// What is left to read of a PDU, or of a part of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    part: &'static str,
    octets: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(part: &'static str, octets: &'a [u8]) -> Self {
        Fields { part, octets }
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], PduError> {
        let split = self.octets.split_first_chunk::<N>();
        let (array, rest) = split.ok_or_else(|| self.truncated(field))?;
        self.octets = rest;
        Ok(*array)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, PduError> {
        self.array(field).map(u8::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, PduError> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// A file size or offset: 8 octets in the PDUs of a large file, else 4
    /// ("FSS", CCSDS 727.0-B-5 §5.1.10).
    pub(crate) fn file_size(
        &mut self,
        large_file: bool,
        field: &'static str,
    ) -> Result<u64, PduError> {
        match large_file {
            true => self.array(field).map(u64::from_be_bytes),
            false => self.u32(field).map(u64::from),
        }
    }

    pub(crate) fn number(&mut self, width: Width, field: &'static str) -> Result<u64, PduError> {
        Ok(big_endian(self.take(usize::from(width.bytes()), field)?))
    }

    pub(crate) fn take(&mut self, bytes: usize, field: &'static str) -> Result<&'a [u8], PduError> {
        let split = self.octets.split_at_checked(bytes);
        let (taken, rest) = split.ok_or_else(|| self.truncated(field))?;
        self.octets = rest;
        Ok(taken)
    }

    pub(crate) fn lv(&mut self, field: &'static str) -> Result<Lv<'a>, PduError> {
        let bytes = self.u8(field)?;
        self.take(usize::from(bytes), field).map(Lv::of_checked)
    }

    /// An entity id in an LV (or the value of a TLV): 1 to 8 octets.
    pub(crate) fn entity_id_lv(&mut self, field: &'static str) -> Result<EntityId, PduError> {
        let octets = self.lv(field)?.octets();
        match octets.len() {
            1..=8 => Ok(EntityId(big_endian(octets))),
            bytes => Err(self.no_value("length of an entity id", bytes as u64)),
        }
    }

    /// Both lengths in an octet, then source entity id and sequence number, as messages
    /// to users have them (CCSDS 727.0-B-5 §6).
    pub(crate) fn transaction_id(&mut self) -> Result<TransactionId, PduError> {
        let lengths = self.u8("lengths of ids")?;
        let entity_id = Width::of_code(lengths >> 4);
        let number = Width::of_code(lengths);
        Ok(TransactionId {
            source: EntityId(self.number(entity_id, "source entity id")?),
            number: TransactionSeq(self.number(number, "transaction sequence number")?),
        })
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.octets)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// That nothing is left.
    pub(crate) fn end(&self) -> Result<(), PduError> {
        match self.octets.len() {
            0 => Ok(()),
            bytes => Err(PduError::Surplus {
                part: self.part,
                bytes,
            }),
        }
    }

    /// What a code stands for; it is refused when for nothing.
    pub(crate) fn known<T>(
        &self,
        known: Option<T>,
        field: &'static str,
        value: u8,
    ) -> Result<T, PduError> {
        known.ok_or_else(|| self.no_value(field, u64::from(value)))
    }

    pub(crate) fn no_value(&self, field: &'static str, value: u64) -> PduError {
        let part = self.part;
        PduError::Value { part, field, value }
    }

    fn truncated(&self, field: &'static str) -> PduError {
        let part = self.part;
        PduError::Truncated { part, field }
    }
}

/// The number in at most 8 octets.
fn big_endian(octets: &[u8]) -> u64 {
    octets
        .iter()
        .fold(0, |number, octet| number << 8 | u64::from(*octet))
}

/// Largest file size or offset.
pub(crate) fn file_size_max(large_file: bool) -> u64 {
    match large_file {
        true => u64::MAX,
        false => u64::from(u32::MAX),
    }
}

/// Octets of a file size or offset.
pub(crate) fn file_size_width(large_file: bool) -> Width {
    match large_file {
        true => Width::EIGHT,
        false => Width::FOUR,
    }
}

pub(crate) fn put_file_size(
    value: u64,
    large_file: bool,
    what: &'static str,
    out: &mut Vec<u8>,
) -> Result<(), BuildError> {
    file_size_width(large_file).put(value, what, out)
}

pub(crate) fn put_lv(lv: Lv<'_>, out: &mut Vec<u8>) {
    out.push(lv.bytes());
    out.extend_from_slice(lv.octets());
}

/// Appends a length octet and what `body` appends.
pub(crate) fn put_with_length(
    what: &'static str,
    out: &mut Vec<u8>,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    let at = out.len();
    out.push(0);
    body(out)?;
    let bytes = out.len() - at - 1;
    let length = u8::try_from(bytes).map_err(|_| BuildError::TooLong {
        what,
        bytes,
        bytes_max: Lv::BYTES_MAX,
    })?;
    if let Some(octet) = out.get_mut(at) {
        *octet = length;
    }
    Ok(())
}

pub(crate) fn put_transaction_id(
    id: &TransactionId,
    widths: Widths,
    out: &mut Vec<u8>,
) -> Result<(), BuildError> {
    out.push(widths.entity_id.code() << 4 | widths.transaction_seq.code());
    widths.entity_id.put(id.source.0, "source entity id", out)?;
    widths
        .transaction_seq
        .put(id.number.0, "transaction sequence number", out)
}
