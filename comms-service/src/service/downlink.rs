//! Downlink endpoints: UDP ports by which mission apps talk to the ground
//! unasked. A datagram goes down whole, whatever it holds.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use radio_hal::{DATAGRAMS_PER_CALL_MAX, DatagramReceiver};

use crate::shell::{BackOff, Outlet, Outlets, Shell, Threads, USER_STACK_BYTES};

/// One endpoint. Its socket may be replaced by one of another port while its
/// thread runs.
pub(super) struct Endpoint {
    socket: Mutex<Arc<UdpSocket>>,
}

impl Endpoint {
    pub(super) fn new(socket: UdpSocket) -> Self {
        let socket = Mutex::new(Arc::new(socket));
        Endpoint { socket }
    }

    pub(super) fn socket(&self) -> Arc<UdpSocket> {
        Arc::clone(&self.lock())
    }

    /// The thread of the endpoint goes over to `socket` within its read timeout.
    pub(super) fn replace(&self, socket: Arc<UdpSocket>) {
        *self.lock() = socket;
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        self.lock().local_addr().ok()
    }

    fn lock(&self) -> MutexGuard<'_, Arc<UdpSocket>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn start(
    shell: &Arc<Shell>,
    endpoints: &Arc<Vec<Endpoint>>,
    outlets: &Outlets,
    threads: &mut Threads,
) -> io::Result<()> {
    for (number, endpoint) in endpoints.iter().enumerate() {
        let name = match endpoint.local_addr() {
            Some(address) => format!("downlink-{}", address.port()),
            None => format!("downlink-{number}"),
        };
        let (shell, endpoints) = (Arc::clone(shell), Arc::clone(endpoints));
        let outlets = outlets.clone();
        // Taken now: what comes to it before the thread runs is not lost, should it
        // be replaced by then.
        let mut socket = endpoint.socket();
        let mut receiver = DatagramReceiver::new(DATAGRAMS_PER_CALL_MAX)?;
        let run = move || {
            if let Some(endpoint) = endpoints.get(number) {
                let mut way = Way {
                    shell: &shell,
                    endpoint: number,
                    outlets: &outlets,
                    outlet: None,
                };
                run(&mut way, endpoint, &mut socket, &mut receiver);
            }
        };
        threads.spawn(&name, USER_STACK_BYTES, run)?;
    }
    Ok(())
}

/// The way of datagrams from an endpoint to the radio.
struct Way<'a> {
    shell: &'a Shell,
    endpoint: usize,
    outlets: &'a Outlets,
    /// The outlet they go by, or went by before the endpoint got another: that one is
    /// then woken for them.
    outlet: Option<&'a Arc<dyn Outlet>>,
}

fn run(
    way: &mut Way<'_>,
    source: &Endpoint,
    socket: &mut Arc<UdpSocket>,
    receiver: &mut DatagramReceiver,
) {
    let (shell, endpoint) = (way.shell, way.endpoint);
    let mut back_off = BackOff::new();
    way.find_outlet();
    while !shell.is_stopping() {
        let current = source.socket();
        if !Arc::ptr_eq(&current, socket) {
            way.take_the_rest(socket, receiver);
            *socket = current;
        }
        match receiver.receive(socket) {
            Ok(datagrams) => {
                way.bring(datagrams.map(|(datagram, _)| datagram));
                back_off.reset();
            }
            Err(error) if is_nothing(&error) => way.find_outlet(),
            Err(error) => {
                log::warn!("downlink endpoint {endpoint}: {error}");
                let text = format!("downlink endpoint {endpoint} cannot receive: {error}");
                shell.with(|link, _| link.note(text));
                back_off.pause(shell.stop());
            }
        }
    }
}

impl Way<'_> {
    /// What an app sent to a socket before it was replaced goes down all the same,
    /// unless another endpoint has the socket now.
    fn take_the_rest(&self, socket: &Arc<UdpSocket>, receiver: &mut DatagramReceiver) {
        if Arc::strong_count(socket) > 1 || socket.set_nonblocking(true).is_err() {
            return;
        }
        while let Ok(datagrams) = receiver.receive(socket) {
            self.bring(datagrams.map(|(datagram, _)| datagram));
        }
    }

    fn find_outlet(&mut self) {
        let write = self.shell.write_of_endpoint(self.endpoint);
        self.outlet = write.and_then(|write| self.outlets.get(write));
    }

    fn bring<'a>(&self, datagrams: impl Iterator<Item = &'a [u8]>) {
        let mut datagrams = Some(datagrams);
        let mut hand_over = || {
            let datagrams = datagrams.take().into_iter().flatten();
            self.shell.with_all(datagrams, |link, now, datagrams| {
                link.handle_datagrams(now, self.endpoint, datagrams);
            });
        };
        match self.outlet {
            Some(outlet) => outlet.bring(self.shell, &mut hand_over),
            None => hand_over(),
        }
    }
}

fn is_nothing(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}
