use radio_hal::kiss::{Command, Decoder, FEND, Port, encode, encoded_bytes_max};
use radio_hal::slip::SlipError;

use crate::pieces::Pieces;

const PAYLOAD_BYTES_MAX: usize = 64;
/// With the type octet.
const FRAME_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + 1;
const NEXT_FRAME: &[u8] = b"next \xC0\xDB\xDC\xDD frame";

type Outcome = Result<(Port, Command, Vec<u8>), SlipError>;

/// KISS: bounded, the same however it is cut, round trip, next frame whole.
pub fn kiss(input: &[u8]) {
    let pieces = Pieces::of(input);
    let mut decoder = Decoder::new(PAYLOAD_BYTES_MAX);
    let outcomes = decode(&mut decoder, pieces.iter());
    let uncut = decode(&mut Decoder::new(PAYLOAD_BYTES_MAX), [pieces.stream]);
    assert_eq!(outcomes, uncut, "the cuts made a difference");

    for (port, command, payload) in outcomes.into_iter().flatten() {
        assert!(payload.len() <= PAYLOAD_BYTES_MAX);
        let mut encoded = Vec::new();
        encode(port, command, &payload, &mut encoded);
        assert!(encoded.len() <= encoded_bytes_max(payload.len()));
        let again = decode(&mut Decoder::new(PAYLOAD_BYTES_MAX), [&encoded[..]]);
        assert_eq!(again, [Ok((port, command, payload))]);
    }

    // What the input left unfinished ends here.
    decode(&mut decoder, [&[FEND][..]]);
    let mut next = Vec::new();
    encode(Port::ZERO, Command::Data, NEXT_FRAME, &mut next);
    assert_eq!(
        decode(&mut decoder, [&next[..]]),
        [Ok((Port::ZERO, Command::Data, NEXT_FRAME.to_vec()))]
    );
}

fn decode<'a>(decoder: &mut Decoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        assert!(decoder.buffered_bytes() <= FRAME_BYTES_MAX + piece.len());
        while let Some(outcome) = decoder.next_frame() {
            outcomes.push(outcome.map(|it| (it.port, it.command, it.payload.to_vec())));
        }
        assert!(decoder.buffered_bytes() <= FRAME_BYTES_MAX);
    }
    outcomes
}
