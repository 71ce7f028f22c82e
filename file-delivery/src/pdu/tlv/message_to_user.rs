//! Messages to the user, and those that are reserved for user operations
//! (CCSDS 727.0-B-5 §5.4.3, §6.1.2).
//!
//! ```text
//! octet 0     type 02
//!       1     length
//!       then  anything, or reserved:
//! octet 2–5   "cfdp"
//!       6     message type
//!       then  as the message type says
//! ```

use super::Lv;
use super::directory::DirectoryMessage;
use super::proxy::ProxyMessage;
use super::remote::RemoteMessage;
use crate::pdu::fields::{Fields, put_transaction_id};
use crate::pdu::id::{TransactionId, Widths};
use crate::pdu::{BuildError, PduError};

/// What a reserved message begins with.
const RESERVED: &[u8; 4] = b"cfdp";
const PART: &str = "message to user";
const TYPE_ORIGINATING_TRANSACTION: u8 = 0x0A;

/// A message to the user, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageToUser<'a>(pub Lv<'a>);

impl<'a> MessageToUser<'a> {
    /// The reserved message that it is; nothing where it does not begin with `cfdp`.
    ///
    /// # Errors
    /// [`PduError`] for a message type that is not known, or another layout than its
    /// type's. A PDU is not refused for such a message.
    pub fn reserved(self) -> Option<Result<ReservedMessage<'a>, PduError>> {
        let rest = self.0.octets().strip_prefix(RESERVED)?;
        Some(ReservedMessage::read(Fields::new(PART, rest)))
    }
}

/// A message between users that the standard defines (CCSDS 727.0-B-5 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReservedMessage<'a> {
    /// Types 00 to 09 and 0B: a transaction on behalf of another entity.
    Proxy(ProxyMessage<'a>),
    /// Type 0A: the transaction that this one answers (§6.1.5).
    OriginatingTransaction(TransactionId),
    /// Types 10 and 11: listing of a directory.
    Directory(DirectoryMessage<'a>),
    /// Types 20 to 39: status, suspension and resumption of a transaction.
    Remote(RemoteMessage<'a>),
}

impl<'a> ReservedMessage<'a> {
    /// Writes the message; [`Lv::new`] of `out` is what [`MessageToUser`] takes. `out` is
    /// cleared first.
    ///
    /// # Errors
    /// [`BuildError`] for what does not fit; `out` is then empty.
    pub fn build(&self, widths: Widths, out: &mut Vec<u8>) -> Result<(), BuildError> {
        out.clear();
        out.extend_from_slice(RESERVED);
        let put = self.put(widths, out).and_then(|()| Lv::new(out).map(drop));
        if put.is_err() {
            out.clear();
        }
        put
    }

    fn read(mut fields: Fields<'a>) -> Result<Self, PduError> {
        let kind = fields.u8("message type")?;
        let message = match kind {
            TYPE_ORIGINATING_TRANSACTION => Self::OriginatingTransaction(fields.transaction_id()?),
            0x00..=0x0F => Self::Proxy(ProxyMessage::read(kind, &mut fields)?),
            0x10..=0x1F => Self::Directory(DirectoryMessage::read(kind, &mut fields)?),
            _ => Self::Remote(RemoteMessage::read(kind, &mut fields)?),
        };
        fields.end()?;
        Ok(message)
    }

    fn put(&self, widths: Widths, out: &mut Vec<u8>) -> Result<(), BuildError> {
        match self {
            Self::Proxy(message) => message.put(widths, out),
            Self::OriginatingTransaction(id) => {
                out.push(TYPE_ORIGINATING_TRANSACTION);
                put_transaction_id(id, widths, out)
            }
            Self::Directory(message) => {
                message.put(out);
                Ok(())
            }
            Self::Remote(message) => message.put(widths, out),
        }
    }
}

/// The error of a message type that is not known.
pub(super) fn unknown_type(fields: &Fields<'_>, kind: u8) -> PduError {
    fields.no_value("message type", u64::from(kind))
}
