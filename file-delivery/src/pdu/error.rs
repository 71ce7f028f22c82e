//! Why a PDU is not taken, or not built.

/// Why octets are no PDU. The sender of the octets is at fault, or what carried them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PduError {
    /// Not even the header is there.
    #[error("{bytes} octets, and the header takes {bytes_min}")]
    TooShort {
        /// Octets that there are.
        bytes: usize,
        /// Octets of the header, or of its fixed part.
        bytes_min: usize,
    },
    /// Not version 001, that of CCSDS 727.0-B-5.
    #[error("CFDP version {found:03b}; only 001 is understood")]
    Version {
        /// The three bits.
        found: u8,
    },
    /// Header and data field are not all the octets that there are.
    #[error("the header says {declared} octets in all, there are {found}")]
    Length {
        /// Octets of header and data field, as the header says.
        declared: usize,
        /// Octets that there are.
        found: usize,
    },
    /// The PDU CRC does not match.
    #[error("PDU CRC {found:04X} does not match {computed:04X}")]
    Crc {
        /// What the PDU says.
        found: u16,
        /// What its octets give.
        computed: u16,
    },
    /// A directive that does not exist.
    #[error("file directive code {code:02X} is not known")]
    UnknownDirective {
        /// The directive code.
        code: u8,
    },
    /// A PDU that travels the wrong way.
    #[error("{part} goes to the wrong end: its direction bit is {found}")]
    Direction {
        /// Which PDU.
        part: &'static str,
        /// The direction bit: 0 toward the receiver of the file, 1 toward its sender.
        found: u8,
    },
    /// The octets end before a field does.
    #[error("{part} ends within its {field}")]
    Truncated {
        /// Which PDU, or which of its parts.
        part: &'static str,
        /// Which field.
        field: &'static str,
    },
    /// Octets after the last field.
    #[error("{bytes} octets after the end of {part}")]
    Surplus {
        /// Which PDU, or which of its parts.
        part: &'static str,
        /// How many.
        bytes: usize,
    },
    /// A field has a value that is reserved, or does not occur there.
    #[error("{part}: {value} is no {field}")]
    Value {
        /// Which PDU, or which of its parts.
        part: &'static str,
        /// Which field.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// A range of octets that ends before it starts, or beyond the largest file.
    #[error("{part}: no range of octets goes from {start} on to {end}")]
    Range {
        /// Which PDU.
        part: &'static str,
        /// Offset of its first octet.
        start: u64,
        /// Offset after its last octet; the largest number where that is beyond it.
        end: u64,
    },
}

/// Why a PDU, or a part of one, cannot be built. The caller is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An id or number that its width does not hold: widen it.
    #[error("{what} {value} does not fit into {width_bytes} octets")]
    TooWide {
        /// Which field.
        what: &'static str,
        /// Its value.
        value: u64,
        /// Octets of the field.
        width_bytes: u8,
    },
    /// More octets than its length field can say.
    #[error("{what} of {bytes} octets; {bytes_max} are the most")]
    TooLong {
        /// Which field.
        what: &'static str,
        /// Its octets.
        bytes: usize,
        /// The most that it may have.
        bytes_max: usize,
    },
    /// A range of octets that ends before it starts, or beyond the largest file.
    #[error("{what}: no range of octets goes from {start} on to {end}")]
    Range {
        /// Which field.
        what: &'static str,
        /// Offset of its first octet.
        start: u64,
        /// Offset after its last octet; the largest number where that is beyond it.
        end: u64,
    },
    /// A filestore status that does not occur with the action.
    #[error("status {status} is none of filestore action {action}")]
    Status {
        /// The action.
        action: &'static str,
        /// The status.
        status: &'static str,
    },
}
