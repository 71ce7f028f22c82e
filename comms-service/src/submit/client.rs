//! A blocking client of acknowledged submit.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::wire::{Reply, Request, StateName, Submit, encoded};

/// Octets of the longest line of a service.
const REPLY_BYTES_MAX: u64 = 65_536;

/// A message for the ground.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The downlink port that it goes by: it gives `write` and class.
    pub port: u16,
    /// What goes down, as it is.
    pub payload: &'a [u8],
    /// How long it is worth sending; else as long as the port says; whole ms.
    pub ttl: Option<Duration>,
    /// How long to wait, once it was sent, for the ground's report that it was
    /// heard, in whole ms; none for not at all.
    pub heard_within: Option<Duration>,
}

impl<'a> Outgoing<'a> {
    /// A message that lives as long as its port says, and need not be heard of.
    pub fn new(port: u16, payload: &'a [u8]) -> Self {
        Outgoing {
            port,
            payload,
            ttl: None,
            heard_within: None,
        }
    }
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It waits for the radio. More follows.
    Queued,
    /// The radio took all of it. More follows where it is to be heard of.
    Sent,
    /// The ground has it.
    Heard,
    /// The ground did not say so in time; it may have it nevertheless.
    NotHeard,
    /// The service did not take it.
    Refused {
        /// The name of the reason.
        reason: String,
        /// The same in words.
        message: String,
        /// Whether the same may be taken later.
        try_again: bool,
    },
    /// Its time to live was over before it began to be sent.
    Expired,
    /// It was dropped.
    Dropped {
        /// The name of the reason, as in the accounts.
        reason: String,
    },
}

/// Word of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitReceipt {
    /// Which message, from [`SubmitClient::submit`]; none where the service did not
    /// understand a line, or has no room for one more client.
    pub id: Option<u64>,
    /// What became of it.
    pub state: State,
}

#[derive(Debug)]
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// A connection to a service.
#[derive(Debug)]
pub struct SubmitClient {
    stream: BufReader<Stream>,
    /// A line that has come in part.
    line: Vec<u8>,
    next_id: u64,
}

impl SubmitClient {
    /// Connects to the Unix socket at `path`.
    ///
    /// # Errors
    /// Of the system.
    pub fn connect_unix(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::new(Stream::Unix(UnixStream::connect(path)?)))
    }

    /// Connects to a TCP address.
    ///
    /// # Errors
    /// Of the system.
    pub fn connect_tcp(address: impl ToSocketAddrs) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self::new(Stream::Tcp(stream)))
    }

    fn new(stream: Stream) -> Self {
        SubmitClient {
            stream: BufReader::new(stream),
            line: Vec::new(),
            next_id: 1,
        }
    }

    /// How long [`next_receipt`](Self::next_receipt) waits; none for ever.
    ///
    /// # Errors
    /// Of the system; a time of zero is one.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self.stream.get_ref() {
            Stream::Unix(stream) => stream.set_read_timeout(timeout),
            Stream::Tcp(stream) => stream.set_read_timeout(timeout),
        }
    }

    /// Hands a message over; gives the id that its receipts have. They are to be
    /// read, by [`next_receipt`](Self::next_receipt): who never does is cut off.
    ///
    /// # Errors
    /// Of the system: the connection is of no more use.
    pub fn submit(&mut self, message: &Outgoing<'_>) -> io::Result<u64> {
        let ms = |time: Option<Duration>| {
            time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        };
        let id = self.next_id;
        self.next_id += 1;
        let request = Request {
            submit: Submit {
                id,
                port: message.port,
                payload: encoded(message.payload),
                ttl_ms: ms(message.ttl),
                heard_within_ms: ms(message.heard_within),
            },
        };
        let mut line = serde_json::to_vec(&request)?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line)?;
        Ok(id)
    }

    /// The next receipt, of whichever message.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] when the service closed the connection,
    /// [`io::ErrorKind::WouldBlock`] or `TimedOut` after the read timeout (call
    /// again), [`io::ErrorKind::InvalidData`] for a line that is none of ours.
    pub fn next_receipt(&mut self) -> io::Result<SubmitReceipt> {
        while self.line.last() != Some(&b'\n') {
            let room = REPLY_BYTES_MAX.saturating_sub(self.line.len() as u64);
            if room == 0 {
                return Err(invalid("a line of the service is too long"));
            }
            let stream = &mut self.stream;
            if stream.take(room).read_until(b'\n', &mut self.line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let line = std::mem::take(&mut self.line);
        let reply: Reply = serde_json::from_slice(&line)?;
        Ok(SubmitReceipt {
            id: reply.id,
            state: State::from(reply),
        })
    }

    /// Hands a message over and waits for the end of it: its last receipt.
    /// Receipts of other messages that come meanwhile are passed over.
    ///
    /// # Errors
    /// As [`submit`](Self::submit) and [`next_receipt`](Self::next_receipt).
    pub fn send(&mut self, message: &Outgoing<'_>) -> io::Result<SubmitReceipt> {
        let id = self.submit(message)?;
        loop {
            let receipt = self.next_receipt()?;
            let is_last = match receipt.state {
                State::Queued => false,
                State::Sent => message.heard_within.is_none(),
                _ => true,
            };
            if is_last && receipt.id.is_none_or(|of| of == id) {
                return Ok(receipt);
            }
        }
    }
}

impl From<Reply> for State {
    fn from(reply: Reply) -> Self {
        let reason = reply.reason.unwrap_or_default();
        match reply.state {
            StateName::Queued => State::Queued,
            StateName::Sent => State::Sent,
            StateName::Heard => State::Heard,
            StateName::NotHeard => State::NotHeard,
            StateName::Expired => State::Expired,
            StateName::Dropped => State::Dropped { reason },
            StateName::Refused => State::Refused {
                reason,
                message: reply.message.unwrap_or_default(),
                try_again: reply.try_again.unwrap_or(false),
            },
        }
    }
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.read(buffer),
            Stream::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.write(octets),
            Stream::Tcp(stream) => stream.write(octets),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => stream.flush(),
            Stream::Tcp(stream) => stream.flush(),
        }
    }
}
