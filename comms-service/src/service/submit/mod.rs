//! The submit thread: takes messages of apps that want to know what becomes of
//! them, from all connections at once.

mod clients;
mod lines;
mod socket_file;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use crate::accounting::DropReason;
use crate::budget::ByteBudget;
use crate::error::{CommsError, CommsResult};
use crate::link::{LinkConfig, Receipt, Submission};
use crate::options::SubmitOptions;
use crate::shell::{BackOff, OWN_STACK_BYTES, Shell, Threads};
use crate::submit::wire::{Reply, Request, Submit, line_bytes_max};

use clients::Stream;
pub(super) use clients::{Clients, CutOff};
use lines::{Line, Lines};
use socket_file::SocketFile;

/// How often the thread looks at least whether it is to stop, or a line is overdue.
const STOP_POLL_MAX: Duration = Duration::from_millis(250);
/// Octets read from one client before the others have their turn.
const BYTES_PER_TURN_MAX: usize = 65_536;
const BUFFER_BYTES: usize = 16_384;
/// How long a client may take for one line.
const LINE_TIME_MAX: Duration = Duration::from_secs(10);
const UNIX_LISTENER: usize = 0;
const TCP_LISTENER: usize = 1;
const FIRST_CLIENT: usize = 2;

/// The listeners, bound.
pub(super) struct Listeners {
    unix: Option<mio::net::UnixListener>,
    tcp: Option<mio::net::TcpListener>,
    socket_file: Option<SocketFile>,
    tcp_addr: Option<SocketAddr>,
    clients_max: usize,
}

impl Listeners {
    pub(super) fn bind(options: &SubmitOptions) -> CommsResult<Self> {
        let failed = |place: String| move |cause: io::Error| CommsError::Listen { place, cause };
        let mut listeners = Listeners {
            unix: None,
            tcp: None,
            socket_file: None,
            tcp_addr: None,
            clients_max: options.clients_max,
        };
        if let Some(address) = options.tcp {
            let bound = TcpListener::bind(address).and_then(|listener| {
                listener.set_nonblocking(true)?;
                let address = listener.local_addr()?;
                Ok((listener, address))
            });
            let (listener, address) = bound.map_err(failed(format!("TCP {address}")))?;
            listeners.tcp = Some(mio::net::TcpListener::from_std(listener));
            listeners.tcp_addr = Some(address);
        }
        if let Some(path) = &options.unix {
            let bound = SocketFile::listen(path).and_then(|(listener, file)| {
                listener.set_nonblocking(true)?;
                Ok((listener, file))
            });
            let place = format!("Unix socket {}", path.display());
            let (listener, file) = bound.map_err(failed(place))?;
            listeners.unix = Some(mio::net::UnixListener::from_std(listener));
            listeners.socket_file = Some(file);
        }
        Ok(listeners)
    }

    pub(super) fn tcp_addr(&self) -> Option<SocketAddr> {
        self.tcp_addr
    }
}

/// Everything that the thread needs.
pub(super) struct SubmitServer {
    poll: Poll,
    unix: Option<mio::net::UnixListener>,
    tcp: Option<mio::net::TcpListener>,
    clients: Arc<Clients>,
    clients_max: usize,
    next_client: usize,
    lines: BTreeMap<usize, Lines>,
    /// Those that may hold something of which no further event tells.
    unread: BTreeSet<usize>,
    /// Downlink ports, with the numbers of their endpoints.
    ports: BTreeMap<u16, usize>,
    line_bytes_max: usize,
    budget: ByteBudget,
}

impl SubmitServer {
    pub(super) fn new(
        mut listeners: Listeners,
        config: &LinkConfig,
        budget: ByteBudget,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        if let Some(unix) = &mut listeners.unix {
            let token = Token(UNIX_LISTENER);
            poll.registry().register(unix, token, Interest::READABLE)?;
        }
        if let Some(tcp) = &mut listeners.tcp {
            let token = Token(TCP_LISTENER);
            poll.registry().register(tcp, token, Interest::READABLE)?;
        }
        let endpoints = 0..config.endpoints();
        let ports =
            endpoints.filter_map(|endpoint| Some((config.endpoint(endpoint)?.port, endpoint)));
        Ok(SubmitServer {
            poll,
            unix: listeners.unix,
            tcp: listeners.tcp,
            clients: Arc::new(Clients::new(listeners.socket_file)),
            clients_max: listeners.clients_max,
            next_client: FIRST_CLIENT,
            lines: BTreeMap::new(),
            unread: BTreeSet::new(),
            ports: ports.collect(),
            line_bytes_max: line_bytes_max(config.message_bytes_max),
            budget,
        })
    }

    /// To whom receipts go.
    pub(super) fn clients(&self) -> Arc<Clients> {
        Arc::clone(&self.clients)
    }

    pub(super) fn start(
        mut self,
        shell: &Arc<Shell>,
        read_timeout: Duration,
        threads: &mut Threads,
    ) -> io::Result<()> {
        let shell = Arc::clone(shell);
        let stop_poll = read_timeout.clamp(Duration::from_millis(1), STOP_POLL_MAX);
        let run = move || self.run(&shell, stop_poll);
        threads.spawn("submit", OWN_STACK_BYTES, run)
    }

    fn run(&mut self, shell: &Shell, stop_poll: Duration) {
        let mut events = Events::with_capacity(64);
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut back_off = BackOff::new();
        while !shell.is_stopping() {
            let wait = match self.unread.is_empty() {
                true => stop_poll,
                false => Duration::ZERO,
            };
            match self.poll.poll(&mut events, Some(wait)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.note(shell, format!("cannot wait for apps that submit: {error}"));
                    back_off.pause(shell.stop());
                }
            }
            for event in &events {
                let Token(number) = event.token();
                if event.is_writable() {
                    self.clients.flush(number);
                }
                if number < FIRST_CLIENT || self.lines.contains_key(&number) {
                    self.unread.insert(number);
                }
            }
            for number in self.unread.clone() {
                let read = match number {
                    UNIX_LISTENER | TCP_LISTENER => self.accept(number),
                    client => Ok(self.read_some(shell, client, &mut buffer)),
                };
                match read {
                    Ok(false) => {}
                    Ok(true) => drop(self.unread.remove(&number)),
                    Err(error) => {
                        self.note(shell, format!("an app cannot connect to submit: {error}"));
                        back_off.pause(shell.stop());
                    }
                }
            }
            self.close_overdue(Instant::now());
        }
    }

    fn note(&self, shell: &Shell, text: String) {
        log::warn!("{text}");
        shell.with(|link, _| link.note(text));
    }

    /// Takes one new client; true when there is no further one.
    fn accept(&mut self, listener: usize) -> io::Result<bool> {
        let accepted = match (listener, &self.unix, &self.tcp) {
            (UNIX_LISTENER, Some(unix), _) => unix.accept().map(|(stream, _)| Stream::Unix(stream)),
            (TCP_LISTENER, _, Some(tcp)) => tcp.accept().map(|(stream, _)| {
                // A receipt does not wait for the next one.
                let _ = stream.set_nodelay(true);
                Stream::Tcp(stream)
            }),
            _ => return Ok(true),
        };
        let mut stream = match accepted {
            Ok(stream) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            // Of a client that is gone again.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => return Ok(false),
            Err(error) => return Err(error),
        };
        if self.clients.count() >= self.clients_max {
            let text = format!("{} clients are connected already", self.clients_max);
            let reply = Reply::refused(None, "clients-max", text, true);
            // It may be gone: then it need not know.
            let _ = stream.write(&reply.line());
            return Ok(false);
        }
        let client = self.next_client;
        self.next_client += 1;
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registry = self.poll.registry();
        registry.register(stream.source(), Token(client), interest)?;
        self.clients.add(client, stream);
        let lines = Lines::new(self.line_bytes_max, self.budget.clone());
        self.lines.insert(client, lines);
        Ok(false)
    }

    /// Reads from a client for one turn; true when nothing is left.
    fn read_some(&mut self, shell: &Shell, client: usize, buffer: &mut [u8]) -> bool {
        for _ in 0..BYTES_PER_TURN_MAX / BUFFER_BYTES {
            if shell.is_stopping() {
                return false;
            }
            match self.clients.read(client, buffer) {
                Ok(0) => {
                    self.clients.end(client, self.clients_max);
                    self.forget(client);
                    return true;
                }
                Ok(bytes) => {
                    let octets = buffer.get(..bytes).unwrap_or_default();
                    let Some(lines) = self.lines.get_mut(&client) else {
                        break;
                    };
                    for line in lines.push(Instant::now(), octets) {
                        let refusal = self.take_line(shell, client, line);
                        if let Some(refusal) = refusal {
                            self.tell(shell, client, &refusal);
                        }
                    }
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {}
            }
            self.close(client);
            return true;
        }
        false
    }

    /// Submits what a line says; gives the answer where it says nothing that could
    /// be submitted.
    fn take_line(&self, shell: &Shell, client: usize, line: Line) -> Option<Reply> {
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong => {
                let text = format!("a line has more than {} octets", self.line_bytes_max);
                return Some(Reply::refused(None, "too-large", text, false));
            }
            Line::NoMemory => {
                let text = "submissions may take three quarters of the memory budget".to_string();
                return Some(Reply::refused(None, "memory-spent", text, true));
            }
        };
        let request: Request = match serde_json::from_slice(&line) {
            Ok(request) => request,
            Err(error) => {
                return Some(Reply::refused(None, "malformed", error.to_string(), false));
            }
        };
        drop(line);
        let Submit { id, port, .. } = request.submit;
        let refused = |reason, text| Some(Reply::refused(Some(id), reason, text, false));
        let Some(endpoint) = self.ports.get(&port).copied() else {
            return refused("unknown-port", format!("{port} is no downlink port"));
        };
        let payload = match request.submit.payload() {
            Ok(payload) => payload,
            Err(error) => return refused("malformed", format!("payload: {error}")),
        };
        let heard_within = request.submit.heard_within_ms.map(Duration::from_millis);
        let Some(number) = self.clients.open(client, id, heard_within.is_some()) else {
            return refused("id-in-use", format!("submission {id} is still open"));
        };
        let submission = Submission {
            number,
            endpoint,
            ttl: request.submit.ttl_ms.map(Duration::from_millis),
            heard_within,
        };
        let first = shell.try_with(|link, now| link.handle_submission(now, submission, &payload));
        // The app waits for a word, and so do those of its next lines.
        let first = first.unwrap_or_else(|text| {
            log::error!("a submission of port {port}: {text}");
            Receipt::Dropped(DropReason::InternalFault)
        });
        if self.clients.first_receipt(number, first) == Err(CutOff) {
            shell.with(|link, _| link.handle_submitter_cut_off());
        }
        None
    }

    fn tell(&self, shell: &Shell, client: usize, reply: &Reply) {
        if self.clients.tell(client, reply) == Err(CutOff) {
            shell.with(|link, _| link.handle_submitter_cut_off());
        }
    }

    fn close(&mut self, client: usize) {
        self.clients.remove(client);
        self.forget(client);
    }

    /// Nothing more is read from the client.
    fn forget(&mut self, client: usize) {
        self.lines.remove(&client);
        self.unread.remove(&client);
    }

    /// A client that does not end its line must not keep the memory, and nothing is
    /// left of one that others have cut off.
    fn close_overdue(&mut self, now: Instant) {
        let clients = &self.clients;
        self.lines.retain(|client, _| clients.has(*client));
        let overdue = |lines: &Lines| {
            let begun = lines.begun_at();
            begun.is_some_and(|begun| now.saturating_duration_since(begun) > LINE_TIME_MAX)
        };
        let overdue = self.lines.iter().filter(|(_, lines)| overdue(lines));
        for client in overdue.map(|(client, _)| *client).collect::<Vec<_>>() {
            self.close(client);
        }
    }
}
