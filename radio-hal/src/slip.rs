//! SLIP framing (RFC 1055), without I/O: octets between frame ends.
//!
//! ```text
//! END  frame …  END      END is C0; in a frame C0 is DB DC, DB is DB DD
//! ```
//!
//! ENDs may stand in runs, and one END may end a frame and begin the next.
//! [`kiss`](crate::kiss) is this with a type octet at the head of each frame.
//!
//! In one respect this decoder is stricter than the RFC, which goes on after a
//! wrong escape: the frame is given up, because a packet with an octet missing is
//! worse than no packet.

use memchr::{memchr, memchr2};

/// Frame end.
pub const END: u8 = 0xC0;
/// Escape.
pub const ESC: u8 = 0xDB;
/// ESC ESC_END stands for C0.
pub const ESC_END: u8 = 0xDC;
/// ESC ESC_ESC stands for DB.
pub const ESC_ESC: u8 = 0xDD;

/// What ends a frame that was begun and cannot be finished: a decoder drops what
/// came of it, for no frame has a lone escape at its end. A laxer one may take it
/// for a whole frame (Dire Wolf 1.6 does); error control in the packet tells.
pub const ABORT: [u8; 2] = [ESC, END];

/// Appends one frame to `out`, ENDs on both sides.
///
/// The leading END flushes line noise at the receiver (RFC 1055, "Protocol").
/// At most [`encoded_bytes_max`] octets are appended.
pub fn encode(frame: &[u8], out: &mut Vec<u8>) {
    out.reserve(frame.len() + 2);
    out.push(END);
    escape(frame, out);
    out.push(END);
}

/// The most octets that [`encode`] makes of a frame of `frame_bytes`: every octet
/// escaped.
pub const fn encoded_bytes_max(frame_bytes: usize) -> usize {
    frame_bytes.saturating_mul(2).saturating_add(2)
}

pub(crate) fn escape(octets: &[u8], out: &mut Vec<u8>) {
    let mut rest = octets;
    while let Some((plain, special, after)) =
        memchr2(END, ESC, rest).and_then(|at| split_around(rest, at))
    {
        out.extend_from_slice(plain);
        out.push(ESC);
        out.push(if special == END { ESC_END } else { ESC_ESC });
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
    /// The frame in the making, unescaped.
    frame: Vec<u8>,
    /// Whether `frame` was handed out and is to be cleared.
    frame_handed_out: bool,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// No END seen yet.
    Hunting { noise_octets: u64 },
    /// Within a frame, or between two.
    Frame,
    /// After ESC.
    Escape,
    /// A frame was given up; waiting for its END.
    Skipping,
}

/// Where a finished frame lies.
enum Finished {
    InPending { start: usize, end: usize },
    Assembled,
}

impl Decoder {
    /// A decoder for frames of at most `frame_bytes_max` octets.
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
    /// A [`SlipError`] costs one frame at most: the decoder goes on at the next
    /// END. It is given as soon as it is seen, so a frame that is too long is
    /// reported before its end.
    pub fn next_frame(&mut self) -> Option<Result<&[u8], SlipError>> {
        match self.advance()? {
            Err(error) => Some(Err(error)),
            Ok(Finished::Assembled) => Some(Ok(&self.frame)),
            Ok(Finished::InPending { start, end }) => self.pending.get(start..end).map(Ok),
        }
    }

    /// The stream was interrupted: what comes next does not continue what came
    /// before. The octets held are dropped, and those up to the next END will be
    /// noise. Gives whether a frame was cut off.
    pub fn reset(&mut self) -> bool {
        let cut_off = match self.state {
            State::Frame => !self.frame.is_empty() && !self.frame_handed_out,
            State::Escape => true,
            State::Hunting { .. } | State::Skipping => false,
        };
        *self = Self {
            pending: std::mem::take(&mut self.pending),
            frame: std::mem::take(&mut self.frame),
            ..Self::new(self.frame_bytes_max)
        };
        self.pending.clear();
        self.frame.clear();
        cut_off
    }

    /// Octets held now: pushed and not yet decoded, or of a frame not yet
    /// complete.
    pub fn buffered_bytes(&self) -> usize {
        self.pending.len().saturating_sub(self.consumed) + self.frame.len()
    }

    fn advance(&mut self) -> Option<Result<Finished, SlipError>> {
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
                    let noise = memchr(END, rest);
                    let noise_octets = noise_octets + noise.unwrap_or(rest.len()) as u64;
                    if noise.is_none() {
                        self.state = State::Hunting { noise_octets };
                    }
                    self.skip_to_end(noise);
                    if noise.is_some() && noise_octets > 0 {
                        return Some(Err(SlipError::Noise {
                            octets: noise_octets,
                        }));
                    }
                }
                State::Skipping => {
                    let end = memchr(END, rest);
                    self.skip_to_end(end);
                }
                State::Escape => {
                    self.consumed += 1;
                    if let Err(error) = self.unescape(first) {
                        return Some(Err(error));
                    }
                }
                State::Frame => {
                    let special = memchr2(END, ESC, rest);
                    if let Some(outcome) = self.take_plain(special) {
                        return Some(outcome);
                    }
                }
            }
        }
    }

    /// Goes behind the END at `end` of the rest, or to the end of all there is.
    fn skip_to_end(&mut self, end: Option<usize>) {
        match end {
            Some(end) => {
                self.consumed += end + 1;
                self.state = State::Frame;
            }
            None => self.consumed = self.pending.len(),
        }
    }

    fn unescape(&mut self, octet: u8) -> Result<(), SlipError> {
        let original = match octet {
            ESC_END => END,
            ESC_ESC => ESC,
            _ => {
                // An END here still ends the frame, so the next one is whole.
                self.give_up(if octet == END {
                    State::Frame
                } else {
                    State::Skipping
                });
                return Err(SlipError::Escape { octet });
            }
        };
        if self.frame.len() >= self.frame_bytes_max {
            return Err(self.oversize());
        }
        self.frame.push(original);
        self.state = State::Frame;
        Ok(())
    }

    /// Takes the octets up to the END or ESC at `special` of the rest, or all.
    fn take_plain(&mut self, special: Option<usize>) -> Option<Result<Finished, SlipError>> {
        let start = self.consumed;
        let end = special.map_or(self.pending.len(), |at| start + at);
        let plain = self.pending.get(start..end).unwrap_or_default();
        self.consumed = end;
        if self.frame.len() + plain.len() > self.frame_bytes_max {
            return Some(Err(self.oversize()));
        }
        if special.is_none() {
            self.frame.extend_from_slice(plain);
            return None;
        }
        self.consumed = end + 1;
        if self.pending.get(end) == Some(&ESC) {
            self.frame.extend_from_slice(plain);
            self.state = State::Escape;
            return None;
        }
        if self.frame.is_empty() {
            // Two ENDs in a row hold no frame.
            return (!plain.is_empty()).then_some(Ok(Finished::InPending { start, end }));
        }
        self.frame.extend_from_slice(plain);
        self.frame_handed_out = true;
        Some(Ok(Finished::Assembled))
    }

    fn oversize(&mut self) -> SlipError {
        self.give_up(State::Skipping);
        SlipError::Oversize {
            frame_bytes_max: self.frame_bytes_max,
        }
    }

    fn give_up(&mut self, state: State) {
        self.frame.clear();
        self.state = state;
    }
}

/// Why octets of a SLIP or KISS stream were no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SlipError {
    /// ESC followed by another octet than ESC_END or ESC_ESC.
    #[error("escape 0xDB is followed by {octet:#04X} instead of 0xDC or 0xDD")]
    Escape {
        /// The octet after ESC.
        octet: u8,
    },
    /// The frame is longer than the limit.
    #[error("frame is longer than {frame_bytes_max} octets")]
    Oversize {
        /// The limit, in octets; with KISS the type octet is one of them.
        frame_bytes_max: usize,
    },
    /// Octets before the first END of the stream.
    #[error("{octets} octets of noise came before the first frame end")]
    Noise {
        /// How many.
        octets: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(frame_bytes_max: usize, chunks: &[&[u8]]) -> Vec<Result<Vec<u8>, SlipError>> {
        let mut decoder = Decoder::new(frame_bytes_max);
        let mut outcomes = Vec::new();
        for chunk in chunks {
            decoder.push(chunk);
            while let Some(outcome) = decoder.next_frame() {
                outcomes.push(outcome.map(<[u8]>::to_vec));
            }
        }
        outcomes
    }

    #[test]
    fn a_frame_with_every_octet_comes_back() {
        let frame: Vec<u8> = (0..=255).collect();
        let mut encoded = Vec::new();
        encode(&frame, &mut encoded);
        assert_eq!(encoded.len(), 260);
        assert_eq!(decode(256, &[&encoded]), [Ok(frame)]);
    }

    #[test]
    fn the_longest_encoding_is_that_of_frame_ends_only() {
        let mut encoded = Vec::new();
        encode(&[END; 100], &mut encoded);
        assert_eq!(encoded.len(), encoded_bytes_max(100));
    }

    #[test]
    fn a_frame_that_was_given_up_by_its_sender_costs_itself_only() {
        let mut stream = b"\xC0begun".to_vec();
        stream.extend_from_slice(&ABORT);
        encode(b"next", &mut stream);
        assert_eq!(
            decode(64, &[&stream]),
            [Err(SlipError::Escape { octet: END }), Ok(b"next".to_vec())]
        );
    }

    #[test]
    fn what_follows_an_interruption_is_not_joined_to_what_came_before() {
        let mut decoder = Decoder::new(64);
        assert!(!decoder.reset(), "nothing came yet");
        decoder.push(b"\xC0first\xC0half");
        assert_eq!(decoder.next_frame(), Some(Ok(&b"first"[..])));
        assert_eq!(decoder.next_frame(), None);
        assert!(decoder.reset(), "half a frame was there");
        assert!(!decoder.reset());
        decoder.push(b"other half\xC0whole\xC0");
        assert!(matches!(
            decoder.next_frame(),
            Some(Err(SlipError::Noise { octets: 10 }))
        ));
        assert_eq!(decoder.next_frame(), Some(Ok(&b"whole"[..])));
    }
}
