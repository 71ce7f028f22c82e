use radio_hal::slip::{Decoder, END, SlipError, encode, encoded_bytes_max};

use crate::pieces::Pieces;

const FRAME_BYTES_MAX: usize = 64;
const NEXT_FRAME: &[u8] = b"next \xC0\xDB\xDC\xDD frame";

type Outcome = Result<Vec<u8>, SlipError>;

/// SLIP: bounded, the same however it is cut, round trip, next frame whole.
pub fn slip(input: &[u8]) {
    let pieces = Pieces::of(input);
    let mut decoder = Decoder::new(FRAME_BYTES_MAX);
    let outcomes = decode(&mut decoder, pieces.iter());
    let uncut = decode(&mut Decoder::new(FRAME_BYTES_MAX), [pieces.stream]);
    assert_eq!(outcomes, uncut, "the cuts made a difference");

    for frame in outcomes.into_iter().flatten() {
        assert!(!frame.is_empty() && frame.len() <= FRAME_BYTES_MAX);
        let mut encoded = Vec::new();
        encode(&frame, &mut encoded);
        assert!(encoded.len() <= encoded_bytes_max(frame.len()));
        let again = decode(&mut Decoder::new(FRAME_BYTES_MAX), [&encoded[..]]);
        assert_eq!(again, [Ok(frame)]);
    }

    // What the input left unfinished ends here.
    decode(&mut decoder, [&[END][..]]);
    let mut next = Vec::new();
    encode(NEXT_FRAME, &mut next);
    assert_eq!(decode(&mut decoder, [&next[..]]), [Ok(NEXT_FRAME.to_vec())]);
}

fn decode<'a>(decoder: &mut Decoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        assert!(decoder.buffered_bytes() <= FRAME_BYTES_MAX + piece.len());
        while let Some(outcome) = decoder.next_frame() {
            outcomes.push(outcome.map(<[u8]>::to_vec));
        }
        assert!(decoder.buffered_bytes() <= FRAME_BYTES_MAX);
    }
    outcomes
}
