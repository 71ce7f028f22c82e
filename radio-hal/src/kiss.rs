//! KISS framing (Chepponis and Karn, "The KISS TNC"), without I/O.
//!
//! ```text
//! FEND  type  payload …  FEND
//! C0    PC    …          C0      P: port nibble, C: command nibble
//! ```
//!
//! Inside a frame C0 travels as DB DC and DB as DB DD, the type octet included.
//! FENDs may stand in runs, and one FEND may end a frame and begin the next.
//!
//! In one respect this decoder is stricter than the specification, which goes
//! on assembling after a wrong escape: the frame is given up, because a packet
//! with an octet missing is worse than no packet.

use memchr::{memchr, memchr2};

/// Frame end.
pub const FEND: u8 = 0xC0;
/// Frame escape.
pub const FESC: u8 = 0xDB;
/// Transposed frame end: FESC TFEND stands for C0.
pub const TFEND: u8 = 0xDC;
/// Transposed frame escape: FESC TFESC stands for DB.
pub const TFESC: u8 = 0xDD;

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

    fn join(self, port: Port) -> u8 {
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
    escape(&[command.join(port)], out);
    escape(payload, out);
    out.push(FEND);
}

/// The most octets that [`encode`] makes of a payload of `payload_bytes`: every
/// octet escaped.
pub const fn encoded_bytes_max(payload_bytes: usize) -> usize {
    payload_bytes.saturating_add(2).saturating_mul(2)
}

fn escape(octets: &[u8], out: &mut Vec<u8>) {
    let mut rest = octets;
    while let Some((plain, special, after)) =
        memchr2(FEND, FESC, rest).and_then(|at| split_around(rest, at))
    {
        out.extend_from_slice(plain);
        out.push(FESC);
        out.push(if special == FEND { TFEND } else { TFESC });
        rest = after;
    }
    out.extend_from_slice(rest);
}

fn split_around(octets: &[u8], at: usize) -> Option<(&[u8], u8, &[u8])> {
    let (before, rest) = octets.split_at_checked(at)?;
    let (octet, after) = rest.split_first()?;
    Some((before, *octet, after))
}

/// A streaming decoder.
///
/// Give it what the medium gave with [`push`](Self::push), then take frames
/// with [`next_frame`](Self::next_frame) until there is none, then push again.
/// Used so, it never holds more than one frame of `frame_bytes_max` and one
/// pushed chunk. A frame that lies within one chunk and has no escapes is
/// handed out without being copied.
#[derive(Debug, Clone)]
pub struct Decoder {
    frame_bytes_max: usize,
    /// Chunks not yet decoded; the octets before `consumed` are.
    pending: Vec<u8>,
    consumed: usize,
    /// The frame in the making, type octet first, unescaped.
    frame: Vec<u8>,
    /// Whether `frame` was handed out and is to be cleared.
    frame_handed_out: bool,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// No FEND seen yet.
    Hunting { noise_octets: u64 },
    /// Within a frame, or between two.
    Frame,
    /// After FESC.
    Escape,
    /// A frame was given up; waiting for its FEND.
    Skipping,
}

/// Where a finished frame lies.
enum Finished {
    InPending { start: usize, end: usize },
    Assembled,
}

impl Decoder {
    /// A decoder for frames with at most `frame_bytes_max` octets of payload
    /// (the type octet not counted).
    pub fn new(frame_bytes_max: usize) -> Self {
        Self {
            frame_bytes_max,
            pending: Vec::new(),
            consumed: 0,
            frame: Vec::new(),
            frame_handed_out: false,
            state: State::Hunting { noise_octets: 0 },
        }
    }

    /// Takes the next octets of the stream, cut anywhere.
    pub fn push(&mut self, octets: &[u8]) {
        self.pending.drain(..self.consumed.min(self.pending.len()));
        self.consumed = 0;
        self.pending.extend_from_slice(octets);
    }

    /// The next frame, or the next reason why there was none; `None` when the
    /// pushed octets hold no further frame end.
    ///
    /// # Errors
    /// A [`KissError`] costs one frame at most: the decoder goes on at the next
    /// FEND. It is given as soon as it is seen, so a frame that is too long is
    /// reported before its end.
    pub fn next_frame(&mut self) -> Option<Result<KissFrame<'_>, KissError>> {
        let octets = match self.advance()? {
            Err(error) => return Some(Err(error)),
            Ok(Finished::Assembled) => self.frame.as_slice(),
            Ok(Finished::InPending { start, end }) => self.pending.get(start..end)?,
        };
        let (type_octet, payload) = octets.split_first()?;
        let (port, command) = Command::split(*type_octet);
        Some(Ok(KissFrame {
            port,
            command,
            payload,
        }))
    }

    /// Octets held now: pushed and not yet decoded, or of a frame not yet
    /// complete.
    pub fn buffered_bytes(&self) -> usize {
        self.pending.len().saturating_sub(self.consumed) + self.frame.len()
    }

    fn advance(&mut self) -> Option<Result<Finished, KissError>> {
        if std::mem::take(&mut self.frame_handed_out) {
            self.frame.clear();
        }
        loop {
            let rest = self.pending.get(self.consumed..).unwrap_or_default();
            let Some(&first) = rest.first() else {
                self.pending.clear();
                self.consumed = 0;
                return None;
            };
            match self.state {
                State::Hunting { noise_octets } => {
                    let noise = memchr(FEND, rest);
                    let noise_octets = noise_octets + noise.unwrap_or(rest.len()) as u64;
                    if noise.is_none() {
                        self.state = State::Hunting { noise_octets };
                    }
                    self.skip_to_fend(noise);
                    if noise.is_some() && noise_octets > 0 {
                        return Some(Err(KissError::Noise {
                            octets: noise_octets,
                        }));
                    }
                }
                State::Skipping => {
                    let fend = memchr(FEND, rest);
                    self.skip_to_fend(fend);
                }
                State::Escape => {
                    self.consumed += 1;
                    if let Err(error) = self.unescape(first) {
                        return Some(Err(error));
                    }
                }
                State::Frame => {
                    let special = memchr2(FEND, FESC, rest);
                    if let Some(outcome) = self.take_plain(special) {
                        return Some(outcome);
                    }
                }
            }
        }
    }

    /// Goes behind the FEND at `fend` of the rest, or to its end.
    fn skip_to_fend(&mut self, fend: Option<usize>) {
        match fend {
            Some(fend) => {
                self.consumed += fend + 1;
                self.state = State::Frame;
            }
            None => self.consumed = self.pending.len(),
        }
    }

    fn unescape(&mut self, octet: u8) -> Result<(), KissError> {
        let original = match octet {
            TFEND => FEND,
            TFESC => FESC,
            _ => {
                // A FEND here still ends the frame, so the next one is whole.
                self.give_up(if octet == FEND {
                    State::Frame
                } else {
                    State::Skipping
                });
                return Err(KissError::Escape { octet });
            }
        };
        if self.frame.len() > self.frame_bytes_max {
            return Err(self.oversize());
        }
        self.frame.push(original);
        self.state = State::Frame;
        Ok(())
    }

    /// Takes the octets up to the FEND or FESC at `special` of the rest, or all.
    fn take_plain(&mut self, special: Option<usize>) -> Option<Result<Finished, KissError>> {
        let start = self.consumed;
        let end = special.map_or(self.pending.len(), |at| start + at);
        let plain = self.pending.get(start..end).unwrap_or_default();
        self.consumed = end;
        // The type octet comes on top of the payload.
        if self.frame.len() + plain.len() > self.frame_bytes_max.saturating_add(1) {
            return Some(Err(self.oversize()));
        }
        if special.is_none() {
            self.frame.extend_from_slice(plain);
            return None;
        }
        self.consumed = end + 1;
        if self.pending.get(end) == Some(&FESC) {
            self.frame.extend_from_slice(plain);
            self.state = State::Escape;
            return None;
        }
        if self.frame.is_empty() {
            // Two FENDs in a row hold no frame.
            return (!plain.is_empty()).then_some(Ok(Finished::InPending { start, end }));
        }
        self.frame.extend_from_slice(plain);
        self.frame_handed_out = true;
        Some(Ok(Finished::Assembled))
    }

    fn oversize(&mut self) -> KissError {
        self.give_up(State::Skipping);
        KissError::Oversize {
            frame_bytes_max: self.frame_bytes_max,
        }
    }

    fn give_up(&mut self, state: State) {
        self.frame.clear();
        self.state = state;
    }
}

/// Why octets of a KISS stream were no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KissError {
    /// FESC followed by another octet than TFEND or TFESC.
    #[error("KISS escape 0xDB is followed by {octet:#04X} instead of 0xDC or 0xDD")]
    Escape {
        /// The octet after FESC.
        octet: u8,
    },
    /// The frame's payload is longer than the limit.
    #[error("KISS frame is longer than {frame_bytes_max} octets")]
    Oversize {
        /// The limit, in octets of payload.
        frame_bytes_max: usize,
    },
    /// Octets before the first FEND of the stream.
    #[error("{octets} octets of noise came before the first KISS frame end")]
    Noise {
        /// How many.
        octets: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    type Owned = Result<(u8, Command, Vec<u8>), KissError>;

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
                Err(KissError::Escape { octet: b'b' }),
                data(b"good"),
                Err(KissError::Escape { octet: FEND }),
                data(b"fine"),
            ]
        );
    }

    #[test]
    fn a_frame_at_the_limit_is_taken_and_one_above_is_reported_once() {
        let oversize = Err(KissError::Oversize { frame_bytes_max: 3 });
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
            [Err(KissError::Noise { octets: 5 }), data(b"a")]
        );
    }

    #[test]
    fn a_frame_may_be_cut_between_any_two_octets() {
        let stream: Vec<&[u8]> = b"\xC0\x00a\xDB\xDDb\xC0\x00c\xC0".chunks(1).collect();
        assert_eq!(decode(64, &stream), [data(b"a\xDBb"), data(b"c")]);
    }
}
