//! KISS framing (Chepponis and Karn, "The KISS TNC"), without I/O.
//!
//! ```text
//! FEND  type  payload …  FEND
//! C0    PC    …          C0      P: port nibble, C: command nibble
//! ```
//!
//! Borders and escapes are those of [`slip`], the type octet included. FESC,
//! TFEND and TFESC are the specification's names of what SLIP calls ESC, ESC_END
//! and ESC_ESC.

use crate::slip::{self, SlipError};

/// Frame end.
pub const FEND: u8 = slip::END;
/// Frame escape.
pub const FESC: u8 = slip::ESC;
/// Transposed frame end: FESC TFEND stands for C0.
pub const TFEND: u8 = slip::ESC_END;
/// Transposed frame escape: FESC TFESC stands for DB.
pub const TFESC: u8 = slip::ESC_ESC;

const RETURN_OCTET: u8 = 0xFF;

/// A TNC port, 0–15: the high nibble of the type octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Port(u8);

impl Port {
    /// Port 0, the only one of most TNCs.
    pub const ZERO: Self = Self(0);

    /// The port of this number, or `None` above 15.
    pub fn new(number: u8) -> Option<Self> {
        (number < 16).then_some(Self(number))
    }

    /// The port's number, 0–15.
    pub fn number(self) -> u8 {
        self.0
    }
}

/// What a frame asks of the TNC: the low nibble of the type octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// 0: the payload is a frame for the air, or from it.
    Data,
    /// 1: key-up delay in units of 10 ms.
    TxDelay,
    /// 2: persistence p, as 256 · p − 1.
    Persistence,
    /// 3: slot time in units of 10 ms.
    SlotTime,
    /// 4: time to hold the transmitter after the frame, in units of 10 ms.
    TxTail,
    /// 5: 0 for half duplex, else full duplex.
    FullDuplex,
    /// 6: whatever the TNC's maker defines.
    SetHardware,
    /// The octet 0xFF on any port: leave KISS.
    Return,
    /// 7–15: not in the specification (some TNCs use 12 and 14 for
    /// acknowledgements). Only the low four bits are sent.
    Extension(u8),
}

impl Command {
    fn split(octet: u8) -> (Port, Self) {
        let command = match (octet, octet & 0x0F) {
            (RETURN_OCTET, _) => Self::Return,
            (_, 0) => Self::Data,
            (_, 1) => Self::TxDelay,
            (_, 2) => Self::Persistence,
            (_, 3) => Self::SlotTime,
            (_, 4) => Self::TxTail,
            (_, 5) => Self::FullDuplex,
            (_, 6) => Self::SetHardware,
            (_, nibble) => Self::Extension(nibble),
        };
        (Port(octet >> 4), command)
    }

    /// The type octet of this command on `port`.
    pub fn type_octet(self, port: Port) -> u8 {
        let nibble = match self {
            Self::Data => 0,
            Self::TxDelay => 1,
            Self::Persistence => 2,
            Self::SlotTime => 3,
            Self::TxTail => 4,
            Self::FullDuplex => 5,
            Self::SetHardware => 6,
            Self::Return => return RETURN_OCTET,
            Self::Extension(nibble) => nibble & 0x0F,
        };
        (port.0 << 4) | nibble
    }
}

/// One decoded frame; the payload is borrowed from the decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KissFrame<'a> {
    /// The TNC port.
    pub port: Port,
    /// The command.
    pub command: Command,
    /// The octets after the type octet, unescaped; may be empty.
    pub payload: &'a [u8],
}

/// Appends one frame to `out`, FENDs on both sides.
///
/// The leading FEND flushes line noise at the receiver (specification, section
/// "Asynchronous framing"). At most [`encoded_bytes_max`] octets are appended.
pub fn encode(port: Port, command: Command, payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(payload.len() + 4);
    out.push(FEND);
    slip::escape(&[command.type_octet(port)], out);
    slip::escape(payload, out);
    out.push(FEND);
}

/// The most octets that [`encode`] makes of a payload of `payload_bytes`: every
/// octet escaped.
pub const fn encoded_bytes_max(payload_bytes: usize) -> usize {
    slip::encoded_bytes_max(payload_bytes.saturating_add(1))
}

/// A streaming decoder: [`slip::Decoder`] with the type octet read.
#[derive(Debug, Clone)]
pub struct Decoder(slip::Decoder);

impl Decoder {
    /// A decoder for frames with at most `payload_bytes_max` octets of payload
    /// (the type octet not counted).
    pub fn new(payload_bytes_max: usize) -> Self {
        Self(slip::Decoder::new(payload_bytes_max.saturating_add(1)))
    }

    /// As [`slip::Decoder::push`].
    pub fn push(&mut self, octets: &[u8]) {
        self.0.push(octets);
    }

    /// As [`slip::Decoder::next_frame`].
    ///
    /// # Errors
    /// As there.
    pub fn next_frame(&mut self) -> Option<Result<KissFrame<'_>, SlipError>> {
        let octets = match self.0.next_frame()? {
            Ok(octets) => octets,
            Err(error) => return Some(Err(error)),
        };
        // A frame of SLIP is never empty.
        let (type_octet, payload) = octets.split_first()?;
        let (port, command) = Command::split(*type_octet);
        Some(Ok(KissFrame {
            port,
            command,
            payload,
        }))
    }

    /// As [`slip::Decoder::reset`].
    pub fn reset(&mut self) -> bool {
        self.0.reset()
    }

    /// As [`slip::Decoder::buffered_bytes`].
    pub fn buffered_bytes(&self) -> usize {
        self.0.buffered_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Owned = Result<(u8, Command, Vec<u8>), SlipError>;

    fn decode(frame_bytes_max: usize, chunks: &[&[u8]]) -> Vec<Owned> {
        let mut decoder = Decoder::new(frame_bytes_max);
        let mut outcomes = Vec::new();
        for chunk in chunks {
            decoder.push(chunk);
            while let Some(outcome) = decoder.next_frame() {
                outcomes.push(outcome.map(|f| (f.port.number(), f.command, f.payload.to_vec())));
            }
        }
        outcomes
    }

    fn data(payload: &[u8]) -> Owned {
        Ok((0, Command::Data, payload.to_vec()))
    }

    #[test]
    fn the_known_vector_encodes_and_decodes() {
        let payload = [
            0, 0, 0, 0, 0, 0x0C, 0, 0, 0, 0, 0, 0, 0, 0xC0, 0x1F, 0x54, 0xDB, 0x01,
        ];
        let expected = [
            0xC0, 0x00, 0, 0, 0, 0, 0, 0x0C, 0, 0, 0, 0, 0, 0, 0, 0xDB, 0xDC, 0x1F, 0x54, 0xDB,
            0xDD, 0x01, 0xC0,
        ];
        let mut encoded = Vec::new();
        encode(Port::ZERO, Command::Data, &payload, &mut encoded);
        assert_eq!(encoded, expected);
        assert_eq!(decode(64, &[&encoded]), [data(&payload)]);
    }

    #[test]
    fn every_port_and_command_survives_even_a_type_octet_of_c0_or_db() {
        for octet in 0..=255 {
            let (port, command) = Command::split(octet);
            let mut encoded = Vec::new();
            encode(port, command, b"x", &mut encoded);
            assert!(encoded.len() <= encoded_bytes_max(1));
            let expected = Ok((port.number(), command, b"x".to_vec()));
            assert_eq!(decode(64, &[&encoded]), [expected]);
        }
    }

    #[test]
    fn one_fend_may_end_a_frame_and_begin_the_next() {
        let stream = b"\xC0\xC0\xC0\x00a\xC0\x00b\xC0\xC0\xC0\x00c\xC0";
        assert_eq!(decode(64, &[stream]), [data(b"a"), data(b"b"), data(b"c")]);
    }

    #[test]
    fn a_wrong_escape_costs_its_own_frame_only() {
        let stream = b"\xC0\x00a\xDBb\xDB\xDC\xC0\x00good\xC0\x00c\xDB\xC0\x00fine\xC0";
        assert_eq!(
            decode(64, &[stream]),
            [
                Err(SlipError::Escape { octet: b'b' }),
                data(b"good"),
                Err(SlipError::Escape { octet: FEND }),
                data(b"fine"),
            ]
        );
    }

    #[test]
    fn a_frame_at_the_limit_is_taken_and_one_above_is_reported_once() {
        let oversize = Err(SlipError::Oversize { frame_bytes_max: 4 });
        assert_eq!(
            decode(3, &[b"\xC0\x00abc\xC0\x00abcd\xC0\x00ok\xC0"]),
            [data(b"abc"), oversize.clone(), data(b"ok")]
        );
        assert_eq!(
            decode(3, &[b"\xC0\x00ab", b"\xDB\xDC\xDB", b"\xDD\xC0\x00ok\xC0"]),
            [oversize, data(b"ok")]
        );
    }

    #[test]
    fn noise_before_the_first_frame_end_is_dropped_and_counted() {
        assert_eq!(
            decode(64, &[b"no", b"ise\xC0\x00a\xC0"]),
            [Err(SlipError::Noise { octets: 5 }), data(b"a")]
        );
    }

    #[test]
    fn a_frame_may_be_cut_between_any_two_octets() {
        let stream: Vec<&[u8]> = b"\xC0\x00a\xDB\xDDb\xC0\x00c\xC0".chunks(1).collect();
        assert_eq!(decode(64, &stream), [data(b"a\xDBb"), data(b"c")]);
    }
}
