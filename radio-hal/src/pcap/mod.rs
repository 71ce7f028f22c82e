//! Captures for Wireshark: the classic pcap file format, version 2.4.
//!
//! A file header of 24 octets, then for each frame a record header of 16
//! octets (seconds, microseconds, captured and original length; `u32`) and the
//! frame. [`PcapWriter`] writes little endian; [`PcapReader`] reads either byte
//! order, and nanoseconds in place of microseconds, as the file's first four
//! octets tell.

mod reader;
mod writer;

pub use reader::{CapturedFrame, PcapError, PcapReader};
pub use writer::PcapWriter;

const MAGIC_MICROSECONDS: u32 = 0xA1B2_C3D4;
const MAGIC_NANOSECONDS: u32 = 0xA1B2_3C4D;
/// The block type that a pcapng file begins with, the same in either byte order.
const MAGIC_PCAPNG: u32 = 0x0A0D_0D0A;
const VERSION_MAJOR: u16 = 2;
const VERSION_MINOR: u16 = 4;
const FILE_HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;

/// The longest frame of a capture, in octets; readers refuse files that claim
/// more.
pub const CAPTURE_BYTES_MAX: u32 = 262_144;

/// What the frames of a capture are (the registry's LINKTYPE values).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkType {
    /// 3: AX.25 frames without flags and FCS.
    Ax25,
    /// 228: IPv4 packets.
    Ipv4,
    /// 147: whatever the user has told Wireshark to take it for.
    User0,
    /// 202: the KISS type octet, then the AX.25 frame; unescaped, no FEND.
    Ax25Kiss,
}

impl LinkType {
    /// Every link type.
    pub const ALL: [Self; 4] = [Self::Ax25, Self::Ipv4, Self::User0, Self::Ax25Kiss];

    /// The registry's number.
    pub fn value(self) -> u32 {
        match self {
            Self::Ax25 => 3,
            Self::Ipv4 => 228,
            Self::User0 => 147,
            Self::Ax25Kiss => 202,
        }
    }

    fn from_value(value: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.value() == value)
    }
}
