//! Datagrams for services that are sent together.

use std::net::{SocketAddr, UdpSocket};

use radio_hal::datagrams::send_each;

use super::performer::not_sent;
use crate::budget::HeldBytes;
use crate::link::DatagramId;
use crate::shell::Shell;

/// Datagrams that are to be sent, in their order.
#[derive(Default)]
pub(super) struct Datagrams {
    waiting: Vec<(DatagramId, SocketAddr, HeldBytes)>,
}

impl Datagrams {
    pub(super) fn push(&mut self, datagram: DatagramId, service: SocketAddr, payload: HeldBytes) {
        self.waiting.push((datagram, service, payload));
    }

    /// Sends all of them without waiting, and tells the engine what became of each.
    pub(super) fn send(&mut self, shell: &Shell, socket: &UdpSocket) {
        if self.waiting.is_empty() {
            return;
        }
        let payloads = self.waiting.iter();
        let payloads = payloads.map(|(_, service, payload)| (payload.as_slice(), *service));
        let mut failures = Vec::new();
        let mut told = 0;
        send_each(socket, payloads, |result| {
            failures.extend(result.err().map(|error| (told, error)));
            told += 1;
        });
        let mut failures = failures.into_iter().peekable();
        let waiting = self.waiting.drain(..).enumerate();
        let results = waiting.map(|(number, (datagram, service, _))| {
            let failure = failures.next_if(|(failed, _)| *failed == number);
            let result = failure.map(|(_, error)| not_sent(service, &error));
            (datagram, result.map_or(Ok(()), Err))
        });
        shell.with(|link, _| link.handle_datagrams_sent(results));
    }
}
