use radio_hal::HdlcConfig;
use radio_hal::hdlc::{
    BitOrder, Decoder, Encoder, FCS_BYTES, HdlcError, encoded_bytes_max, frame_bits,
};

use crate::pieces::Pieces;

const FRAME_BYTES_MAX: usize = 64;
/// More would take long and show nothing new.
const FRAMES_MAX: usize = 16;
/// A frame, its FCS, and the octet that the flag's bits are taken in.
const BUFFERED_BYTES_MAX: usize = FRAME_BYTES_MAX + FCS_BYTES + 1;
const NEXT_FRAME: &[u8] = b"next \x7E\xFF\xFF\x00 frame";

type Outcome = Result<Vec<u8>, HdlcError>;

/// HDLC: bounded, the same however it is cut, round trip, next frame whole. The
/// low bits of the first octet choose the line code, the rest is [`Pieces`].
pub fn hdlc(input: &[u8]) {
    let (choice, rest) = input.split_first().unwrap_or((&0, &[]));
    let config = config(*choice);
    let pieces = Pieces::of(rest);
    let mut decoder = Decoder::new(FRAME_BYTES_MAX, &config);
    let outcomes = decode(&mut decoder, pieces.iter());
    let uncut = decode(&mut Decoder::new(FRAME_BYTES_MAX, &config), [pieces.stream]);
    assert_eq!(outcomes, uncut, "the cuts made a difference");

    for frame in outcomes.into_iter().flatten() {
        assert!(!frame.is_empty() && frame.len() <= FRAME_BYTES_MAX);
    }
    // Chance hardly ever finds an FCS, so the pieces are sent as frames too.
    all_come_back(pieces.iter().take(FRAMES_MAX), &config);

    let mut next = Vec::new();
    Encoder::new(&config).encode(NEXT_FRAME, &mut next);
    let next = decode(&mut decoder, [&next[..]]);
    assert_eq!(next.last(), Some(&Ok(NEXT_FRAME.to_vec())));
}

fn all_come_back<'a>(pieces: impl Iterator<Item = &'a [u8]>, config: &HdlcConfig) {
    let mut encoder = Encoder::new(config);
    let mut stream = Vec::new();
    let mut frames = Vec::new();
    for piece in pieces {
        let frame = piece.get(..FRAME_BYTES_MAX).unwrap_or(piece);
        let start = stream.len();
        encoder.encode(frame, &mut stream);
        let octets = stream.len() - start;
        assert!(octets <= encoded_bytes_max(frame.len(), config.flags_before));
        let flags = config.flags_before + 1;
        assert_eq!(octets, (frame_bits(frame) + 8 * flags).div_ceil(8));
        frames.push(Ok(frame.to_vec()));
    }
    let mut decoder = Decoder::new(FRAME_BYTES_MAX, config);
    assert_eq!(decode(&mut decoder, stream.chunks(7)), frames);
}

/// With as many flags as the line code needs after what came before: the level
/// of NRZI is unknown for one bit, the scrambler for 17.
fn config(choice: u8) -> HdlcConfig {
    let (nrzi, g3ruh) = (choice & 1 != 0, choice & 2 != 0);
    HdlcConfig {
        nrzi,
        g3ruh,
        bit_order: match choice & 4 {
            0 => BitOrder::LsbFirst,
            _ => BitOrder::MsbFirst,
        },
        flags_before: match (nrzi, g3ruh) {
            (false, false) => 1,
            (true, false) => 2,
            (_, true) => 4,
        },
    }
}

fn decode<'a>(decoder: &mut Decoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        assert!(decoder.buffered_bytes() <= BUFFERED_BYTES_MAX + piece.len());
        while let Some(outcome) = decoder.next_frame() {
            outcomes.push(outcome.map(<[u8]>::to_vec));
        }
        assert!(decoder.buffered_bytes() <= BUFFERED_BYTES_MAX);
    }
    outcomes
}
