//! To the radio: messages become packets, as each `write` takes them.

use std::time::{Duration, Instant};

use radio_hal::FrameBuffer;

use super::transmit::{Departure, Origin, Outgoing, TransmitQueue};
use super::{Action, ClassLimits, CommandFailure, Link, QueueClass, TIMEOUT_MAX, WhenFull};
use crate::accounting::DropReason;
use crate::budget::HeldBytes;
use crate::link_control::{LinkControl, ReceptionReport};
use crate::message::{Class, End, Head, Message, PayloadType};

/// Entries of a reception report, if that many fit into one packet.
const REPORT_ENTRIES_MAX: usize = 64;

/// Why a message did not get into a transmit queue. It is counted already.
#[derive(Debug)]
pub(super) struct NotQueued {
    pub(super) reason: DropReason,
    pub(super) text: String,
    pub(super) class: QueueClass,
    /// What its class does when it is full; set where that was the reason.
    pub(super) when_full: Option<WhenFull>,
}

/// How a message is queued.
pub(super) struct Manner {
    pub(super) origin: Origin,
    pub(super) class: QueueClass,
    pub(super) expires: Option<Instant>,
}

impl Link {
    /// Sends an answer down by the first `write`; if it cannot go down, an error
    /// document in its stead.
    pub(super) fn answer(&mut self, question: &Head, payload: HeldBytes) {
        let head = answer_head(question);
        let queued = self.enqueue(0, Message { head, payload }, Origin::Answer);
        if let Err(NotQueued {
            reason,
            text,
            class,
            ..
        }) = queued
            && (matches!(reason, DropReason::TooLarge | DropReason::NotCarried)
                || class == QueueClass::Bulk)
        {
            let text = format!("the answer of port {} cannot go down: {text}", head.port);
            self.answer_with_error(question, reason, &text);
        }
    }

    /// A GraphQL error document (GraphQL, October 2021 edition, §7.1.2), so that
    /// the ground never waits for nothing. None for a datagram: its service may
    /// answer what it likes, so the ground could not tell one from the other.
    pub(super) fn answer_with_error(&mut self, question: &Head, reason: DropReason, message: &str) {
        if question.payload_type == PayloadType::Udp {
            return;
        }
        let document = crate::graphql_error::document(reason, message);
        let payload = HeldBytes::notice(&self.budget, document);
        let head = answer_head(question);
        // Counted there if it does not go: nothing more can be done for it.
        let _ = self.enqueue(0, Message { head, payload }, Origin::Answer);
    }

    /// Tells the other end something; on the satellite, in answer to `question`.
    pub(super) fn answer_with_control(&mut self, question: &Head, control: &LinkControl) {
        let head = Head::link_control(question.security);
        // Counted there if it does not go: the other end asks again.
        let _ = self.enqueue_copy(0, head, &control.encode(), Origin::Answer);
    }

    /// Sends one of several answers of a UDP service down.
    pub(super) fn answer_in_window(&mut self, question: &Head, is_surplus: bool, octets: &[u8]) {
        let head = answer_head(question);
        if is_surplus {
            self.offer_out(QueueClass::Response);
            let text = "its service has answered as often as it may (reply-windows)".to_string();
            let class = QueueClass::Response;
            self.not_queued(&head, class, DropReason::SurplusReply, text);
            return;
        }
        // Counted there if it does not go: the service may answer again.
        let _ = self.enqueue_copy(0, head, octets, Origin::Answer);
    }

    /// An app sent a datagram to downlink endpoint `endpoint`.
    pub fn handle_datagram(&mut self, now: Instant, endpoint: usize, octets: &[u8]) {
        self.handle_datagrams(now, endpoint, [octets]);
    }

    /// The same of several, in the order in which they came.
    pub fn handle_datagrams<'a>(
        &mut self,
        now: Instant,
        endpoint: usize,
        datagrams: impl IntoIterator<Item = &'a [u8]>,
    ) {
        for octets in datagrams {
            // Counted there if it does not go: nobody waits for it.
            let _ = self.enqueue_from_app(now, endpoint, octets, Origin::Datagram, None);
        }
    }

    /// Which `write` the messages of downlink endpoint `endpoint` go to.
    pub fn write_of_endpoint(&self, endpoint: usize) -> Option<usize> {
        self.config.endpoint(endpoint).map(|port| port.write)
    }

    /// Queues what an app sends by a downlink endpoint, to live for `ttl` or as long
    /// as the endpoint says.
    pub(super) fn enqueue_from_app(
        &mut self,
        now: Instant,
        endpoint: usize,
        octets: &[u8],
        origin: Origin,
        ttl: Option<Duration>,
    ) -> Result<(), NotQueued> {
        let Some(port) = self.config.endpoint(endpoint) else {
            return Err(NotQueued {
                reason: DropReason::NotCarried,
                text: format!("there is no downlink endpoint {endpoint}"),
                class: QueueClass::Telemetry,
                when_full: None,
            });
        };
        let head = Head {
            payload_type: PayloadType::Udp,
            class: match port.class {
                QueueClass::Bulk => Class::Bulk,
                _ => Class::Standard,
            },
            security: None,
            command_id: 0,
            port: port.port,
        };
        let ttl = ttl.or(port.ttl).map(|ttl| ttl.min(TIMEOUT_MAX));
        let manner = Manner {
            origin,
            class: port.class,
            expires: ttl.map(|ttl| now + ttl),
        };
        match self.hold_from_outside(octets) {
            Ok(payload) => self.enqueue_as(port.write, Message { head, payload }, manner),
            Err(text) => {
                self.offer_out(port.class);
                Err(self.not_queued(&head, port.class, DropReason::MemorySpent, text))
            }
        }
    }

    /// A copy of what an app or the file entity sends, as far as the budget has that
    /// much for them.
    pub(super) fn hold_from_outside(&self, octets: &[u8]) -> Result<HeldBytes, String> {
        self.leave_room_for_commands(octets.len())?;
        HeldBytes::copy_of(&self.budget, octets).map_err(|spent| spent.to_string())
    }

    /// Whether the budget has so many more octets for apps and the file entity: who
    /// sends faster than the radio, or takes slower, must not lock out commands.
    pub(super) fn leave_room_for_commands(&self, bytes: usize) -> Result<(), String> {
        let bytes_max = self.budget.bytes_max() / 4 * 3;
        let fits = |bytes_used: usize| bytes_used.saturating_add(bytes) <= bytes_max;
        let bytes_used = self.budget.bytes_used();
        // What is only remembered gives way.
        match fits(bytes_used) || fits(bytes_used.saturating_sub(self.budget.bytes_stored())) {
            false => Err(format!(
                "datagrams and PDUs may take {bytes_max} octets of the memory budget"
            )),
            true => Ok(()),
        }
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
                let class = QueueClass::Response;
                self.offer_out(class);
                let text = spent.to_string();
                Err(self.not_queued(&head, class, DropReason::MemorySpent, text))
            }
        }
    }

    /// Queues what the link itself sends: a long answer as bulk, everything else as
    /// a response.
    fn enqueue(&mut self, write: usize, message: Message, origin: Origin) -> Result<(), NotQueued> {
        let bytes = message.payload.len() + self.trailer_bytes(&message.head);
        let head = self.format.classify(message.head, bytes);
        let class = match (head.class, self.config.end) {
            (Class::Bulk, End::Satellite) => QueueClass::Bulk,
            _ => QueueClass::Response,
        };
        let manner = Manner {
            origin,
            class,
            expires: None,
        };
        self.enqueue_as(write, message, manner)
    }

    pub(super) fn enqueue_as(
        &mut self,
        write: usize,
        message: Message,
        manner: Manner,
    ) -> Result<(), NotQueued> {
        let Manner {
            origin,
            class,
            expires,
        } = manner;
        self.offer_out(class);
        let Message { head, payload } = message;
        let bytes = payload.len();
        let bytes_max = self.config.message_bytes_max;
        if bytes > bytes_max {
            let text = format!("{bytes} octets are more than a message may have ({bytes_max})");
            return Err(self.not_queued(&head, class, DropReason::TooLarge, text));
        }
        let protected_bytes = bytes + self.trailer_bytes(&head);
        let head = self.format.classify(head, protected_bytes);
        let packets = match self.format.packet_count(&head, protected_bytes) {
            Ok(packets) => packets,
            Err(error) => {
                let text = error.to_string();
                return Err(self.not_queued(&head, class, error.drop_reason(), text));
            }
        };
        let room = match self.transmit.get_mut(write) {
            Some(queue) => queue.make_room(class, origin, bytes),
            None => {
                let text = format!("there is no `write` {write}");
                return Err(self.not_queued(&head, class, DropReason::NotCarried, text));
            }
        };
        match room {
            Ok(displaced) => {
                let message = Message { head, payload };
                let outgoing = Outgoing {
                    message,
                    packets,
                    origin,
                    class,
                    expires,
                };
                if let Some(queue) = self.transmit.get_mut(write) {
                    queue.push(&*self.format, outgoing);
                }
                for departure in displaced {
                    self.count_departure(&departure);
                    // But for a command that makes room for itself.
                    if departure.origin != origin {
                        self.fail_command_of(&departure);
                    }
                }
                Ok(())
            }
            Err(limits) => {
                let text = full(write, class, bytes, &limits);
                let not_queued = self.not_queued(&head, class, DropReason::QueueFull, text);
                Err(NotQueued {
                    when_full: Some(limits.when_full),
                    ..not_queued
                })
            }
        }
    }

    /// One more message of that class. Every message for the radio is offered by this.
    pub(super) fn offer_out(&mut self, class: QueueClass) {
        self.counted.messages_out.offer();
        let account = self.counted.classes_out.of_mut(class);
        account.messages.offer();
    }

    pub(super) fn not_queued(
        &mut self,
        head: &Head,
        class: QueueClass,
        reason: DropReason,
        text: String,
    ) -> NotQueued {
        self.drop_out(class, reason);
        self.note(format!("message of port {} dropped: {text}", head.port));
        NotQueued {
            reason,
            text,
            class,
            when_full: None,
        }
    }

    /// A message of that class is dropped.
    pub(super) fn drop_out(&mut self, class: QueueClass, reason: DropReason) {
        self.counted.messages_out.drop(reason, 1);
        let account = self.counted.classes_out.of_mut(class);
        account.messages.drop(reason, 1);
    }

    /// A message that left its queue, in the accounts; whoever submitted it hears
    /// of it.
    pub(super) fn count_departure(&mut self, departure: &Departure) {
        match departure.result {
            Ok(()) => {
                self.counted.messages_out.deliver(1);
                let account = self.counted.classes_out.of_mut(departure.class);
                account.messages.deliver(1);
            }
            Err(reason) => self.drop_out(departure.class, reason),
        }
        self.tell_submitter(departure);
    }

    /// A message was dropped: whoever submitted it hears of it. Of a PDU the entity
    /// hears in any case.
    pub(super) fn tell_submitter(&mut self, departure: &Departure) {
        match (departure.origin, departure.result) {
            (Origin::Submission(number), Err(reason)) => self.submission_dropped(number, reason),
            (Origin::Pdu(token), result) => {
                self.actions
                    .push_back(Action::PduDeparted { token, result });
            }
            _ => {}
        }
    }

    /// A command was dropped before its turn: nothing else would tell its end.
    pub(super) fn fail_command_of(&mut self, departure: &Departure) {
        if let (Origin::Command(id), Err(reason)) = (departure.origin, departure.result)
            && self.commands.is_outstanding(id)
        {
            self.fail_command(id, CommandFailure::Dropped(reason));
        }
    }

    /// Tells the satellite what was heard, when that is due.
    pub(super) fn report_reception(&mut self, now: Instant) {
        let head = Head::link_control(None);
        let bytes_max = self.format.control_bytes_max();
        let fits = |entries: &usize| ReceptionReport::bytes_of(*entries) <= bytes_max;
        let entries = (1..=REPORT_ENTRIES_MAX).rev().find(fits);
        let Some(report) = self.reception.report(now, entries.unwrap_or(0)) else {
            return;
        };
        // Counted there if it does not go: the next report tells the same.
        let _ = self.enqueue_copy(
            0,
            head,
            &LinkControl::ReceptionReport(report).encode(),
            Origin::Answer,
        );
    }

    /// It is `now`: messages have lost their time to live, frames have left radios.
    pub(super) fn pass_queues(&mut self, now: Instant) {
        for write in 0..self.transmit.len() {
            self.pass_queue(now, write);
        }
    }

    fn pass_queue(&mut self, now: Instant, write: usize) {
        let queue = self.transmit.get_mut(write);
        let expired = queue.map(|queue| queue.pass(now)).unwrap_or_default();
        for departure in expired {
            self.count_departure(&departure);
        }
    }

    /// Writes the next packet for `write` number `write` to `out`; false when
    /// there is none now. After true, call [`handle_written`](Self::handle_written).
    ///
    /// With pacing there is none while the radio has as many frames as it may have, and
    /// outside contact none of what waits for it;
    /// [`poll_timeout`](Self::poll_timeout) tells when either may be over.
    pub fn poll_packet(&mut self, now: Instant, write: usize, out: &mut Vec<u8>) -> bool {
        self.pass_queue(now, write);
        let has_packet = self.may_hand_out(write) && self.next_packet(now, write, out);
        self.drive_security(now);
        has_packet
    }

    /// Appends the next packets to `packets`, at most `packets_max` of them. Call
    /// [`handle_written`](Self::handle_written) for each, in their order; there are no
    /// more before the last of them. With pacing there are only so many as the radio may
    /// have. No two of them are of one message, so that each can fail for itself.
    pub fn poll_packets(
        &mut self,
        now: Instant,
        write: usize,
        packets_max: usize,
        packets: &mut FrameBuffer,
    ) {
        self.pass_queue(now, write);
        if self.may_hand_out(write) {
            let mut built = std::mem::take(&mut self.built);
            for _ in 0..packets_max {
                if self.waits_for_numbers() || !self.next_packet(now, write, &mut built) {
                    break;
                }
                packets.push(&built);
            }
            self.built = built;
        }
        self.drive_security(now);
    }

    /// Whether `write` number `write` is done with what it was given before.
    fn may_hand_out(&self, write: usize) -> bool {
        let queue = self.transmit.get(write);
        let is_free = queue.is_some_and(|queue| queue.packets_with_radio() == 0);
        is_free && !self.waits_for_numbers()
    }

    fn next_packet(&mut self, now: Instant, write: usize, out: &mut Vec<u8>) -> bool {
        loop {
            let Some(queue) = self.transmit.get_mut(write) else {
                return false;
            };
            let holds = |class| self.contact.holds_queue(class, now);
            let security = &mut self.security;
            let mut protect = |channel, head: &mut Head, payload: &mut HeldBytes| match security {
                Some(security) => security.protect(channel, head, payload),
                None => Ok(()),
            };
            let bytes_max = self.config.packet_bytes_max;
            match queue.poll(now, &*self.format, bytes_max, &holds, &mut protect, out) {
                Ok(true) => {
                    self.counted.packets_out.offer();
                    return true;
                }
                Ok(false) => return false,
                Err((error, departure)) => {
                    self.note(format!("message dropped: {error}"));
                    self.depart(now, write, departure);
                }
            }
        }
    }

    /// Whether [`poll_packet`](Self::poll_packet) would give one now.
    pub fn has_packet(&self, now: Instant, write: usize) -> bool {
        let holds = |class| self.contact.holds_queue(class, now);
        let queue = self.transmit.get(write);
        !self.waits_for_numbers() && queue.is_some_and(|queue| queue.has_packet(now, &holds))
    }

    /// Until when pacing holds back the next packet for `write` number `write`; none
    /// when there is no packet, or one at once.
    pub fn paced_until(&self, write: usize) -> Option<Instant> {
        self.transmit
            .get(write)
            .and_then(TransmitQueue::paced_until)
    }

    /// Whether the first packet that `write` number `write` has is of a command that
    /// was taken back: a radio that did not take it yet need not.
    pub fn is_withdrawn(&self, write: usize) -> bool {
        let queue = self.transmit.get(write);
        queue.is_some_and(TransmitQueue::is_withdrawn)
    }

    /// `write` number `write` is done with the first packet that it has.
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
        // The other end cannot use the rest of a message without this packet.
        let failure = result.err().map(|_| DropReason::WriteFailed);
        self.packet_left(now, write, failure);
    }

    /// Of the packets that `write` number `write` was given, only the last `rest` are
    /// still there. Those before are dropped for `reason`.
    pub fn handle_lost_packets(
        &mut self,
        now: Instant,
        write: usize,
        rest: usize,
        reason: DropReason,
    ) {
        let queue = self.transmit.get(write);
        let held = queue.map_or(0, TransmitQueue::packets_with_radio);
        for _ in rest..held {
            self.counted.packets_out.drop(reason, 1);
            self.packet_left(now, write, Some(reason));
        }
    }

    fn packet_left(&mut self, now: Instant, write: usize, failure: Option<DropReason>) {
        let queue = self.transmit.get_mut(write);
        if let Some(departure) = queue.and_then(|queue| queue.written(failure)) {
            self.depart(now, write, departure);
        }
    }

    /// A message left its queue.
    pub(super) fn depart(&mut self, now: Instant, write: usize, departure: Departure) {
        self.count_departure(&departure);
        match departure.origin {
            Origin::Command(id) => {
                if let Some(outcome) = self.commands.departed(now, id, departure.result) {
                    self.end_repair(id);
                    self.commands.remove(id);
                    self.actions.push_back(outcome);
                }
            }
            Origin::Submission(number) if departure.result.is_ok() => {
                self.submission_sent(now, write, number, &departure);
            }
            _ => {}
        }
        self.feed_resendings();
    }
}

/// The head of an answer: same command, same port, same type.
fn answer_head(question: &Head) -> Head {
    let class = Class::Standard;
    Head { class, ..*question }
}

/// What is full.
fn full(write: usize, class: QueueClass, bytes: usize, limits: &ClassLimits) -> String {
    let ClassLimits {
        messages_max,
        bytes_max,
        ..
    } = limits;
    let messages = messages_max.map(|max| format!("{max} messages"));
    let octets = bytes_max.map(|max| format!("{max} octets"));
    let limits: Vec<_> = messages.into_iter().chain(octets).collect();
    format!(
        "before `write` {write} there is no room for {bytes} octets of class {}, which may hold {}",
        class.as_str(),
        limits.join(" and ")
    )
}
