//! From the radio: packets become messages, and messages go to whom they are for.

use std::time::Instant;

use super::Link;
use crate::accounting::DropReason;
use crate::message::{End, Head, Message, PayloadType};
use crate::packet::{Content, Place};
use crate::reassembly::{Dropped, Outcome};

impl Link {
    /// `read` gave one packet.
    pub fn handle_packet(&mut self, now: Instant, octets: Vec<u8>) {
        self.receive(now, octets);
        self.drive_security(now);
    }

    fn receive(&mut self, now: Instant, octets: Vec<u8>) {
        self.counted.packets_in.offer();
        let parsed = match self.format.parse(&octets) {
            Ok(parsed) => parsed,
            Err(error) => {
                self.counted.packets_in.drop(error.drop_reason(), 1);
                self.note(format!("packet refused: {error}"));
                return;
            }
        };
        self.counted.packets_valid += 1;
        self.counted.surplus_bytes += parsed.surplus_bytes as u64;
        match parsed.content {
            Content::Idle => self.counted.packets_in.drop(DropReason::Idle, 1),
            Content::Message { head, payload } => {
                match self.reassembly.begin(head, octets, payload) {
                    Ok(message) => {
                        self.counted.packets_in.deliver(1);
                        self.handle_message(now, message);
                    }
                    Err(reason) => self.drop_packets(Dropped {
                        reason,
                        packets: 1,
                        head: Some(head),
                    }),
                }
            }
            Content::Segment(segment) => {
                if let Place::Unsegmented(head) | Place::First(head) = segment.place
                    && let Err(reason) = self.may_begin(&head)
                {
                    self.counted.packets_in.drop(reason, 1);
                    self.note(format!("packet refused: {}", reason.as_str()));
                    return;
                }
                let outcome = self.reassembly.accept(now, segment, octets);
                self.handle_outcome(now, outcome);
            }
        }
    }

    fn handle_outcome(&mut self, now: Instant, outcome: Outcome) {
        self.counted.sequence_gaps += u64::from(outcome.gap);
        self.counted.sender_restarts += u64::from(outcome.restart);
        for dropped in outcome.dropped {
            self.drop_packets(dropped);
        }
        if let Some((message, packets)) = outcome.whole {
            self.counted.packets_in.deliver(packets);
            self.handle_message(now, message);
        }
    }

    pub(super) fn drop_packets(&mut self, dropped: Dropped) {
        let Dropped {
            reason,
            packets,
            head,
        } = dropped;
        self.counted.packets_in.drop(reason, packets);
        self.note(format!("{packets} packet(s) dropped: {}", reason.as_str()));

        // A query that was lost on the way is asked again; one that has no room
        // here would wait for nothing. On a link with security nobody is answered
        // before it is known who it is.
        let no_room = matches!(reason, DropReason::TooLarge | DropReason::MemorySpent);
        let asked = head
            .filter(|head| head.payload_type == PayloadType::GraphQl && head.security.is_none());
        if let (true, End::Satellite, Some(head)) = (no_room, self.config.end, asked) {
            let port = head.port;
            let why = reason.as_str();
            let text = format!("the query for port {port} was not passed on: {why}");
            self.answer_with_error(&head, reason, &text);
        }
    }

    /// `read` failed.
    pub fn handle_read_error(&mut self, error: &str) {
        self.counted.read_errors += 1;
        self.note(format!("read failed: {error}"));
    }

    /// A whole message came.
    fn handle_message(&mut self, now: Instant, message: Message) {
        self.counted.messages_in.offer();
        if let Some(message) = self.authenticate(now, message) {
            self.pass_on(now, message);
        }
    }

    /// A message that may be believed goes to whom it is for.
    pub(super) fn pass_on(&mut self, now: Instant, message: Message) {
        match (self.config.end, message.head.payload_type) {
            (End::Ground, _) => self.handle_message_on_ground(message),
            (End::Satellite, PayloadType::GraphQl) => self.start_query(message),
            (End::Satellite, PayloadType::Udp) => self.send_datagram(message),
            (End::Satellite, PayloadType::UdpExchange) => self.start_exchange(now, message),
            (End::Satellite, _) => self.drop_message(DropReason::NotCarried, &message.head),
        }
    }

    pub(super) fn drop_message(&mut self, reason: DropReason, head: &Head) {
        self.counted.messages_in.drop(reason, 1);
        let (kind, port) = (head.payload_type.as_str(), head.port);
        self.note(format!(
            "{kind} message for port {port} dropped: {}",
            reason.as_str()
        ));
    }
}
