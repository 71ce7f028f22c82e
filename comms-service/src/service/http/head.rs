//! The head of a response: what it says of the body, and of the connection.

use super::Fault;

/// Octets of the largest head; of the trailers of a chunked body, too.
pub(super) const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Lines of the largest head.
const HEADERS_MAX: usize = 100;

/// A head that came whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Octets of it, with the empty line.
    pub(super) bytes: usize,
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// Whether the service will take another request on this connection.
    pub(super) is_kept: bool,
}

/// Where the body ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many octets.
    Length(usize),
    Chunked,
    /// With the connection.
    ToEnd,
}

impl Head {
    /// The head that `octets` begin with; none if there is more of it to come.
    pub(super) fn read(octets: &[u8]) -> Result<Option<Self>, Fault> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(bytes) = response.parse(octets)? else {
            return Ok(None);
        };
        let status = response.code.unwrap_or_default();
        let mut is_kept = response.version == Some(1);
        let mut length = None;
        let mut is_chunked = false;
        for header in response.headers.iter() {
            let value = header.value.trim_ascii();
            if header.name.eq_ignore_ascii_case("content-length") {
                let value = read_length(value)?;
                if length.is_some_and(|other| other != value) {
                    return Err(Fault::ContentLength);
                }
                length = Some(value);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                // No other was asked for.
                if is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Fault::TransferEncoding);
                }
                is_chunked = true;
            } else if header.name.eq_ignore_ascii_case("connection") {
                for option in value.split(|octet| *octet == b',').map(<[u8]>::trim_ascii) {
                    is_kept |= option.eq_ignore_ascii_case(b"keep-alive");
                    if option.eq_ignore_ascii_case(b"close") {
                        is_kept = false;
                        break;
                    }
                }
            }
        }
        let framing = match (status, is_chunked, length) {
            (100..200 | 204 | 304, ..) => Framing::Length(0),
            (_, true, length) => {
                // Who says both may mean either: not to be trusted with another.
                is_kept &= length.is_none();
                Framing::Chunked
            }
            (_, false, Some(length)) => Framing::Length(length),
            (_, false, None) => {
                is_kept = false;
                Framing::ToEnd
            }
        };
        Ok(Some(Head {
            bytes,
            status,
            framing,
            is_kept,
        }))
    }
}

fn read_length(value: &[u8]) -> Result<usize, Fault> {
    let digits = std::str::from_utf8(value).map_err(|_| Fault::ContentLength)?;
    // A sign would be taken for part of a number.
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Fault::ContentLength);
    }
    digits.parse().map_err(|_| Fault::ContentLength)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Result<Option<Head>, Fault> {
        Head::read(format!("HTTP/1.1 200 OK\r\n{lines}\r\n").as_bytes())
    }

    fn framing(lines: &str) -> (Framing, bool) {
        let head = read(lines).unwrap().unwrap();
        (head.framing, head.is_kept)
    }

    #[test]
    fn the_body_ends_where_the_head_says() {
        let length = Framing::Length(7);
        assert_eq!(framing("Content-Length: 7\r\n"), (length, true));
        let twice = "content-length: 7\r\nCONTENT-LENGTH:7 \r\n";
        assert_eq!(framing(twice), (length, true));
        let chunked = "Transfer-Encoding: Chunked\r\n";
        assert_eq!(framing(chunked), (Framing::Chunked, true));
        assert_eq!(framing(""), (Framing::ToEnd, false));
    }

    #[test]
    fn a_connection_is_kept_unless_either_side_of_it_says_otherwise() {
        let kept = |lines| framing(&format!("Content-Length: 0\r\n{lines}")).1;
        assert!(kept(""));
        assert!(kept("Connection: keep-alive\r\n"));
        assert!(!kept("Connection: close\r\n"));
        assert!(!kept("Connection: x, Close\r\n"));
        assert!(!kept("Transfer-Encoding: chunked\r\n"), "both framings");
        let old = b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
        assert!(!Head::read(old).unwrap().unwrap().is_kept);
        let old = b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n";
        assert!(Head::read(old).unwrap().unwrap().is_kept);
    }

    #[test]
    fn a_head_that_means_nothing_certain_is_refused() {
        for lines in [
            "Content-Length: -1\r\n",
            "Content-Length: +1\r\n",
            "Content-Length:\r\n",
            "Content-Length: 1, 2\r\n",
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            "Content-Length: 99999999999999999999999\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "no colon\r\n",
        ] {
            assert!(read(lines).is_err(), "{lines}");
        }
        let lines = "X: y\r\n".repeat(HEADERS_MAX + 1);
        assert!(read(&lines).is_err());
    }
}
