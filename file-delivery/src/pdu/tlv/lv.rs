//! LVs: a length octet and so many octets (CCSDS 727.0-B-5 table 5-2).

use crate::pdu::BuildError;

/// The value of an LV, or of a TLV: at most [`BYTES_MAX`](Self::BYTES_MAX) octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lv<'a>(&'a [u8]);

impl<'a> Lv<'a> {
    /// Most octets: the length has 8 bits.
    pub const BYTES_MAX: usize = 255;

    /// No octets.
    pub const EMPTY: Lv<'static> = Lv(&[]);

    /// # Errors
    /// [`BuildError::TooLong`] for more than [`BYTES_MAX`](Self::BYTES_MAX) octets.
    pub fn new(octets: &'a [u8]) -> Result<Self, BuildError> {
        match octets.len() {
            0..=Self::BYTES_MAX => Ok(Lv(octets)),
            bytes => Err(BuildError::TooLong {
                what: "LV",
                bytes,
                bytes_max: Self::BYTES_MAX,
            }),
        }
    }

    /// Octets whose number came from one octet.
    pub(crate) fn of_checked(octets: &'a [u8]) -> Self {
        debug_assert!(octets.len() <= Self::BYTES_MAX);
        Lv(octets)
    }

    /// The octets, without their length.
    pub fn octets(self) -> &'a [u8] {
        self.0
    }

    /// How many octets, without the length.
    pub fn bytes(self) -> u8 {
        u8::try_from(self.0.len()).unwrap_or(u8::MAX)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}
