//! HDLC framing (ISO/IEC 13239, as AX.25 v2.2 §3 uses it), without I/O: for
//! radios that hand over bits.
//!
//! ```text
//! flag      frame, least significant bit first  FCS      flag
//! 01111110  … a 0 after each five 1s …          16 bits  01111110
//! ```
//!
//! The FCS is CRC-16/X-25 over the frame, low octet first. A flag may end one
//! frame and begin the next. Seven 1s in a row give a frame up (abort).
//!
//! Two stages may stand between these bits and the radio:
//!
//! - NRZI: a 0 is a change of level, a 1 is none.
//! - The G3RUH scrambler, 1 + x¹² + x¹⁷, which synchronises itself.
//!
//! NRZI comes first on the way out. A receiver could not tell: both are linear,
//! and as each scrambled bit is the sum of three, a row of bits turned over
//! stays so.
//!
//! Eight bits travel in an octet; [`BitOrder`] says which is first. Nothing is
//! said of where an octet begins: a decoder finds flags at any bit.

mod bits;
mod decoder;
mod encoder;
mod line_code;
mod stuffing;

pub use bits::{BitOrder, Bits};
pub use decoder::{Decoder, HdlcError};
pub use encoder::{Encoder, encoded_bytes_max, frame_bits, put_frame};

use crc::{CRC_16_IBM_SDLC, Crc, Table};
use serde::{Deserialize, Serialize};

/// The border of frames, the same in either bit order.
pub const FLAG: u8 = 0x7E;
/// Octets of the FCS.
pub const FCS_BYTES: usize = 2;
/// Flags before each frame when nothing else is configured: a receiver that has
/// just begun to listen needs 17 bits for its descrambler, and then a flag.
pub const FLAGS_BEFORE_DEFAULT: usize = 4;
/// The most flags that can be configured to stand before each frame.
pub const FLAGS_BEFORE_MAX: usize = 4096;

const CRC: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_IBM_SDLC);

/// How HDLC lies in the octets of the medium. Both ends need the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct HdlcConfig {
    /// Whether a 0 is sent as a change of level and a 1 as none.
    pub nrzi: bool,
    /// Whether the G3RUH scrambler is on.
    pub g3ruh: bool,
    /// Which bit of an octet is on the air first.
    pub bit_order: BitOrder,
    /// Flags before each frame, at least 1: what the receiver of a radio that
    /// has just keyed up needs to lock. After a gap NRZI alone costs the decoder
    /// a bit, so choose 2 with it; the scrambler costs 17, so choose 4.
    pub flags_before: usize,
}

impl Default for HdlcConfig {
    fn default() -> Self {
        Self {
            nrzi: false,
            g3ruh: false,
            bit_order: BitOrder::default(),
            flags_before: FLAGS_BEFORE_DEFAULT,
        }
    }
}

/// The frame check sequence over `frame`: CRC-16/X-25 (AX.25 v2.2 §3.8). On the
/// air its low octet comes first.
pub fn fcs(frame: &[u8]) -> u16 {
    CRC.checksum(frame)
}
