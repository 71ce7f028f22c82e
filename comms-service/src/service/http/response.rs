//! A response as it comes, in pieces of any size. No socket and no clock.

use super::Fault;
use super::head::{Framing, HEAD_BYTES_MAX, Head};
use crate::budget::{ByteBudget, HeldBytes};

/// Octets of the longest line between chunks.
const LINE_BYTES_MAX: usize = 1024;

#[derive(Debug)]
pub(super) struct Response {
    state: State,
    /// What came of the head, or of a line between chunks, and is not whole yet.
    begun: Vec<u8>,
    trailer_bytes: usize,
    status: u16,
    is_kept: bool,
    body: HeldBytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    /// So many octets of the body are to come.
    Length(usize),
    ToEnd,
    ChunkSize,
    /// So many octets of the chunk are to come.
    Chunk(usize),
    ChunkEnd,
    Trailer,
    Whole,
}

impl Response {
    /// Nothing came yet.
    pub(super) fn new(budget: &ByteBudget) -> Self {
        Response {
            state: State::Head,
            begun: Vec::new(),
            trailer_bytes: 0,
            status: 0,
            is_kept: false,
            body: HeldBytes::empty(budget),
        }
    }

    /// These octets came; the body is to be no larger than `bytes_max`.
    pub(super) fn take(&mut self, mut octets: &[u8], bytes_max: usize) -> Result<(), Fault> {
        while !octets.is_empty() {
            octets = match self.state {
                State::Head => self.take_head(octets, bytes_max)?,
                State::Length(left) => self.take_body(octets, left, State::Length, bytes_max)?,
                State::Chunk(left) => self.take_body(octets, left, State::Chunk, bytes_max)?,
                State::ToEnd => {
                    self.take_body(octets, octets.len(), |_| State::ToEnd, bytes_max)?
                }
                State::ChunkSize | State::ChunkEnd | State::Trailer => {
                    self.take_line(octets, bytes_max)?
                }
                State::Whole => {
                    // Nobody asked for what follows; the next answer comes elsewhere.
                    self.is_kept = false;
                    return Ok(());
                }
            };
        }
        Ok(())
    }

    /// The service closed the connection.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.is_kept = false;
        match self.state {
            State::ToEnd | State::Whole => self.state = State::Whole,
            State::Head if self.begun.is_empty() => return Err(Fault::HungUp),
            _ => return Err(Fault::CutShort),
        }
        Ok(())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    /// Whether the connection may be used again.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Status and body.
    pub(super) fn into_parts(self) -> (u16, HeldBytes) {
        (self.status, self.body)
    }

    fn take_head<'a>(&mut self, octets: &'a [u8], bytes_max: usize) -> Result<&'a [u8], Fault> {
        let before = self.begun.len();
        let room = HEAD_BYTES_MAX.saturating_sub(before);
        let (taken, _) = octets.split_at(octets.len().min(room));
        // Usually it comes whole, and is not copied.
        let head = match before {
            0 => Head::read(taken)?,
            _ => {
                self.begun.extend_from_slice(taken);
                // A head ends with a line, so looking for one in octets that come
                // one by one would be a waste.
                match taken.contains(&b'\n') {
                    true => Head::read(&self.begun)?,
                    false => None,
                }
            }
        };
        let Some(head) = head else {
            if taken.len() == room {
                return Err(Fault::HeadTooLarge);
            }
            if before == 0 {
                self.begun.extend_from_slice(taken);
            }
            return Ok(&[]);
        };
        self.begun = Vec::new();
        match head.status {
            // It is not what was asked for, nor is what follows any HTTP.
            101 => return Err(Fault::OtherProtocol),
            // The answer is still to come.
            100..200 => {}
            status => {
                self.status = status;
                self.is_kept = head.is_kept;
                self.state = match head.framing {
                    Framing::Length(0) => State::Whole,
                    Framing::Length(bytes) if bytes > bytes_max => return Err(Fault::TooLarge),
                    Framing::Length(bytes) => State::Length(bytes),
                    Framing::Chunked => State::ChunkSize,
                    Framing::ToEnd => State::ToEnd,
                };
            }
        }
        Ok(octets.get(head.bytes - before..).unwrap_or_default())
    }

    fn take_body<'a>(
        &mut self,
        octets: &'a [u8],
        left: usize,
        state: fn(usize) -> State,
        bytes_max: usize,
    ) -> Result<&'a [u8], Fault> {
        let (taken, rest) = octets.split_at(octets.len().min(left));
        if taken.len() > bytes_max.saturating_sub(self.body.len()) {
            return Err(Fault::TooLarge);
        }
        self.body.extend(taken)?;
        self.state = match (state(left - taken.len()), left - taken.len()) {
            (State::Length(_), 0) => State::Whole,
            (State::Chunk(_), 0) => State::ChunkEnd,
            (state, _) => state,
        };
        Ok(rest)
    }

    fn take_line<'a>(&mut self, octets: &'a [u8], bytes_max: usize) -> Result<&'a [u8], Fault> {
        let end = octets.iter().position(|octet| *octet == b'\n');
        let bytes = end.map_or(octets.len(), |end| end + 1);
        if self.begun.len() + bytes > LINE_BYTES_MAX {
            return Err(Fault::Chunks);
        }
        let (taken, rest) = octets.split_at(bytes);
        self.begun.extend_from_slice(taken);
        if end.is_some() {
            let line = std::mem::take(&mut self.begun);
            let line = line.strip_suffix(b"\r\n").ok_or(Fault::Chunks)?;
            self.state = self.after_line(line, bytes_max)?;
        }
        Ok(rest)
    }

    fn after_line(&mut self, line: &[u8], bytes_max: usize) -> Result<State, Fault> {
        match self.state {
            State::ChunkSize => match chunk_size(line).ok_or(Fault::Chunks)? {
                0 => Ok(State::Trailer),
                bytes if bytes > bytes_max.saturating_sub(self.body.len()) => Err(Fault::TooLarge),
                bytes => Ok(State::Chunk(bytes)),
            },
            State::Trailer if line.is_empty() => Ok(State::Whole),
            State::Trailer => {
                self.trailer_bytes += line.len();
                match self.trailer_bytes > HEAD_BYTES_MAX {
                    true => Err(Fault::HeadTooLarge),
                    false => Ok(State::Trailer),
                }
            }
            _ if line.is_empty() => Ok(State::ChunkSize),
            _ => Err(Fault::Chunks),
        }
    }
}

/// The size that a line says, whatever it says besides (RFC 9112 §7.1.1).
fn chunk_size(line: &[u8]) -> Option<usize> {
    let digits = line.split(|octet| *octet == b';').next()?.trim_ascii_end();
    let digits = std::str::from_utf8(digits).ok()?;
    // A sign would be taken for part of a number.
    let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    are_digits.then_some(digits)?;
    usize::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BYTES_MAX: usize = 100;

    const LENGTH: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
        3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: z\r\n\r\n";
    const CONTINUED: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\
        Link: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    const TO_END: &[u8] = b"HTTP/1.0 200 OK\r\n\r\nhello";
    const WELL_FRAMED: [&[u8]; 3] = [LENGTH, CHUNKED, CONTINUED];

    fn empty() -> Response {
        Response::new(&ByteBudget::new(1 << 20))
    }

    /// What is made of these pieces before the end.
    fn response<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Response, Fault> {
        let mut response = empty();
        for piece in pieces {
            response.take(piece, BYTES_MAX)?;
        }
        Ok(response)
    }

    fn hello(response: Response) {
        assert!(response.is_whole());
        let (status, body) = response.into_parts();
        assert_eq!((status, &body[..]), (200, &b"hello"[..]));
    }

    #[test]
    fn however_it_is_split_a_response_is_put_together() {
        for octets in WELL_FRAMED {
            for first in 0..=octets.len() {
                for second in first..=octets.len() {
                    let pieces = [&octets[..first], &octets[first..second], &octets[second..]];
                    let response = response(pieces).unwrap();
                    assert!(response.is_kept());
                    hello(response);
                }
            }
            hello(response(octets.chunks(1)).unwrap());
        }
    }

    #[test]
    fn wherever_it_is_cut_a_response_is_never_taken_for_whole() {
        for octets in WELL_FRAMED {
            for cut in 0..octets.len() {
                let mut response = response([&octets[..cut]]).unwrap();
                assert!(!response.is_whole(), "{cut}");
                assert!(response.end().is_err(), "{cut}");
            }
        }
    }

    #[test]
    fn a_body_may_end_with_its_connection() {
        let mut response = response(TO_END.chunks(1)).unwrap();
        assert!(!response.is_whole());
        response.end().unwrap();
        assert!(!response.is_kept());
        hello(response);
    }

    #[test]
    fn what_follows_an_answer_is_no_part_of_it_and_costs_the_connection() {
        let response = response([LENGTH, b"HTTP/1.1"]).unwrap();
        assert!(!response.is_kept());
        hello(response);
    }

    #[test]
    fn an_answer_without_content_has_no_body() {
        let head = b"HTTP/1.1 204 No Content\r\n\r\n";
        let response = response([&head[..]]).unwrap();
        assert!(response.is_whole() && response.is_kept());
        assert_eq!(response.into_parts().0, 204);
    }

    #[test]
    fn a_body_is_refused_where_it_gets_too_large() {
        let head = "HTTP/1.1 200 OK\r\n";
        let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
        for octets in [
            format!("{head}Content-Length: 101\r\n\r\n"),
            format!("{chunked}65\r\n"),
            format!("{chunked}64\r\n{}\r\n1\r\n", "x".repeat(100)),
            format!("{head}\r\n{}", "x".repeat(101)),
        ] {
            let refused = response([octets.as_bytes()]);
            assert!(matches!(refused, Err(Fault::TooLarge)), "{octets}");
        }
    }

    #[test]
    fn a_body_for_which_there_is_no_memory_is_refused() {
        let mut response = Response::new(&ByteBudget::new(4));
        let refused = response.take(LENGTH, BYTES_MAX);
        assert!(matches!(refused, Err(Fault::Memory(_))), "{refused:?}");
    }

    #[test]
    fn a_head_that_never_ends_is_refused() {
        for octets in ["x".repeat(9), "\n".repeat(9), "HTTP/1.1 200 OK\r\n".into()] {
            let mut response = empty();
            let line = format!("X: {}\r\n", "y".repeat(1000));
            let pieces = std::iter::repeat_n(line, 2 * HEAD_BYTES_MAX / 1000);
            let mut pieces = std::iter::once(octets).chain(pieces);
            assert!(pieces.any(|piece| response.take(piece.as_bytes(), BYTES_MAX).is_err()));
        }
    }

    #[test]
    fn chunks_that_mean_nothing_certain_are_refused() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for chunks in [
            "\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x1\r\n",
            " 1\r\n",
            "g\r\n",
            "1\n",
            "1\r\nxy\r\n",
            "1\r\nx\n",
            "fffffffffffffffff\r\n",
            &"0".repeat(LINE_BYTES_MAX + 1),
            &format!("0\r\n{}", "X: y\r\n".repeat(HEAD_BYTES_MAX / 4 + 1)),
        ] {
            let octets = format!("{head}{chunks}");
            assert!(response([octets.as_bytes()]).is_err(), "{chunks:?}");
            assert!(response(octets.as_bytes().chunks(1)).is_err(), "{chunks:?}");
        }
        let octets = format!("{head}ffffffffffffffff\r\n");
        let refused = response([octets.as_bytes()]);
        assert!(matches!(refused, Err(Fault::TooLarge)));
    }

    #[test]
    fn another_protocol_is_refused() {
        let refused = response([&b"HTTP/1.1 101 Switching Protocols\r\n\r\n"[..]]);
        assert!(matches!(refused, Err(Fault::OtherProtocol)));
        assert!(response([&b"SSH-2.0-OpenSSH\r\n"[..]]).is_err());
    }

    proptest! {
        #[test]
        fn any_octets_in_any_pieces_end_the_same(
            begin in 0..4usize,
            octets in proptest::collection::vec(any::<u8>(), 0..200),
            piece in 1..50usize,
        ) {
            let begin: &[u8] = match begin {
                0 => b"",
                1 => b"HTTP/1.1 200 OK\r\n",
                2 => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                _ => b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n",
            };
            let octets = [begin, &octets].concat();
            let ended = |pieces: Result<Response, Fault>| {
                let mut response = pieces.ok()?;
                response.end().ok()?;
                let (status, body) = response.into_parts();
                Some((status, body.to_vec()))
            };
            let whole = ended(response([&octets[..]]));
            prop_assert_eq!(ended(response(octets.chunks(piece))), whole);
        }
    }
}
