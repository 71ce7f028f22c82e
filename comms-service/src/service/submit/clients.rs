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
    /// Whether it submits nothing more and waits for receipts only.
    ended: bool,
}

/// A submission whose last receipt is still to come.
struct Open {
    client: usize,
    id: u64,
    /// Whether it is to be heard of after it was sent.
    listens: bool,
    /// Whether its first receipt is told, and whether that it was sent is.
    told_first: bool,
    told_sent: bool,
    /// Receipts that came before those that go before them: each thread brings its
    /// own, and none waits for another.
    early: Vec<Receipt>,
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

    /// How many may still submit.
    pub(super) fn count(&self) -> usize {
        let state = self.state();
        state
            .clients
            .values()
            .filter(|client| !client.ended)
            .count()
    }

    /// Whether the client is still connected.
    pub(super) fn has(&self, client: usize) -> bool {
        self.state().clients.contains_key(&client)
    }

    pub(super) fn add(&self, client: usize, stream: Stream) {
        let client_state = Client {
            stream,
            outbox: Vec::new(),
            open: BTreeSet::new(),
            ended: false,
        };
        self.state().clients.insert(client, client_state);
    }

    /// The client submits nothing more; it may wait for its receipts, as at most
    /// `ended_max` do: nothing tells it from one that is gone.
    pub(super) fn end(&self, client: usize, ended_max: usize) {
        let mut state = self.state();
        if let Some(client) = state.clients.get_mut(&client) {
            client.ended = true;
        }
        state.remove_if_done(client);
        let ended = state.clients.iter().filter(|(_, client)| client.ended);
        let ended: Vec<usize> = ended.map(|(number, _)| *number).collect();
        for oldest in ended.iter().rev().skip(ended_max) {
            state.clients.remove(oldest);
        }
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
        state
            .submissions
            .insert(number, Open::new(client, id, listens));
        Some(number)
    }

    /// The first receipt of a submission, for whoever submitted it.
    pub(super) fn first_receipt(&self, number: u64, receipt: Receipt) -> Result<(), CutOff> {
        self.state()
            .tell_of(number, |open| open.first_receipt(receipt))
    }

    /// A further one.
    pub(in crate::service) fn receipt(&self, number: u64, receipt: Receipt) -> Result<(), CutOff> {
        self.state().tell_of(number, |open| open.receipt(receipt))
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
        state.remove_if_done(client);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn new(client: usize, id: u64, listens: bool) -> Self {
        Open {
            client,
            id,
            listens,
            told_first: false,
            told_sent: false,
            early: Vec::new(),
        }
    }

    /// Takes the first receipt; gives what is to be told now, in order.
    fn first_receipt(&mut self, receipt: Receipt) -> Vec<Receipt> {
        self.told_first = true;
        let mut told = vec![receipt];
        told.extend(self.ready());
        told
    }

    /// Takes a further receipt; gives what is to be told now, in order.
    fn receipt(&mut self, receipt: Receipt) -> Vec<Receipt> {
        self.early.push(receipt);
        self.ready()
    }

    fn ready(&mut self) -> Vec<Receipt> {
        let mut told = Vec::new();
        while let Some(at) = self.early.iter().position(|early| self.is_next(early)) {
            let receipt = self.early.remove(at);
            self.told_sent |= receipt == Receipt::Sent;
            told.push(receipt);
        }
        told
    }

    /// Whether a receipt goes before all that are still to come.
    fn is_next(&self, receipt: &Receipt) -> bool {
        let after_sent = matches!(receipt, Receipt::Heard | Receipt::NotHeard);
        self.told_first && (self.told_sent || !after_sent)
    }

    fn is_last(&self, receipt: &Receipt) -> bool {
        match receipt {
            Receipt::Queued => false,
            Receipt::Sent => !self.listens,
            _ => true,
        }
    }
}

impl State {
    /// Tells the client of a submission what `take` gives.
    fn tell_of(
        &mut self,
        number: u64,
        take: impl FnOnce(&mut Open) -> Vec<Receipt>,
    ) -> Result<(), CutOff> {
        let Some(open) = self.submissions.get_mut(&number) else {
            return Ok(());
        };
        let told = take(open);
        let (client, id) = (open.client, open.id);
        if told.last().is_some_and(|last| open.is_last(last)) {
            self.submissions.remove(&number);
            if let Some(client) = self.clients.get_mut(&client) {
                client.open.remove(&id);
            }
        }
        let all_told = told
            .iter()
            .try_for_each(|receipt| self.tell(client, &reply(id, receipt)));
        self.remove_if_done(client);
        all_told
    }

    /// A client that has ended goes with its last receipt.
    fn remove_if_done(&mut self, client: usize) {
        let is_done =
            |client: &Client| client.ended && client.open.is_empty() && client.outbox.is_empty();
        if self.clients.get(&client).is_some_and(is_done) {
            self.clients.remove(&client);
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_told_in_order_in_whatever_order_they_are_brought() {
        let mut open = Open::new(2, 7, true);
        assert_eq!(open.receipt(Receipt::Heard), []);
        assert_eq!(open.receipt(Receipt::Sent), []);
        let told = open.first_receipt(Receipt::Queued);
        assert_eq!(told, [Receipt::Queued, Receipt::Sent, Receipt::Heard]);

        let mut open = Open::new(2, 7, true);
        assert_eq!(open.first_receipt(Receipt::Queued), [Receipt::Queued]);
        assert_eq!(open.receipt(Receipt::NotHeard), []);
        let told = open.receipt(Receipt::Sent);
        assert_eq!(told, [Receipt::Sent, Receipt::NotHeard]);
    }
}
