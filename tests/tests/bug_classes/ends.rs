//! A satellite's engine, and what it did with what was sent to it.

use std::time::{Duration, Instant};

use comms_service::accounting::{DropReason, Statistics};
use comms_service::budget::HeldBytes;
use comms_service::link::{Action, Link, LinkConfig};
use comms_service::message::{End, PayloadType};
use comms_service::packet::LinkPacket;

use crate::packets::{formats, packet};

/// A satellite whose services take everything, and answer queries with `ok`.
pub(crate) struct Satellite {
    pub(crate) link: Link,
    pub(crate) now: Instant,
    /// What services got: the port and the octets.
    pub(crate) ran: Vec<(u16, Vec<u8>)>,
    ground: Box<dyn LinkPacket>,
}

impl Satellite {
    /// In the default format.
    pub(crate) fn new() -> Self {
        Self {
            link: Link::new(
                LinkConfig::new(End::Satellite),
                formats(End::Satellite).remove(0),
            ),
            now: Instant::now(),
            ran: Vec::new(),
            ground: formats(End::Ground).remove(0),
        }
    }

    /// The satellite loses all it had in memory.
    pub(crate) fn reboots(&mut self) {
        let before = self.now;
        *self = Self::new();
        self.now = before;
    }

    /// A packet comes; everything that it leads to happens. Gives how many packets
    /// go down.
    pub(crate) fn hears(&mut self, octets: Vec<u8>) -> usize {
        self.link.handle_packet(self.now, octets);
        while let Some(action) = self.link.poll_action() {
            match action {
                Action::Post {
                    handler,
                    port,
                    body,
                } => {
                    self.ran.push((port, body.to_vec()));
                    drop(body);
                    let answer = HeldBytes::copy_of(self.link.budget(), b"ok");
                    let answer = answer.expect("there is room");
                    self.link.handle_answer(handler, Ok(answer));
                }
                Action::SendDatagram { port, payload, .. } => {
                    self.ran.push((port, payload.to_vec()));
                    drop(payload);
                    self.link.handle_datagram_sent(Ok(()));
                }
                other => panic!("not asked for: {other:?}"),
            }
        }
        let (mut packets, mut out) = (0, Vec::new());
        while self.link.poll_packet(self.now, 0, &mut out) {
            self.link.handle_written(self.now, 0, Ok(()));
            packets += 1;
        }
        packets
    }

    /// Query `body` in a packet with this count.
    pub(crate) fn query(&self, body: &[u8], count: u16) -> Vec<u8> {
        packet(&*self.ground, PayloadType::GraphQl, body, count)
    }

    pub(crate) fn passes(&mut self, time: Duration) {
        self.now += time;
        self.link.handle_timeout(self.now);
    }

    /// The accounts, which add up.
    pub(crate) fn counted(&self) -> Statistics {
        let all = self.link.statistics();
        assert!(all.balances(), "{all:?}");
        all
    }

    pub(crate) fn dropped(&self, reason: DropReason) -> u64 {
        let all = self.counted();
        all.packets_in.dropped.of(reason) + all.messages_in.dropped.of(reason)
    }
}
