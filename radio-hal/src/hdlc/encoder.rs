//! Frames to bits.

use super::bits::Bits;
use super::line_code::LineEncoder;
use super::stuffing::{Part, stuff};
use super::{FCS_BYTES, FLAG, HdlcConfig, fcs};

/// How many octets of 1s give a frame up. Of the frame, bits may not have gone
/// out that the line code has seen: the receiver's needs 18 to be in step again.
const ABORT_BYTES: usize = 4;

/// Makes octets for the radio. It keeps the state of its line code from one
/// frame to the next.
#[derive(Debug, Clone)]
pub struct Encoder {
    config: HdlcConfig,
    line: LineEncoder,
    bits: Bits,
}

impl Encoder {
    /// An encoder for `config`.
    pub fn new(config: &HdlcConfig) -> Self {
        Self {
            config: *config,
            line: LineEncoder::new(config),
            bits: Bits::new(),
        }
    }

    /// Appends `frame` to `out`: flags, the frame with its FCS and stuffed bits,
    /// a flag, and 1s up to the end of the octet. At most
    /// [`encoded_bytes_max`] octets are appended.
    pub fn encode(&mut self, frame: &[u8], out: &mut Vec<u8>) {
        self.bits.clear();
        for _ in 0..self.config.flags_before {
            self.bits.push_low(FLAG.into(), 8);
        }
        put_frame(frame, &mut self.bits);
        self.bits.push_low(FLAG.into(), 8);
        while self.bits.len() % 8 != 0 {
            self.bits.push(true);
        }
        self.emit(out);
    }

    /// Appends what gives up a frame that was begun and cannot be finished: 1s.
    pub fn abort(&mut self, out: &mut Vec<u8>) {
        self.bits.clear();
        for _ in 0..ABORT_BYTES {
            self.bits.push_low(0xFF, 8);
        }
        self.emit(out);
    }

    fn emit(&mut self, out: &mut Vec<u8>) {
        for octet in self.bits.octets() {
            let coded = self.line.encode(*octet);
            out.push(self.config.bit_order.arrange(coded));
        }
    }
}

/// Adds `frame` and its FCS with their stuffed bits, without flags.
pub fn put_frame(frame: &[u8], bits: &mut Bits) {
    each_part(frame, |part| bits.push_low(part.bits, part.count));
}

/// How many bits [`put_frame`] adds: those of the frame and its FCS, and the
/// stuffed ones.
pub fn frame_bits(frame: &[u8]) -> usize {
    let mut count = 0;
    each_part(frame, |part| count += usize::from(part.count));
    count
}

/// The most octets that [`Encoder::encode`] makes of a frame of `frame_bytes`:
/// a stuffed bit after each five.
pub const fn encoded_bytes_max(frame_bytes: usize, flags_before: usize) -> usize {
    let bits = frame_bytes.saturating_add(FCS_BYTES).saturating_mul(8);
    let stuffed = bits.saturating_add(bits / 5);
    stuffed
        .div_ceil(8)
        .saturating_add(flags_before)
        .saturating_add(1)
}

fn each_part(frame: &[u8], mut put: impl FnMut(Part)) {
    let mut ones = 0;
    let fcs = fcs(frame).to_le_bytes();
    for octet in frame.iter().chain(&fcs) {
        if let Some(part) = stuff(*octet, ones) {
            ones = part.ones;
            put(part);
        }
    }
}
