//! Bits to frames.

use super::bits::Bits;
use super::line_code::LineDecoder;
use super::stuffing::unstuff;
use super::{FCS_BYTES, HdlcConfig, fcs};

/// A flag that ends a frame has left so many of its bits in it: a 0, and the 1s
/// that might have been data.
const FLAG_BITS_TAKEN: usize = 6;

/// As many bits between two flags are nobody's frame: they fill an octet up, as
/// [`Encoder`](super::Encoder) does, too.
const FILL_BITS_MAX: usize = 7;

/// Finds frames in a row of bits.
///
/// Give it what the radio gave with [`push`](Self::push), then take frames with
/// [`next_frame`](Self::next_frame) until there is none, then push again. Used
/// so, it never holds more than one frame and one pushed chunk.
#[derive(Debug, Clone)]
pub struct Decoder {
    config: HdlcConfig,
    frame_bytes_max: usize,
    line: LineDecoder,
    pending: Vec<u8>,
    /// Bits of `pending` that are decoded.
    consumed_bits: usize,
    /// The octet of `pending` that is being decoded, without its line code.
    octet: u8,
    /// 1s in a row, as far as they matter.
    ones: u8,
    state: State,
    /// The frame in the making.
    frame: Bits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Waiting for a flag.
    Hunting,
    /// After a flag.
    Frame,
    /// The frame in `frame` was handed out.
    HandedOut,
}

impl Decoder {
    /// A decoder for frames of at most `frame_bytes_max` octets, the FCS not
    /// counted.
    pub fn new(frame_bytes_max: usize, config: &HdlcConfig) -> Self {
        Self {
            config: *config,
            frame_bytes_max,
            line: LineDecoder::new(config),
            pending: Vec::new(),
            consumed_bits: 0,
            octet: 0,
            ones: 0,
            state: State::Hunting,
            frame: Bits::new(),
        }
    }

    /// Takes the next octets of the radio's bits.
    pub fn push(&mut self, octets: &[u8]) {
        let consumed = (self.consumed_bits / 8).min(self.pending.len());
        self.pending.drain(..consumed);
        self.consumed_bits -= consumed * 8;
        self.pending.extend_from_slice(octets);
    }

    /// The next frame, without its FCS, or the next reason why there was none;
    /// `None` when the pushed bits hold no further end of a frame. Fewer than
    /// eight bits between two flags are no reason.
    ///
    /// # Errors
    /// A [`HdlcError`] costs one frame at most: the flag that ended it begins
    /// the next.
    pub fn next_frame(&mut self) -> Option<Result<&[u8], HdlcError>> {
        if self.state == State::HandedOut {
            self.begin_frame();
        }
        while let Some(octet) = self.pending.get(self.consumed_bits / 8) {
            if self.consumed_bits % 8 == 0 {
                let octet = self.config.bit_order.arrange(*octet);
                self.octet = self.line.decode(octet);
                if self.take_octet() {
                    self.consumed_bits += 8;
                    continue;
                }
            }
            let bit = self.octet >> (self.consumed_bits % 8) & 1 != 0;
            self.consumed_bits += 1;
            match self.take(bit) {
                None => {}
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(bytes)) => {
                    self.state = State::HandedOut;
                    return self.frame.octets().get(..bytes).map(Ok);
                }
            }
        }
        self.pending.clear();
        self.consumed_bits = 0;
        None
    }

    /// The row was interrupted: what comes next does not continue what came
    /// before. Gives whether a frame was cut off.
    pub fn reset(&mut self) -> bool {
        let cut_off = self.is_in_frame();
        *self = Self {
            pending: std::mem::take(&mut self.pending),
            frame: std::mem::take(&mut self.frame),
            ..Self::new(self.frame_bytes_max, &self.config)
        };
        self.pending.clear();
        self.frame.clear();
        cut_off
    }

    /// Octets held now: pushed and not yet decoded, or of a frame not yet
    /// complete.
    pub fn buffered_bytes(&self) -> usize {
        self.pending.len() - (self.consumed_bits / 8).min(self.pending.len())
            + self.frame.octets().len()
    }

    /// Takes the octet at once if it is data and stuffed bits only, and there is
    /// nothing to be said of it.
    fn take_octet(&mut self) -> bool {
        let Some(part) = unstuff(self.octet, self.ones) else {
            return false;
        };
        if self.state == State::Frame {
            if self.is_full() {
                return false;
            }
            self.frame.push_low(part.bits, part.count);
        }
        self.ones = part.ones;
        true
    }

    /// Gives the octets of a frame that ended whole, or why one did not.
    fn take(&mut self, bit: bool) -> Option<Result<usize, HdlcError>> {
        if bit {
            self.ones += 1;
            return match self.ones {
                ..=5 => self.put(true),
                6 => None,
                _ => self.abort(),
            };
        }
        match std::mem::take(&mut self.ones) {
            ..=4 => self.put(false),
            5 => None,
            6 => self.end_frame(),
            _ => None,
        }
    }

    /// Bits since the flag, but for those that a flag or an abort may have
    /// brought.
    fn data_bits(&self) -> usize {
        self.frame.len().saturating_sub(FLAG_BITS_TAKEN)
    }

    fn is_in_frame(&self) -> bool {
        self.state == State::Frame && self.data_bits() > FILL_BITS_MAX
    }

    /// One octet more is taken than a frame has, for the bits of the flag.
    fn is_full(&self) -> bool {
        self.frame.octets().len() > self.frame_bytes_max.saturating_add(FCS_BYTES)
    }

    fn put(&mut self, bit: bool) -> Option<Result<usize, HdlcError>> {
        if self.state != State::Frame {
            return None;
        }
        if self.frame.len() % 8 == 0 && self.is_full() {
            self.state = State::Hunting;
            return Some(Err(HdlcError::Oversize {
                frame_bytes_max: self.frame_bytes_max,
            }));
        }
        self.frame.push(bit);
        None
    }

    fn abort(&mut self) -> Option<Result<usize, HdlcError>> {
        self.ones = 7;
        let in_frame = self.is_in_frame();
        self.state = State::Hunting;
        in_frame.then_some(Err(HdlcError::Abort))
    }

    fn end_frame(&mut self) -> Option<Result<usize, HdlcError>> {
        if !self.is_in_frame() {
            self.begin_frame();
            return None;
        }
        let outcome = self.check(self.data_bits());
        if outcome.is_err() {
            self.begin_frame();
        }
        Some(outcome)
    }

    fn check(&self, bits: usize) -> Result<usize, HdlcError> {
        let octets = self.frame.octets().get(..bits / 8).unwrap_or_default();
        let Some((frame, [low, high])) = octets.split_last_chunk::<FCS_BYTES>() else {
            return Err(HdlcError::TooShort { bits });
        };
        if frame.is_empty() {
            return Err(HdlcError::TooShort { bits });
        }
        if bits % 8 != 0 {
            return Err(HdlcError::NotOctets { bits });
        }
        if frame.len() > self.frame_bytes_max {
            return Err(HdlcError::Oversize {
                frame_bytes_max: self.frame_bytes_max,
            });
        }
        let received = u16::from_le_bytes([*low, *high]);
        let computed = fcs(frame);
        if received != computed {
            return Err(HdlcError::Fcs { received, computed });
        }
        Ok(frame.len())
    }

    fn begin_frame(&mut self) {
        self.state = State::Frame;
        self.frame.clear();
    }
}

/// Why bits between two flags were no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HdlcError {
    /// The frame check sequence is not that of the frame: bits are wrong.
    #[error("the FCS is {received:#06X} instead of {computed:#06X}")]
    Fcs {
        /// The one that came.
        received: u16,
        /// The one that the frame has.
        computed: u16,
    },
    /// Seven 1s: the sender gave the frame up, or the carrier went.
    #[error("the frame was aborted by seven 1s")]
    Abort,
    /// The bits are no whole number of octets.
    #[error("{bits} bits are no whole number of octets")]
    NotOctets {
        /// How many bits.
        bits: usize,
    },
    /// Not even an octet and an FCS: noise that looked like flags.
    #[error("{bits} bits between two flags are no frame")]
    TooShort {
        /// How many bits.
        bits: usize,
    },
    /// The frame is longer than the limit.
    #[error("frame is longer than {frame_bytes_max} octets")]
    Oversize {
        /// The limit, in octets, the FCS not counted.
        frame_bytes_max: usize,
    },
}
