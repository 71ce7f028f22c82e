//! The clients of acknowledged submit: their connections, what they have
//! submitted, and the receipts on their way to them.
//!
//! A receipt is written at once, without waiting. What the connection does not take
//! waits in an outbox of bounded size; a client who lets it overflow is cut off.
//! Its messages go down nevertheless.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::socket_file::SocketFile;
use crate::link::Receipt;
use crate::submit::wire::{Reply, StateName};

/// Octets of receipts that wait for a client, beside what the system holds.
const OUTBOX_BYTES_MAX: usize = 65_536;

/// A client's connection.
pub(super) enum Stream {
    Unix(mio::net::UnixStream),
    Tcp(mio::net::TcpStream),
}

struct Client {
    stream: Stream,
    outbox: Vec<u8>,
    /// Ids of its open submissions.
    open: BTreeSet<u64>,
}

/// A submission whose last receipt is still to come.
struct Open {
    client: usize,
    id: u64,
    /// Whether it is to be heard of after it was sent.
    listens: bool,
}

#[derive(Default)]
struct State {
    clients: BTreeMap<usize, Client>,
    submissions: BTreeMap<u64, Open>,
    last_number: u64,
}

/// Shared by the thread that reads and by whoever brings receipts.
pub(in crate::service) struct Clients {
    state: Mutex<State>,
    /// Removed together with the last connection.
    _socket_file: Option<SocketFile>,
}

/// A client did not read its receipts, and is cut off.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::service) struct CutOff;

impl Clients {
    pub(super) fn new(socket_file: Option<SocketFile>) -> Self {
        Clients {
            state: Mutex::default(),
            _socket_file: socket_file,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.state().clients.len()
    }

    pub(super) fn add(&self, client: usize, stream: Stream) {
        let client_state = Client {
            stream,
            outbox: Vec::new(),
            open: BTreeSet::new(),
        };
        self.state().clients.insert(client, client_state);
    }

    /// The client is gone. Its messages go down nevertheless.
    pub(super) fn remove(&self, client: usize) {
        self.state().clients.remove(&client);
    }

    /// Reads from a client, without waiting; `NotConnected` when it is gone.
    pub(super) fn read(&self, client: usize, buffer: &mut [u8]) -> io::Result<usize> {
        match self.state().clients.get_mut(&client) {
            Some(client) => client.stream.read(buffer),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Opens a submission; gives its number, or none while the client has an open
    /// one of that id.
    pub(super) fn open(&self, client: usize, id: u64, listens: bool) -> Option<u64> {
        let mut state = self.state();
        if !state.clients.get_mut(&client)?.open.insert(id) {
            return None;
        }
        state.last_number += 1;
        let number = state.last_number;
        let open = Open {
            client,
            id,
            listens,
        };
        state.submissions.insert(number, open);
        Some(number)
    }

    /// What became of a submission, for whoever submitted it.
    pub(in crate::service) fn receipt(&self, number: u64, receipt: &Receipt) -> Result<(), CutOff> {
        let mut state = self.state();
        let Some(open) = state.submissions.get(&number) else {
            return Ok(());
        };
        let (client, id) = (open.client, open.id);
        let more_follows = match receipt {
            Receipt::Queued => true,
            Receipt::Sent => open.listens,
            _ => false,
        };
        if !more_follows {
            state.submissions.remove(&number);
            if let Some(client) = state.clients.get_mut(&client) {
                client.open.remove(&id);
            }
        }
        state.tell(client, &reply(id, receipt))
    }

    /// A word for one client.
    pub(super) fn tell(&self, client: usize, reply: &Reply) -> Result<(), CutOff> {
        self.state().tell(client, reply)
    }

    /// The connection takes something again.
    pub(super) fn flush(&self, client: usize) {
        let mut state = self.state();
        let flushed = state.clients.get_mut(&client).map(Client::flush);
        if flushed.is_some_and(|flushed| flushed.is_err()) {
            state.clients.remove(&client);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tell(&mut self, client: usize, reply: &Reply) -> Result<(), CutOff> {
        let Some(told) = self.clients.get_mut(&client) else {
            return Ok(());
        };
        told.outbox.extend(reply.line());
        let gone = told.flush().is_err();
        let full = told.outbox.len() > OUTBOX_BYTES_MAX;
        if gone || full {
            told.stream.shut_down();
            self.clients.remove(&client);
        }
        match full && !gone {
            true => Err(CutOff),
            false => Ok(()),
        }
    }
}

impl Client {
    /// Writes what the connection takes now.
    fn flush(&mut self) -> io::Result<()> {
        while !self.outbox.is_empty() {
            match self.stream.write(&self.outbox) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => drop(self.outbox.drain(..bytes.min(self.outbox.len()))),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.read(buffer),
            Stream::Tcp(stream) => stream.read(buffer),
        }
    }

    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.write(octets),
            Stream::Tcp(stream) => stream.write(octets),
        }
    }

    fn shut_down(&self) {
        // Gone already, if not.
        let _ = match self {
            Stream::Unix(stream) => stream.shutdown(Shutdown::Both),
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Both),
        };
    }

    pub(super) fn source(&mut self) -> &mut dyn mio::event::Source {
        match self {
            Stream::Unix(stream) => stream,
            Stream::Tcp(stream) => stream,
        }
    }
}

fn reply(id: u64, receipt: &Receipt) -> Reply {
    let plain = |state| Reply::new(Some(id), state);
    match receipt {
        Receipt::Queued => plain(StateName::Queued),
        Receipt::Sent => plain(StateName::Sent),
        Receipt::Heard => plain(StateName::Heard),
        Receipt::NotHeard => plain(StateName::NotHeard),
        Receipt::Expired => plain(StateName::Expired),
        Receipt::Dropped(reason) => Reply {
            reason: Some(reason.as_str().to_string()),
            ..plain(StateName::Dropped)
        },
        Receipt::Refused {
            reason,
            text,
            try_again,
        } => Reply::refused(Some(id), reason.as_str(), text.clone(), *try_again),
    }
}
