//! The checksums of a file (CCSDS 727.0-B-5 §4.2).
//!
//! | type | is | octets may come |
//! |---|---|---|
//! | 0 | [modular](ModularSum) (§4.2.2.3) | in any order |
//! | 2 | CRC-32C (Castagnoli) | in order |
//! | 3 | CRC-32 (IEEE 802.3) | in order |
//! | 15 | none: always 0 (§4.2.2.4) | in any order |
//!
//! Types are those of SANA's registry "CFDP Checksum Identifiers". Its type 1, the CRC-32
//! of Proximity-1, has a name here and no more.

use std::fmt;

use crc::{Algorithm, CRC_32_ISCSI, CRC_32_ISO_HDLC, Crc, Table};

const CRC_32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
const CRC_32: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);

/// How a checksum is computed, 4 bits. Any number may come in a Metadata PDU; what is
/// done about one that is not known is for the entity to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChecksumType(u8);

impl ChecksumType {
    /// Sum of 32-bit words.
    pub const MODULAR: ChecksumType = ChecksumType(0);
    /// CRC-32 of Proximity-1 (CCSDS 211.2-B); not computed here.
    pub const PROXIMITY_1_CRC_32: ChecksumType = ChecksumType(1);
    /// CRC-32C (Castagnoli).
    pub const CRC_32C: ChecksumType = ChecksumType(2);
    /// CRC-32 (IEEE 802.3).
    pub const CRC_32: ChecksumType = ChecksumType(3);
    /// No checksum: always 0.
    pub const NULL: ChecksumType = ChecksumType(15);

    /// The type of this number; nothing above 15.
    pub const fn of_code(code: u8) -> Option<ChecksumType> {
        match code {
            0..=15 => Some(ChecksumType(code)),
            _ => None,
        }
    }

    pub(crate) const fn of_low_bits(octet: u8) -> ChecksumType {
        ChecksumType(octet & 0xF)
    }

    /// The number, 0 to 15.
    pub const fn code(self) -> u8 {
        self.0
    }
}

impl fmt::Display for ChecksumType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MODULAR => f.write_str("modular"),
            Self::PROXIMITY_1_CRC_32 => f.write_str("Proximity-1 CRC-32"),
            Self::CRC_32C => f.write_str("CRC-32C"),
            Self::CRC_32 => f.write_str("CRC-32"),
            Self::NULL => f.write_str("null"),
            ChecksumType(code) => write!(f, "type {code}"),
        }
    }
}

/// Why a checksum does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChecksumError {
    /// A type that is not computed here: the condition is "unsupported checksum type".
    #[error("checksum {0} is not supported")]
    Unsupported(ChecksumType),
    /// Octets that are not the next ones, of a checksum that takes them in order.
    #[error("octets at {found}, but the checksum goes on at {expected}")]
    OutOfOrder {
        /// Offset of the next octet.
        expected: u64,
        /// Offset of the octets.
        found: u64,
    },
}

/// A checksum over as much of a file as was put in.
///
/// All of its state is [`value`](Self::value) and [`octets`](Self::octets), so that
/// [`resume`](Self::resume) goes on after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum {
    algorithm: Computed,
    value: u32,
    octets: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Computed {
    Modular,
    Crc32C,
    Crc32,
    Null,
}

impl Checksum {
    /// Over nothing.
    ///
    /// # Errors
    /// [`ChecksumError::Unsupported`] for a type that is not computed here.
    pub fn new(checksum_type: ChecksumType) -> Result<Self, ChecksumError> {
        Self::resume(checksum_type, 0, 0)
    }

    /// One whose [`value`](Self::value) and [`octets`](Self::octets) were these.
    ///
    /// # Errors
    /// [`ChecksumError::Unsupported`] for a type that is not computed here.
    pub fn resume(
        checksum_type: ChecksumType,
        value: u32,
        octets: u64,
    ) -> Result<Self, ChecksumError> {
        let algorithm = match checksum_type {
            ChecksumType::MODULAR => Computed::Modular,
            ChecksumType::CRC_32C => Computed::Crc32C,
            ChecksumType::CRC_32 => Computed::Crc32,
            ChecksumType::NULL => Computed::Null,
            other => return Err(ChecksumError::Unsupported(other)),
        };
        Ok(Checksum {
            algorithm,
            value,
            octets,
        })
    }

    /// Whether octets may come in any order. They never may come twice.
    pub fn takes_any_order(&self) -> bool {
        matches!(self.algorithm, Computed::Modular | Computed::Null)
    }

    /// Puts in the octets of the file from `offset` on.
    ///
    /// # Errors
    /// [`ChecksumError::OutOfOrder`] where they are not the next ones and have to be;
    /// nothing was put in.
    pub fn update(&mut self, offset: u64, octets: &[u8]) -> Result<(), ChecksumError> {
        if !self.takes_any_order() && offset != self.octets {
            return Err(ChecksumError::OutOfOrder {
                expected: self.octets,
                found: offset,
            });
        }
        self.value = match self.algorithm {
            Computed::Modular => {
                let mut sum = ModularSum(self.value);
                sum.add(offset, octets);
                sum.value()
            }
            Computed::Crc32C => proceed(&CRC_32C, &CRC_32_ISCSI, self.value, octets),
            Computed::Crc32 => proceed(&CRC_32, &CRC_32_ISO_HDLC, self.value, octets),
            Computed::Null => 0,
        };
        self.octets = self.octets.saturating_add(octets.len() as u64);
        Ok(())
    }

    /// The checksum of what was put in; of the file, when that was all of it.
    pub fn value(&self) -> u32 {
        self.value
    }

    /// How many octets were put in.
    pub fn octets(&self) -> u64 {
        self.octets
    }
}

/// The CRC of octets after those whose CRC is `value`, by an algorithm that reflects both
/// ways.
fn proceed(
    crc: &Crc<u32, Table<16>>,
    algorithm: &Algorithm<u32>,
    value: u32,
    octets: &[u8],
) -> u32 {
    let register = (value ^ algorithm.xorout).reverse_bits();
    let mut digest = crc.digest_with_initial(register);
    digest.update(octets);
    digest.finalize()
}

/// The modular checksum: the sum, modulo 2³², of the file as big-endian words of 32 bits,
/// the last of them filled up with zeros (CCSDS 727.0-B-5 §4.2.2.3).
///
/// An octet counts by its offset alone, so parts may come in any order and begin and end
/// anywhere; each octet once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModularSum(u32);

impl ModularSum {
    /// Adds the octets of the file from `offset` on.
    pub fn add(&mut self, offset: u64, octets: &[u8]) {
        let place = usize::try_from(offset % 4).unwrap_or(0);
        // Octets that fill up the word that the first of them stands in.
        let lead = ((4 - place) % 4).min(octets.len());
        let (lead, aligned) = octets.split_at_checked(lead).unwrap_or((octets, &[]));
        let (words, tail) = aligned.as_chunks::<4>();
        let sum = words
            .iter()
            .map(|word| u32::from_be_bytes(*word))
            .fold(self.0, u32::wrapping_add);
        self.0 = sum
            .wrapping_add(word(place, lead))
            .wrapping_add(word(0, tail));
    }

    /// The sum.
    pub fn value(self) -> u32 {
        self.0
    }
}

/// The word that has these octets from `place` on, and zeros elsewhere.
fn word(place: usize, octets: &[u8]) -> u32 {
    let mut word = [0; 4];
    let places = word.iter_mut().skip(place);
    places.zip(octets).for_each(|(at, octet)| *at = *octet);
    u32::from_be_bytes(word)
}
