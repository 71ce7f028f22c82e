//! A stream cut into the pieces that its input asks for.
//!
//! ```text
//! octet 0        n, modulo 8: how many sizes follow
//!       1..n+1   sizes of the pieces in octets, used in turn; 0 counts as 256
//!       ..       the stream; one piece where n is 0
//! ```

/// The stream of an input, and how to cut it.
#[derive(Debug, Clone, Copy)]
pub struct Pieces<'a> {
    sizes: &'a [u8],
    /// The stream uncut.
    pub stream: &'a [u8],
}

impl<'a> Pieces<'a> {
    /// Reads `input`; any octets are one.
    pub fn of(input: &'a [u8]) -> Self {
        let (count, rest) = input.split_first().unwrap_or((&0, &[]));
        let count = usize::from(count % 8).min(rest.len());
        let (sizes, stream) = rest.split_at(count);
        Self { sizes, stream }
    }

    /// The pieces, in order; none is empty.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut sizes = self.sizes.iter().cycle();
        let mut rest = self.stream;
        std::iter::from_fn(move || {
            let size = match sizes.next() {
                Some(0) => 256,
                Some(size) => usize::from(*size),
                None => rest.len(),
            };
            let (piece, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        })
    }
}
