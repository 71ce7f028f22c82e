//! From the radio: packets become messages, and messages go to whom they are for.

use std::time::Instant;

use super::Link;
use crate::accounting::DropReason;
use crate::message::{End, Head, Message, PayloadType};
use crate::packet::{Content, Place};
use crate::reassembly::{Dropped, Outcome, Wanted};

/// A whole message, and where its last packet stood: channel and count.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) message: Message,
    pub(super) ended_at: Option<(u16, u16)>,
}

impl Link {
    /// `read` gave one packet.
    pub fn handle_packet(&mut self, now: Instant, octets: impl AsRef<[u8]>) {
        self.handle_packets(now, [octets.as_ref()]);
    }

    /// The same of several, in the order in which they came.
    pub fn handle_packets<'a>(
        &mut self,
        now: Instant,
        packets: impl IntoIterator<Item = &'a [u8]>,
    ) {
        for octets in packets {
            self.receive(now, octets);
        }
        self.drive_security(now);
    }

    fn receive(&mut self, now: Instant, octets: &[u8]) {
        self.counted.packets_in.offer();
        let parsed = match self.format.parse(octets) {
            Ok(parsed) => parsed,
            Err(error) => {
                self.counted.packets_in.drop(error.drop_reason(), 1);
                self.note(format!("packet refused: {error}"));
                return;
            }
        };
        self.counted.packets_valid += 1;
        self.heard_ground(now, &parsed, octets);
        self.counted.surplus_bytes += parsed.surplus_bytes as u64;
        match parsed.content {
            Content::Idle => self.counted.packets_in.drop(DropReason::Idle, 1),
            Content::Message { head, payload } => {
                match self.reassembly.begin(head, octets, payload) {
                    Ok(message) => {
                        self.counted.packets_in.deliver(1);
                        let ended_at = None;
                        self.handle_whole(now, Whole { message, ended_at });
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
                let ended_at = (segment.channel, segment.count);
                let outcome = self.accept_segment(now, segment, octets);
                if outcome.restart {
                    self.reception.restarted(ended_at.0);
                }
                self.handle_outcome(now, outcome, ended_at);
            }
        }
    }

    fn handle_outcome(&mut self, now: Instant, outcome: Outcome, ended_at: (u16, u16)) {
        self.counted.sequence_gaps += u64::from(outcome.gap);
        self.counted.sender_restarts += u64::from(outcome.restart);
        for dropped in outcome.dropped {
            self.drop_packets(dropped);
        }
        if let Some(part) = outcome.part {
            self.handle_part(now, part);
        }
        if let Some((message, packets)) = outcome.whole {
            self.counted.packets_in.deliver(packets);
            let ended_at = Some(ended_at);
            self.handle_whole(now, Whole { message, ended_at });
        }
    }

    /// Messages whose next segment is overdue.
    pub(super) fn expire_reassembly(&mut self, now: Instant) {
        let repairs = self.kept_layout().is_some();
        let commands = &self.commands;
        let expired = self.reassembly.expire(
            now,
            &Wanted {
                is_answer: &|head| repairs && commands.is_repairable(head),
                without_first: false,
            },
        );
        if expired.packets > 0 {
            self.drop_packets(Dropped {
                reason: DropReason::ReassemblyTimeout,
                packets: expired.packets,
                head: None,
            });
        }
        for part in expired.parts {
            self.handle_part(now, part);
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
    fn handle_whole(&mut self, now: Instant, whole: Whole) {
        self.counted.messages_in.offer();
        if let Some(whole) = self.authenticate(now, whole) {
            self.route(now, whole);
        }
    }

    /// A message that may be believed goes to whom it is for.
    pub(super) fn route(&mut self, now: Instant, whole: Whole) {
        let Whole { message, ended_at } = whole;
        if let (Some((channel, count)), PayloadType::Udp) = (ended_at, message.head.payload_type) {
            self.reception.heard(now, channel, count);
        }
        match (self.config.end, message.head.payload_type) {
            (_, PayloadType::LinkControl) => self.handle_link_control(now, message),
            (_, PayloadType::Cfdp) if self.config.takes_pdus => self.take_pdu(message),
            (End::Ground, _) => self.handle_message_on_ground(message),
            (End::Satellite, PayloadType::GraphQl | PayloadType::Udp) => {
                self.recall_command(now, message);
            }
            (End::Satellite, _) => self.dispatch(now, message),
        }
    }

    /// A message came to nothing before it reached anybody.
    pub(super) fn drop_message(&mut self, reason: DropReason, head: &Head) {
        self.forget_command(head);
        self.drop_unproven(reason, head);
    }

    /// The same of one that never got as far as the command memory. What is remembered
    /// of the command that it names stays: it may be a forgery, or a replay, of one that
    /// runs.
    pub(super) fn drop_unproven(&mut self, reason: DropReason, head: &Head) {
        self.counted.messages_in.drop(reason, 1);
        let (kind, port) = (head.payload_type.as_str(), head.port);
        self.note(format!(
            "{kind} message for port {port} dropped: {}",
            reason.as_str()
        ));
    }
}
