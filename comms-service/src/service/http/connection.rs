//! A connection to a service, and the query that it is used for. Nothing here waits.

use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::Fault;
use super::response::Response;
use crate::budget::{ByteBudget, HeldBytes};
use crate::link::HandlerId;

/// Buffers read from one connection before the others have their turn.
const READS_PER_TURN_MAX: usize = 16;

pub(super) struct Connection {
    stream: TcpStream,
    pub(super) exchange: Option<Exchange>,
}

/// A query that is with its service.
pub(super) struct Exchange {
    pub(super) handler: HandlerId,
    pub(super) service: SocketAddr,
    pub(super) deadline: Instant,
    /// None once it is sent.
    request: Option<Request>,
    pub(super) response: Response,
}

struct Request {
    head: Vec<u8>,
    body: HeldBytes,
    sent: usize,
}

/// How far an exchange got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The next event tells when it goes on.
    Waits,
    /// There may be more, of which no event tells.
    HasMore,
    Whole,
}

impl Exchange {
    pub(super) fn new(
        handler: HandlerId,
        service: SocketAddr,
        deadline: Instant,
        body: HeldBytes,
        budget: &ByteBudget,
    ) -> Self {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {service}\r\nUser-Agent: heliograph\r\nAccept: */*\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Exchange {
            handler,
            service,
            deadline,
            request: Some(Request {
                head: head.into_bytes(),
                body,
                sent: 0,
            }),
            response: Response::new(budget),
        }
    }
}

impl Request {
    /// Sends what is left, as far as the socket takes it; true when it is all sent.
    fn send(&mut self, stream: &mut TcpStream) -> io::Result<bool> {
        loop {
            let head = self.head.get(self.sent..).unwrap_or_default();
            let body_sent = self.sent.saturating_sub(self.head.len());
            let body = self.body.get(body_sent..).unwrap_or_default();
            if head.is_empty() && body.is_empty() {
                return Ok(true);
            }
            match stream.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => self.sent += bytes,
                Err(error) if is_not_yet(&error) => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Connection {
    /// Begins to connect; events of the connection come as `token`.
    pub(super) fn open(service: SocketAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        let mut stream = TcpStream::connect(service)?;
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Connection {
            stream,
            exchange: None,
        })
    }

    /// Whether a kept connection still stands, and nothing came by it unasked.
    pub(super) fn is_usable(&self) -> bool {
        let peeked = self.stream.peek(&mut [0]);
        peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends the query, as far as the socket takes it.
    pub(super) fn begin(&mut self, exchange: Exchange) -> Result<(), Fault> {
        let exchange = self.exchange.insert(exchange);
        send(&mut self.stream, &mut exchange.request)
    }

    /// Goes on after an event.
    pub(super) fn advance(
        &mut self,
        buffer: &mut [u8],
        bytes_max: usize,
    ) -> Result<Progress, Fault> {
        let Some(exchange) = &mut self.exchange else {
            return Ok(Progress::Waits);
        };
        if exchange.request.is_some() {
            if let Some(error) = self.stream.take_error()? {
                return Err(error.into());
            }
            send(&mut self.stream, &mut exchange.request)?;
        }
        let response = &mut exchange.response;
        for _ in 0..READS_PER_TURN_MAX {
            match self.stream.read(buffer) {
                Ok(0) => response.end()?,
                Ok(bytes) => response.take(buffer.get(..bytes).unwrap_or_default(), bytes_max)?,
                Err(error) if is_not_yet(&error) => return Ok(Progress::Waits),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
            if response.is_whole() {
                return Ok(Progress::Whole);
            }
        }
        Ok(Progress::HasMore)
    }

    /// Takes the exchange off; tells whether the connection can have another.
    pub(super) fn finish(&mut self) -> (Option<Exchange>, bool) {
        let exchange = self.exchange.take();
        let is_kept = exchange
            .as_ref()
            .is_some_and(|exchange| exchange.request.is_none() && exchange.response.is_kept());
        (exchange, is_kept)
    }
}

fn send(stream: &mut TcpStream, request: &mut Option<Request>) -> Result<(), Fault> {
    if let Some(unsent) = request
        && unsent.send(stream)?
    {
        *request = None;
    }
    Ok(())
}

/// A connection that does not stand yet takes and gives nothing, either.
fn is_not_yet(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected
    )
}
