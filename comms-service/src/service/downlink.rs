//! Downlink endpoints: UDP ports by which mission apps talk to the ground
//! unasked. A datagram goes down whole, whatever it holds.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

use crate::shell::{BackOff, OWN_STACK_BYTES, Shell, Threads};

/// More than any UDP datagram.
const BUFFER_BYTES: usize = 65_536;

pub(super) fn start(
    shell: &Arc<Shell>,
    sockets: Vec<UdpSocket>,
    threads: &mut Threads,
) -> io::Result<()> {
    for (endpoint, socket) in sockets.into_iter().enumerate() {
        let name = match socket.local_addr() {
            Ok(address) => format!("downlink-{}", address.port()),
            Err(_) => format!("downlink-{endpoint}"),
        };
        let shell = Arc::clone(shell);
        let run = move || run(&shell, endpoint, &socket);
        threads.spawn(&name, OWN_STACK_BYTES, run)?;
    }
    Ok(())
}

fn run(shell: &Shell, endpoint: usize, socket: &UdpSocket) {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut back_off = BackOff::new();
    while !shell.is_stopping() {
        match socket.recv_from(&mut buffer) {
            Ok((bytes, _)) => {
                let datagram = buffer.get(..bytes).unwrap_or_default();
                shell.with(|link, now| link.handle_datagram(now, endpoint, datagram));
                back_off.reset();
            }
            Err(error) if is_nothing(&error) => {}
            Err(error) => {
                log::warn!("downlink endpoint {endpoint}: {error}");
                let text = format!("downlink endpoint {endpoint} cannot receive: {error}");
                shell.with(|link, _| link.note(text));
                back_off.pause(shell.stop());
            }
        }
    }
}

fn is_nothing(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}
