//! What the service replies, when, and what becomes of the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A reply and its manners. By default it is an answer with `Content-Length`,
/// sent at once, on a connection that is kept alive.
#[derive(Clone, Debug)]
pub struct Reply {
    content: Content,
    pub(super) starts: Moment,
    pub(super) drip: Option<Duration>,
    pub(super) closes: Moment,
}

/// When something happens.
#[derive(Clone, Debug)]
pub enum Moment {
    /// At once.
    Now,
    /// When that long has passed.
    After(Duration),
    /// When the test opens the gate.
    Told(Gate),
    /// Not before the client hangs up or the service is dropped.
    Never,
}

/// Closed until a test opens it, which is for good. Clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<AtomicBool>);

#[derive(Clone, Debug)]
enum Content {
    Http {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        framing: Framing,
    },
    Raw(Vec<u8>),
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    ContentLength,
    Chunked { chunk_bytes: usize },
    CloseDelimited,
    CutShort { sent_bytes: usize },
}

impl Reply {
    /// Status 200 and a body of any octets, which may be none.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200, body)
    }

    /// Any status and body.
    pub fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(Content::Http {
            status,
            headers: Vec::new(),
            body: body.into(),
            framing: Framing::ContentLength,
        })
    }

    /// These octets as they are, HTTP or not.
    pub fn raw(octets: impl Into<Vec<u8>>) -> Self {
        Self::new(Content::Raw(octets.into()))
    }

    /// No reply, ever; the connection stays open.
    pub fn silence() -> Self {
        Self::raw([]).starts(Moment::Never)
    }

    /// No reply; the connection is closed.
    pub fn hang_up() -> Self {
        Self::raw([]).closes(Moment::Now)
    }

    fn new(content: Content) -> Self {
        Self {
            content,
            starts: Moment::Now,
            drip: None,
            closes: Moment::Never,
        }
    }

    /// With one more header. Not for raw octets.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Content::Http { headers, .. } = &mut self.content {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// In chunks of at most so many octets (at least 1) instead of with a
    /// `Content-Length`.
    #[must_use]
    pub fn chunked(self, chunk_bytes: usize) -> Self {
        self.framed(Framing::Chunked {
            chunk_bytes: chunk_bytes.max(1),
        })
    }

    /// With neither length nor chunks: the body ends where the connection does.
    #[must_use]
    pub fn close_delimited(self) -> Self {
        self.framed(Framing::CloseDelimited).then_close()
    }

    /// Declares the whole body, sends its first `sent_bytes` octets and closes.
    #[must_use]
    pub fn cut_short(self, sent_bytes: usize) -> Self {
        self.framed(Framing::CutShort { sent_bytes })
            .closes(Moment::Now)
    }

    fn framed(mut self, new: Framing) -> Self {
        if let Content::Http { framing, .. } = &mut self.content {
            *framing = new;
        }
        self
    }

    /// Begins at that moment instead of at once.
    #[must_use]
    pub fn starts(mut self, moment: Moment) -> Self {
        self.starts = moment;
        self
    }

    /// One octet at a time, head and all, with `pause` after each.
    #[must_use]
    pub fn drip(mut self, pause: Duration) -> Self {
        self.drip = Some(pause);
        self
    }

    /// Closes after the reply, and says so in a `Connection` header.
    #[must_use]
    pub fn then_close(self) -> Self {
        self.header("Connection", "close").closes(Moment::Now)
    }

    /// Closes after the reply at that moment, without a word before, if no
    /// further request has begun by then.
    #[must_use]
    pub fn closes(mut self, moment: Moment) -> Self {
        self.closes = moment;
        self
    }

    /// What goes over the wire.
    pub(super) fn octets(&self) -> Vec<u8> {
        let (status, headers, body, framing) = match &self.content {
            Content::Raw(octets) => return octets.clone(),
            Content::Http {
                status,
                headers,
                body,
                framing,
            } => (status, headers, body, framing),
        };
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(*status));
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        match framing {
            Framing::Chunked { .. } => head += "Transfer-Encoding: chunked\r\n",
            // RFC 9110 §8.6 forbids the header in a 204.
            Framing::ContentLength | Framing::CutShort { .. } if *status != 204 => {
                head += &format!("Content-Length: {}\r\n", body.len());
            }
            _ => {}
        }
        head += "\r\n";
        let mut octets = head.into_bytes();
        match *framing {
            Framing::ContentLength | Framing::CloseDelimited => octets.extend_from_slice(body),
            Framing::CutShort { sent_bytes } => octets.extend(body.iter().take(sent_bytes)),
            Framing::Chunked { chunk_bytes } => {
                for chunk in body.chunks(chunk_bytes) {
                    octets.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    octets.extend_from_slice(chunk);
                    octets.extend(b"\r\n");
                }
                octets.extend(b"0\r\n\r\n");
            }
        }
        octets
    }
}

impl Moment {
    /// Whether it has come, for something that waits since `since`.
    pub(super) fn has_come(&self, since: Instant) -> bool {
        match self {
            Self::Now => true,
            Self::After(delay) => since.elapsed() >= *delay,
            Self::Told(gate) => gate.0.load(Ordering::Acquire),
            Self::Never => false,
        }
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens it.
    pub fn open(&self) {
        self.0.store(true, Ordering::Release);
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200..=299 => "OK",
        400..=499 => "Client Error",
        500..=599 => "Server Error",
        _ => "Other",
    }
}
