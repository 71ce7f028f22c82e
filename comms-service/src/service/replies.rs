//! The reply thread: receives what UDP services answer (format `udp`), by all
//! local sockets at once.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

use crate::shell::{OWN_STACK_BYTES, Shell, Threads};

const BUFFER_BYTES: usize = 65_536;
/// How often the thread looks at least whether it is to stop.
const STOP_POLL_MAX: Duration = Duration::from_millis(250);

/// The local sockets that wait for answers, and the watch over them.
pub(super) struct Replies {
    poll: Poll,
    sockets: Arc<Vec<UdpSocket>>,
}

impl Replies {
    pub(super) fn new(mut sockets: Vec<UdpSocket>) -> io::Result<Self> {
        let poll = Poll::new()?;
        for (index, socket) in sockets.iter_mut().enumerate() {
            poll.registry()
                .register(socket, Token(index), Interest::READABLE)?;
        }
        let sockets = Arc::new(sockets);
        Ok(Replies { poll, sockets })
    }

    pub(super) fn sockets(&self) -> Arc<Vec<UdpSocket>> {
        Arc::clone(&self.sockets)
    }

    pub(super) fn start(
        self,
        shell: &Arc<Shell>,
        satellite_ip: Ipv4Addr,
        read_timeout: Duration,
        threads: &mut Threads,
    ) -> io::Result<()> {
        if self.sockets.is_empty() {
            return Ok(());
        }
        let shell = Arc::clone(shell);
        // As long as `read` may take, so that the stop waits for neither.
        let stop_poll = read_timeout.clamp(Duration::from_millis(1), STOP_POLL_MAX);
        let run = move || {
            if let Err(error) = self.run(&shell, satellite_ip, stop_poll) {
                log::error!("the reply thread ended: {error}");
                shell.with(|link, _| link.note(format!("the reply thread ended: {error}")));
            }
        };
        threads.spawn("replies", OWN_STACK_BYTES, run)
    }

    fn run(mut self, shell: &Shell, satellite_ip: Ipv4Addr, stop_poll: Duration) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        let mut buffer = vec![0; BUFFER_BYTES];
        while !shell.is_stopping() {
            match self.poll.poll(&mut events, Some(stop_poll)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                let Token(index) = event.token();
                let Some(socket) = self.sockets.get(index) else {
                    continue;
                };
                // An event tells of a change, so the socket is emptied.
                while let Ok((bytes, from)) = socket.recv_from(&mut buffer) {
                    let reply = buffer.get(..bytes).unwrap_or_default();
                    if from.ip() == IpAddr::V4(satellite_ip) {
                        shell.with(|link, now| link.handle_reply(now, index, from.port(), reply));
                    }
                }
            }
        }
        Ok(())
    }
}
