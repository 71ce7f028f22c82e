//! To the radio: messages become packets, one at a time for each `write`.

use std::time::Instant;

use super::Link;
use super::transmit::{Departure, Origin, TransmitQueue};
use crate::accounting::DropReason;
use crate::budget::HeldBytes;
use crate::message::{Class, Head, Message, PayloadType};

/// Why a message did not get into a transmit queue. It is counted already.
#[derive(Debug)]
pub(super) struct NotQueued {
    pub(super) reason: DropReason,
    pub(super) text: String,
}

impl Link {
    /// Sends an answer down by the first `write`; if it cannot go down, an error
    /// document in its stead.
    pub(super) fn answer(&mut self, question: &Head, payload: HeldBytes) {
        let head = answer_head(question);
        let queued = self.enqueue(0, Message { head, payload }, Origin::Answer);
        if let Err(NotQueued { reason, text }) = queued
            && matches!(reason, DropReason::TooLarge | DropReason::NotCarried)
        {
            let text = format!("the answer of port {} cannot go down: {text}", head.port);
            self.answer_with_error(question, reason, &text);
        }
    }

    /// A GraphQL error document (GraphQL, October 2021 edition, §7.1.2), so that
    /// the ground never waits for nothing.
    pub(super) fn answer_with_error(&mut self, question: &Head, reason: DropReason, message: &str) {
        let document = crate::graphql_error::document(reason, message);
        let payload = HeldBytes::notice(&self.budget, document);
        let head = answer_head(question);
        // Counted there if it does not go: nothing more can be done for it.
        let _ = self.enqueue(0, Message { head, payload }, Origin::Answer);
    }

    /// An app sent a datagram to downlink endpoint `endpoint`.
    pub fn handle_datagram(&mut self, endpoint: usize, octets: &[u8]) {
        let Some(port) = self.config.downlink_ports.get(endpoint).copied() else {
            return;
        };
        let head = Head {
            payload_type: PayloadType::Udp,
            class: Class::Standard,
            security: None,
            command_id: 0,
            port,
        };
        // An app that sends faster than the radio must not lock out commands.
        let bytes_max = self.budget.bytes_max() / 4 * 3;
        if self.budget.bytes_used() + octets.len() > bytes_max {
            self.counted.messages_out.offer();
            let text = format!("datagrams may take {bytes_max} octets of the memory budget");
            self.not_queued(&head, DropReason::MemorySpent, text);
            return;
        }
        // Counted there if it does not go: nobody waits for it.
        let _ = self.enqueue_copy(endpoint, head, octets, Origin::Datagram);
    }

    /// Queues a copy of `octets`.
    pub(super) fn enqueue_copy(
        &mut self,
        write: usize,
        head: Head,
        octets: &[u8],
        origin: Origin,
    ) -> Result<(), NotQueued> {
        match HeldBytes::copy_of(&self.budget, octets) {
            Ok(payload) => self.enqueue(write, Message { head, payload }, origin),
            Err(spent) => {
                self.counted.messages_out.offer();
                Err(self.not_queued(&head, DropReason::MemorySpent, spent.to_string()))
            }
        }
    }

    fn enqueue(&mut self, write: usize, message: Message, origin: Origin) -> Result<(), NotQueued> {
        self.counted.messages_out.offer();
        let Message { head, payload } = message;
        let bytes = payload.len();
        let bytes_max = self.config.message_bytes_max;
        if bytes > bytes_max {
            let text = format!("{bytes} octets are more than a message may have ({bytes_max})");
            return Err(self.not_queued(&head, DropReason::TooLarge, text));
        }
        let protected_bytes = bytes + self.trailer_bytes(&head);
        let head = self.format.classify(head, protected_bytes);
        let packets = match self.format.packet_count(&head, protected_bytes) {
            Ok(packets) => packets,
            Err(error) => {
                return Err(self.not_queued(&head, error.drop_reason(), error.to_string()));
            }
        };
        match self.transmit.get_mut(write) {
            Some(queue) if !queue.is_full(origin) => {
                queue.push(&*self.format, Message { head, payload }, packets, origin);
                Ok(())
            }
            _ => {
                let messages_max = self.config.transmit_queue_messages_max;
                let text = format!("{messages_max} messages wait for `write` {write}");
                Err(self.not_queued(&head, DropReason::QueueFull, text))
            }
        }
    }

    fn not_queued(&mut self, head: &Head, reason: DropReason, text: String) -> NotQueued {
        self.counted.messages_out.drop(reason, 1);
        self.note(format!("message of port {} dropped: {text}", head.port));
        NotQueued { reason, text }
    }

    /// Writes the next packet for `write` number `write` to `out`; false when
    /// there is none now. After true, call [`handle_written`](Self::handle_written).
    pub fn poll_packet(&mut self, now: Instant, write: usize, out: &mut Vec<u8>) -> bool {
        let has_packet = !self.waits_for_numbers() && self.next_packet(now, write, out);
        self.drive_security(now);
        has_packet
    }

    fn next_packet(&mut self, now: Instant, write: usize, out: &mut Vec<u8>) -> bool {
        loop {
            let Some(queue) = self.transmit.get_mut(write) else {
                return false;
            };
            let security = &mut self.security;
            let mut protect = |channel, head: &mut Head, payload: &mut HeldBytes| match security {
                Some(security) => security.protect(channel, head, payload),
                None => Ok(()),
            };
            let packet_bytes_max = self.config.packet_bytes_max;
            match queue.poll(&*self.format, packet_bytes_max, &mut protect, out) {
                Ok(true) => {
                    self.counted.packets_out.offer();
                    return true;
                }
                Ok(false) => return false,
                Err((error, departure)) => {
                    self.note(format!("message dropped: {error}"));
                    self.depart(now, departure);
                }
            }
        }
    }

    /// Whether [`poll_packet`](Self::poll_packet) would give one now.
    pub fn has_packet(&self, write: usize) -> bool {
        let queue = self.transmit.get(write);
        !self.waits_for_numbers() && queue.is_some_and(TransmitQueue::has_packet)
    }

    /// Whether the packet that `write` number `write` has is of a command that
    /// was taken back: a radio that did not take it yet need not.
    pub fn is_withdrawn(&self, write: usize) -> bool {
        let queue = self.transmit.get(write);
        queue.is_some_and(TransmitQueue::is_withdrawn)
    }

    /// `write` number `write` returned.
    pub fn handle_written(&mut self, now: Instant, write: usize, result: Result<(), String>) {
        let withdrawn = self.is_withdrawn(write);
        let packets_out = &mut self.counted.packets_out;
        match &result {
            Ok(()) => packets_out.deliver(1),
            Err(_) if withdrawn => packets_out.drop(DropReason::Withdrawn, 1),
            Err(error) => {
                packets_out.drop(DropReason::WriteFailed, 1);
                self.note(format!("write {write} failed: {error}"));
            }
        }
        let queue = self.transmit.get_mut(write);
        if let Some(departure) = queue.and_then(|queue| queue.written(result.is_ok())) {
            self.depart(now, departure);
        }
    }

    /// A message left its queue.
    fn depart(&mut self, now: Instant, departure: Departure) {
        match departure.result {
            Ok(()) => self.counted.messages_out.deliver(1),
            Err(reason) => self.counted.messages_out.drop(reason, 1),
        }
        if let Origin::Command(id) = departure.origin {
            let outcome = self.commands.departed(now, id, departure.result);
            self.actions.extend(outcome);
        }
    }
}

/// The head of an answer: same command, same port, same type.
fn answer_head(question: &Head) -> Head {
    let class = Class::Standard;
    Head { class, ..*question }
}
