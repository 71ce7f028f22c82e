//! Bits packed in octets.

use serde::{Deserialize, Serialize};

/// Which bit of an octet comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BitOrder {
    /// The least significant one.
    #[default]
    LsbFirst,
    /// The most significant one.
    MsbFirst,
}

impl BitOrder {
    /// `octet` with the first bit as its least significant one, and back.
    pub(crate) fn arrange(self, octet: u8) -> u8 {
        match self {
            Self::LsbFirst => octet,
            Self::MsbFirst => octet.reverse_bits(),
        }
    }
}

/// A row of bits, the first one in the least significant place of the first
/// octet. The bits beyond the last one are 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits {
    octets: Vec<u8>,
    bits: usize,
}

impl Bits {
    /// No bits.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bits there are.
    pub fn len(&self) -> usize {
        self.bits
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bits == 0
    }

    /// Adds one bit.
    pub fn push(&mut self, bit: bool) {
        let place = self.bits % 8;
        if place == 0 {
            self.octets.push(0);
        }
        if let Some(last) = self.octets.last_mut() {
            *last |= u8::from(bit) << place;
        }
        self.bits += 1;
    }

    /// Adds the `count` lowest of `bits`, up to sixteen, the least significant one
    /// first. Those above must be 0.
    pub(crate) fn push_low(&mut self, bits: u16, count: u8) {
        let place = self.bits % 8;
        let [first, second, third, _] = (u32::from(bits) << place).to_le_bytes();
        let octets = (place + usize::from(count)).div_ceil(8);
        match self.octets.last_mut() {
            Some(last) if place > 0 => *last |= first,
            _ if octets > 0 => self.octets.push(first),
            _ => {}
        }
        if octets > 1 {
            self.octets.push(second);
        }
        if octets > 2 {
            self.octets.push(third);
        }
        self.bits += usize::from(count);
    }

    /// Turns bit number `index` over, if there is one.
    pub fn flip(&mut self, index: usize) {
        let octet = self.octets.get_mut(index / 8);
        if let Some(octet) = octet.filter(|_| index < self.bits) {
            *octet ^= 1 << (index % 8);
        }
    }

    /// Each bit, in order.
    pub fn iter(&self) -> impl Iterator<Item = bool> {
        let all = self.octets.iter().flat_map(|octet| bits_of(*octet));
        all.take(self.bits)
    }

    /// The octets; in the last one only the first `len() % 8` bits count, if that
    /// is not 0.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Takes all out and keeps the capacity.
    pub fn clear(&mut self) {
        self.octets.clear();
        self.bits = 0;
    }
}

/// The bits of an octet, the least significant one first.
pub(crate) fn bits_of(octet: u8) -> impl Iterator<Item = bool> {
    (0..8).map(move |place| octet >> place & 1 != 0)
}
