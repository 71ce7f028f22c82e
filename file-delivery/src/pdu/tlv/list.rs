//! Any number of TLVs: those of a PDU that was read, or of a list.

use super::filestore_response::FilestoreResponse;
use super::{Lv, TlvType};
use crate::pdu::code::Code;
use crate::pdu::fields::{Fields, put_with_length};
use crate::pdu::{BuildError, PduError};

const PART: &str = "TLV";

/// What stands in a TLV of one kind of PDU.
pub trait Tlv<'a>: Copy + PartialEq {
    /// Reads a TLV of the type `kind`.
    ///
    /// # Errors
    /// [`PduError`] for a type that does not stand there, or a value that is none of it.
    fn read(kind: u8, value: Lv<'a>) -> Result<Self, PduError>;

    /// The type.
    fn kind(&self) -> TlvType;

    /// Appends the value.
    ///
    /// # Errors
    /// [`BuildError`] for what the fields do not hold.
    fn put_value(&self, out: &mut Vec<u8>) -> Result<(), BuildError>;
}

/// Any number of TLVs.
#[derive(Clone, Copy, Debug)]
pub struct TlvList<'a, T>(Repr<'a, T>);

#[derive(Clone, Copy, Debug)]
enum Repr<'a, T> {
    /// Octets of whole TLVs, each of which is one of `T`.
    Octets(&'a [u8]),
    List(&'a [T]),
}

impl<'a, T: Tlv<'a>> TlvList<'a, T> {
    /// None.
    pub const EMPTY: Self = TlvList(Repr::List(&[]));

    /// Those of a list.
    pub fn of(list: &'a [T]) -> Self {
        TlvList(Repr::List(list))
    }

    pub(crate) fn new_checked(octets: &'a [u8]) -> Result<Self, PduError> {
        let mut fields = Fields::new(PART, octets);
        while !fields.is_empty() {
            read_one::<T>(&mut fields)?;
        }
        Ok(TlvList(Repr::Octets(octets)))
    }

    /// Each of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = T> + Clone + use<'a, T> {
        let (list, octets) = match self.0 {
            Repr::Octets(octets) => (&[][..], octets),
            Repr::List(list) => (list, &[][..]),
        };
        let mut fields = Fields::new(PART, octets);
        // Every TLV was read before, so the first that is refused is the end.
        let read = std::iter::from_fn(move || read_one(&mut fields).ok());
        list.iter().copied().chain(read)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        match self.0 {
            Repr::Octets(octets) => octets.is_empty(),
            Repr::List(list) => list.is_empty(),
        }
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) -> Result<(), BuildError> {
        match self.0 {
            Repr::Octets(octets) => out.extend_from_slice(octets),
            Repr::List(list) => {
                for tlv in list {
                    out.push(tlv.kind().code());
                    put_with_length(PART, out, |out| tlv.put_value(out))?;
                }
            }
        }
        Ok(())
    }
}

impl<'a, T: Tlv<'a>> PartialEq for TlvList<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Tlv<'a> + Eq> Eq for TlvList<'a, T> {}

impl<'a> Tlv<'a> for FilestoreResponse<'a> {
    fn read(kind: u8, value: Lv<'a>) -> Result<Self, PduError> {
        match kind == TlvType::FilestoreResponse.code() {
            true => FilestoreResponse::read_value(value.octets()),
            false => Err(PduError::Value {
                part: crate::pdu::finished::PART,
                field: TlvType::FIELD,
                value: u64::from(kind),
            }),
        }
    }

    fn kind(&self) -> TlvType {
        TlvType::FilestoreResponse
    }

    fn put_value(&self, out: &mut Vec<u8>) -> Result<(), BuildError> {
        self.put(out)
    }
}

impl<'a> Fields<'a> {
    /// The octets of as many TLVs as have the type `kind`.
    pub(crate) fn tlvs_while(&mut self, kind: TlvType) -> Result<&'a [u8], PduError> {
        let all = *self;
        let mut bytes = 0;
        loop {
            let mut next = *self;
            if next.is_empty() || next.u8(TlvType::FIELD)? != kind.code() {
                break;
            }
            // Type and length octet, and the value.
            bytes += 2 + usize::from(next.lv("value of a TLV")?.bytes());
            *self = next;
        }
        let mut leading = all;
        leading.take(bytes, "TLVs")
    }
}

fn read_one<'a, T: Tlv<'a>>(fields: &mut Fields<'a>) -> Result<T, PduError> {
    let kind = fields.u8(TlvType::FIELD)?;
    T::read(kind, fields.lv("value")?)
}
