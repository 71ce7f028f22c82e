//! Entity ids, transaction sequence numbers, and how many octets they take.

use std::fmt;
use std::str::FromStr;

use super::BuildError;

/// How many octets an id or a number takes on the wire: 1 to 8
/// (CCSDS 727.0-B-5 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Width(u8);

impl Width {
    /// One octet.
    pub const ONE: Width = Width(1);
    /// Two octets.
    pub const TWO: Width = Width(2);
    /// Four octets.
    pub const FOUR: Width = Width(4);
    /// Eight octets, the most that there are.
    pub const EIGHT: Width = Width(8);

    /// A width of so many octets; nothing but for 1 to 8.
    pub const fn of_bytes(bytes: u8) -> Option<Width> {
        match bytes {
            1..=8 => Some(Width(bytes)),
            _ => None,
        }
    }

    /// The smallest width that holds `value`.
    pub const fn for_value(value: u64) -> Width {
        let mut bytes = 1;
        while bytes < 8 && value >> (8 * bytes) != 0 {
            bytes += 1;
        }
        Width(bytes)
    }

    /// Octets, 1 to 8.
    pub const fn bytes(self) -> u8 {
        self.0
    }

    /// The width that a field of three bits says: octets less one.
    pub(crate) const fn of_code(code: u8) -> Width {
        Width((code & 0b111) + 1)
    }

    /// Three bits: octets less one.
    pub(crate) const fn code(self) -> u8 {
        self.0 - 1
    }

    /// Appends `value` in this width, big-endian.
    pub(crate) fn put(
        self,
        value: u64,
        what: &'static str,
        out: &mut Vec<u8>,
    ) -> Result<(), BuildError> {
        if Width::for_value(value) > self {
            return Err(BuildError::TooWide {
                what,
                value,
                width_bytes: self.0,
            });
        }
        let leading = 8 - usize::from(self.0);
        out.extend(value.to_be_bytes().into_iter().skip(leading));
        Ok(())
    }
}

/// How many octets ids and numbers take in the PDUs of an entity.
///
/// An id is the same id in whatever width, so values carry none: what is read in one
/// width may be answered in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Widths {
    /// Of entity ids.
    pub entity_id: Width,
    /// Of transaction sequence numbers.
    pub transaction_seq: Width,
}

/// An entity id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(pub u64);

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A transaction sequence number: a source entity gives each transaction its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionSeq(pub u64);

impl fmt::Display for TransactionSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What tells one transaction from all others. Displays as `source-number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId {
    /// The entity that sends the file.
    pub source: EntityId,
    /// Its number for the transaction.
    pub number: TransactionSeq,
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.source, self.number)
    }
}

/// What is no transaction id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a transaction is written as the id of its source and its number, such as 2-17")]
pub struct NoTransactionId;

impl FromStr for TransactionId {
    type Err = NoTransactionId;

    fn from_str(text: &str) -> Result<Self, NoTransactionId> {
        let number = |text: &str| text.parse::<u64>().map_err(|_| NoTransactionId);
        let (source, seq) = text.split_once('-').ok_or(NoTransactionId)?;
        Ok(TransactionId {
            source: EntityId(number(source)?),
            number: TransactionSeq(number(seq)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{TransactionId, Width};

    #[test]
    fn a_transaction_id_is_read_as_it_is_shown() {
        let id: TransactionId = "2-17".parse().unwrap();
        assert_eq!(
            (id.source.0, id.number.0, &*id.to_string()),
            (2, 17, "2-17")
        );
        for text in ["", "2", "2-", "-1", "2-17-1", "a-1"] {
            assert!(text.parse::<TransactionId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_takes_as_few_octets_as_hold_it() {
        for (value, bytes) in [
            (0, 1),
            (0xFF, 1),
            (0x100, 2),
            (0xFFFF, 2),
            (0x1_0000, 3),
            (u64::MAX >> 8, 7),
            (u64::MAX, 8),
        ] {
            assert_eq!(Width::for_value(value).bytes(), bytes, "{value:X}");
        }
    }
}
