//! The stages between HDLC's bits and the radio's: NRZI and the G3RUH scrambler.
//!
//! Both work on the eight bits of an octet at once, the first one in the least
//! significant place.

use super::HdlcConfig;

/// From bits to the radio.
#[derive(Debug, Clone)]
pub(crate) struct LineEncoder {
    /// The level that the last bit left.
    nrzi: Option<bool>,
    scrambler: Option<ShiftRegister>,
}

impl LineEncoder {
    pub(crate) fn new(config: &HdlcConfig) -> Self {
        Self {
            nrzi: config.nrzi.then_some(false),
            scrambler: config.g3ruh.then(ShiftRegister::default),
        }
    }

    pub(crate) fn encode(&mut self, mut octet: u8) -> u8 {
        if let Some(level) = &mut self.nrzi {
            // The level at each bit turns over with every 0 up to it.
            let mut levels = !octet;
            levels ^= levels << 1;
            levels ^= levels << 2;
            levels ^= levels << 4;
            octet = if *level { !levels } else { levels };
            *level = last_bit(octet);
        }
        if let Some(register) = &mut self.scrambler {
            octet ^= register.taps();
            register.shift(octet);
        }
        octet
    }
}

/// From the radio to bits.
#[derive(Debug, Clone)]
pub(crate) struct LineDecoder {
    descrambler: Option<ShiftRegister>,
    nrzi: Option<bool>,
}

impl LineDecoder {
    pub(crate) fn new(config: &HdlcConfig) -> Self {
        Self {
            descrambler: config.g3ruh.then(ShiftRegister::default),
            nrzi: config.nrzi.then_some(false),
        }
    }

    pub(crate) fn decode(&mut self, mut octet: u8) -> u8 {
        if let Some(register) = &mut self.descrambler {
            let received = octet;
            octet ^= register.taps();
            register.shift(received);
        }
        if let Some(level) = &mut self.nrzi {
            let changes = octet ^ (octet << 1 | u8::from(*level));
            *level = last_bit(octet);
            octet = !changes;
        }
        octet
    }
}

fn last_bit(octet: u8) -> bool {
    octet >> 7 != 0
}

/// The last 32 bits on the air, the newest in the most significant place. Numbers
/// 12 and 17 back are taken; as that is more than an octet, none of those that
/// eight bits need is among them.
#[derive(Debug, Clone, Default)]
struct ShiftRegister(u32);

impl ShiftRegister {
    /// What the next eight bits are combined with.
    fn taps(&self) -> u8 {
        (self.0 >> (32 - 12) ^ self.0 >> (32 - 17)) as u8
    }

    fn shift(&mut self, octet: u8) {
        self.0 = self.0 >> 8 | u32::from(octet) << 24;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hdlc::bits::bits_of;

    fn bits(octets: &[u8]) -> Vec<bool> {
        octets.iter().flat_map(|octet| bits_of(*octet)).collect()
    }

    /// The line code as its definition has it, bit by bit.
    fn defined(config: &HdlcConfig, octets: &[u8]) -> Vec<bool> {
        let mut level = false;
        let mut air: Vec<bool> = Vec::new();
        for mut bit in bits(octets) {
            if config.nrzi {
                level ^= !bit;
                bit = level;
            }
            let back = |bits: usize| air.len() >= bits && air[air.len() - bits];
            if config.g3ruh {
                bit ^= back(12) ^ back(17);
            }
            air.push(bit);
        }
        air
    }

    #[test]
    fn octets_at_once_are_coded_as_bit_by_bit() {
        let octets: Vec<u8> = (0..2000_u32).map(|n| ((n * n) >> 3) as u8).collect();
        for (nrzi, g3ruh) in [(false, false), (true, false), (false, true), (true, true)] {
            let config = HdlcConfig {
                nrzi,
                g3ruh,
                ..HdlcConfig::default()
            };
            let mut encoder = LineEncoder::new(&config);
            let air: Vec<u8> = octets.iter().map(|octet| encoder.encode(*octet)).collect();
            assert_eq!(bits(&air), defined(&config, &octets));
            let mut decoder = LineDecoder::new(&config);
            let back: Vec<u8> = air.iter().map(|octet| decoder.decode(*octet)).collect();
            assert_eq!(back, octets);
        }
    }
}
