//! The stages between HDLC's bits and the radio's: NRZI and the G3RUH scrambler.

use super::HdlcConfig;

/// From bits to the radio.
#[derive(Debug, Clone)]
pub(crate) struct LineEncoder {
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

    pub(crate) fn encode(&mut self, mut bit: bool) -> bool {
        if let Some(level) = &mut self.nrzi {
            *level ^= !bit;
            bit = *level;
        }
        if let Some(register) = &mut self.scrambler {
            bit ^= register.taps();
            register.shift(bit);
        }
        bit
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

    pub(crate) fn decode(&mut self, mut bit: bool) -> bool {
        if let Some(register) = &mut self.descrambler {
            let received = bit;
            bit ^= register.taps();
            register.shift(received);
        }
        if let Some(level) = &mut self.nrzi {
            let changed = *level != bit;
            *level = bit;
            bit = !changed;
        }
        bit
    }
}

/// The last 17 bits on the air, of which numbers 12 and 17 back are taken.
#[derive(Debug, Clone, Default)]
struct ShiftRegister(u32);

impl ShiftRegister {
    fn taps(&self) -> bool {
        (self.0 >> 11 ^ self.0 >> 16) & 1 != 0
    }

    fn shift(&mut self, bit: bool) {
        self.0 = self.0 << 1 | u32::from(bit);
    }
}
