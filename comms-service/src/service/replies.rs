//! The reply thread: receives what UDP services answer (format `udp`, and
//! services with a reply window), by all local sockets at once.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Registry, Token};

use crate::shell::{BackOff, OWN_STACK_BYTES, Shell, Threads};

const BUFFER_BYTES: usize = 65_536;
/// How often the thread looks at least whether it is to stop.
const STOP_POLL_MAX: Duration = Duration::from_millis(250);
/// Datagrams read from one socket before the others have their turn.
const DATAGRAMS_PER_TURN_MAX: usize = 64;

/// The local sockets that wait for answers. A service that needs none at its start
/// may be given them later, once.
pub(super) struct ReplySockets {
    sockets: OnceLock<Vec<UdpSocket>>,
    registry: Registry,
    /// Dropped to wake the thread, which waits for the other half.
    none_yet: Mutex<Option<Sender<()>>>,
}

impl ReplySockets {
    pub(super) fn get(&self, index: usize) -> Option<&UdpSocket> {
        self.sockets.get()?.get(index)
    }

    /// Has answers by these sockets received from now on.
    pub(super) fn give(&self, mut sockets: Vec<UdpSocket>) -> io::Result<()> {
        if sockets.is_empty() {
            return Ok(());
        }
        for (index, socket) in sockets.iter_mut().enumerate() {
            self.registry
                .register(socket, Token(index), Interest::READABLE)?;
        }
        self.sockets
            .set(sockets)
            .map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))?;
        let mut none_yet = self.none_yet.lock().unwrap_or_else(PoisonError::into_inner);
        none_yet.take();
        Ok(())
    }
}

/// The watch over the sockets.
pub(super) struct Replies {
    poll: Poll,
    sockets: Arc<ReplySockets>,
    /// Disconnected once there are sockets.
    given: Receiver<()>,
    /// Those that may hold datagrams of which no further event tells.
    unread: BTreeSet<usize>,
}

impl Replies {
    pub(super) fn new(sockets: Vec<UdpSocket>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let (none_yet, given) = bounded(0);
        let replies = Replies {
            sockets: Arc::new(ReplySockets {
                sockets: OnceLock::new(),
                registry: poll.registry().try_clone()?,
                none_yet: Mutex::new(Some(none_yet)),
            }),
            poll,
            given,
            unread: BTreeSet::new(),
        };
        replies.sockets.give(sockets)?;
        Ok(replies)
    }

    pub(super) fn sockets(&self) -> Arc<ReplySockets> {
        Arc::clone(&self.sockets)
    }

    pub(super) fn start(
        mut self,
        shell: &Arc<Shell>,
        satellite_ip: Ipv4Addr,
        read_timeout: Duration,
        threads: &mut Threads,
    ) -> io::Result<()> {
        let shell = Arc::clone(shell);
        // As long as `read` may take, so that the stop waits for neither.
        let stop_poll = read_timeout.clamp(Duration::from_millis(1), STOP_POLL_MAX);
        let run = move || self.run(&shell, satellite_ip, stop_poll);
        threads.spawn("replies", OWN_STACK_BYTES, run)
    }

    fn run(&mut self, shell: &Shell, satellite_ip: Ipv4Addr, stop_poll: Duration) {
        select! {
            recv(self.given) -> _ => {}
            recv(shell.stop().requested()) -> _ => return,
        }
        let mut events = Events::with_capacity(64);
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut back_off = BackOff::new();
        while !shell.is_stopping() {
            let wait = match self.unread.is_empty() {
                true => stop_poll,
                false => Duration::ZERO,
            };
            match self.poll.poll(&mut events, Some(wait)) {
                Ok(()) => back_off.reset(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let text = format!("cannot wait for answers of UDP services: {error}");
                    log::error!("{text}");
                    shell.with(|link, _| link.note(text));
                    back_off.pause(shell.stop());
                }
            }
            self.unread
                .extend(events.iter().map(|event| event.token().0));
            // An event tells of a change only, so a socket is read until it is
            // empty; in turns, so that one that never is keeps up no other.
            for socket in self.unread.clone() {
                if self.read_some(shell, satellite_ip, socket, &mut buffer) {
                    self.unread.remove(&socket);
                }
            }
        }
    }

    /// Reads from a socket for one turn; true when it is empty.
    fn read_some(
        &self,
        shell: &Shell,
        satellite_ip: Ipv4Addr,
        index: usize,
        buffer: &mut [u8],
    ) -> bool {
        let Some(socket) = self.sockets.get(index) else {
            return true;
        };
        let mut strangers = 0;
        let mut last_stranger = None;
        let mut is_empty = false;
        for _ in 0..DATAGRAMS_PER_TURN_MAX {
            if shell.is_stopping() {
                break;
            }
            match socket.recv_from(buffer) {
                Ok((bytes, from)) if from.ip() == IpAddr::V4(satellite_ip) => {
                    let reply = buffer.get(..bytes).unwrap_or_default();
                    shell.with(|link, now| link.handle_reply(now, index, from.port(), reply));
                }
                Ok((_, from)) => {
                    strangers += 1;
                    last_stranger = Some(from);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    is_empty = true;
                    break;
                }
                // Of one datagram: the next may be whole.
                Err(_) => {}
            }
        }
        if let Some(from) = last_stranger {
            let text = format!(
                "{strangers} datagram(s) to a handler's port came from elsewhere than \
                 {satellite_ip} and were dropped, the last from {from}"
            );
            shell.with(|link, _| link.note(text));
        }
        is_empty
    }
}
