//! Rows of bits, as they are on the air.

use radio_hal::HdlcConfig;
use radio_hal::hdlc::{BitOrder, Bits, Decoder, Encoder, FLAG, HdlcError, put_frame};

pub(crate) type Outcome = Result<Vec<u8>, HdlcError>;

/// Every line code in either bit order, with as many flags before a frame as it
/// needs after a gap.
pub(crate) fn configs() -> Vec<HdlcConfig> {
    let mut configs = Vec::new();
    for (nrzi, g3ruh, flags_before) in [
        (false, false, 1),
        (true, false, 2),
        (false, true, 4),
        (true, true, 4),
    ] {
        for bit_order in [BitOrder::LsbFirst, BitOrder::MsbFirst] {
            configs.push(HdlcConfig {
                nrzi,
                g3ruh,
                bit_order,
                flags_before,
            });
        }
    }
    configs
}

/// A row that is made up piece by piece, without line code.
#[derive(Clone, Default)]
pub(crate) struct Row(pub(crate) Vec<bool>);

impl Row {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn bits(mut self, bits: &[u8]) -> Self {
        self.0.extend(bits.iter().map(|bit| *bit != 0));
        self
    }

    pub(crate) fn ones(self, count: usize) -> Self {
        self.bits(&vec![1; count])
    }

    pub(crate) fn flag(self) -> Self {
        let row = (0..8).map(|place| FLAG >> place & 1).collect::<Vec<_>>();
        self.bits(&row)
    }

    /// The frame with its FCS, stuffed, without flags.
    pub(crate) fn frame(mut self, frame: &[u8]) -> Self {
        let mut bits = Bits::new();
        put_frame(frame, &mut bits);
        self.0.extend(bits.iter());
        self
    }

    /// What is left when the last bits never came.
    pub(crate) fn without_last(mut self, count: usize) -> Self {
        self.0.truncate(self.0.len() - count);
        self
    }

    /// What a decoder of the default configuration makes of it.
    pub(crate) fn decode(&self, frame_bytes_max: usize) -> Vec<Outcome> {
        let octets = pack(&self.0, BitOrder::LsbFirst);
        decode(&octets, frame_bytes_max, &HdlcConfig::default())
    }
}

/// The bits of octets in the order of the air.
pub(crate) fn unpack(octets: &[u8], order: BitOrder) -> Vec<bool> {
    let place = |at| {
        if order == BitOrder::LsbFirst {
            at
        } else {
            7 - at
        }
    };
    let bits = octets
        .iter()
        .flat_map(|octet| (0..8).map(move |at| octet >> place(at) & 1 != 0));
    bits.collect()
}

/// The other way; the last octet is filled up with 0s.
pub(crate) fn pack(bits: &[bool], order: BitOrder) -> Vec<u8> {
    let octets = bits.chunks(8).map(|eight| {
        let places = eight.iter().zip(0..);
        let octet = places.fold(0u8, |octet, (bit, at)| octet | u8::from(*bit) << at);
        if order == BitOrder::LsbFirst {
            octet
        } else {
            octet.reverse_bits()
        }
    });
    octets.collect()
}

pub(crate) fn encode(frames: &[Vec<u8>], config: &HdlcConfig) -> Vec<u8> {
    let mut encoder = Encoder::new(config);
    let mut octets = Vec::new();
    for frame in frames {
        encoder.encode(frame, &mut octets);
    }
    octets
}

pub(crate) fn decode(octets: &[u8], frame_bytes_max: usize, config: &HdlcConfig) -> Vec<Outcome> {
    decode_pieces([octets], frame_bytes_max, config)
}

pub(crate) fn decode_pieces<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    frame_bytes_max: usize,
    config: &HdlcConfig,
) -> Vec<Outcome> {
    let mut decoder = Decoder::new(frame_bytes_max, config);
    let mut outcomes = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        while let Some(outcome) = decoder.next_frame() {
            outcomes.push(outcome.map(<[u8]>::to_vec));
        }
    }
    outcomes
}

/// The frames alone.
pub(crate) fn good(outcomes: Vec<Outcome>) -> Vec<Vec<u8>> {
    outcomes.into_iter().flatten().collect()
}

/// Octets at random, the same for the same seed (Marsaglia's xorshift64).
pub(crate) fn random_octets(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let octet = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..bytes).map(octet).collect()
}
