//! The engine of a link: every decision, and no socket, clock or thread.
//!
//! [`Link`] stands between a radio and what lies behind it, on either end. Its
//! methods are of three kinds:
//!
//! - `handle_*(now, …)` tells it what happened: a packet came, a service
//!   answered, an app sent a datagram, `write` returned, time passed.
//! - `poll_*` asks it what to do: [`poll_action`](Link::poll_action) until it
//!   gives `None`, [`poll_packet`](Link::poll_packet) for each `write` whenever
//!   something may have been queued or a write ended, and
//!   [`poll_timeout`](Link::poll_timeout) for the time at which to call
//!   [`handle_timeout`](Link::handle_timeout).
//! - [`statistics`](Link::statistics) and the like only look.
//!
//! Time is a parameter that never goes back; random bits too. So a whole link,
//! both ends and the radio between them, runs on virtual time in one thread, and
//! a capture can be replayed.

mod commands;
mod exchanges;
mod handlers;
mod transmit;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use commands::{Command, CommandFailure};
pub use handlers::HandlerId;

use crate::accounting::{DropReason, Statistics};
use crate::budget::{ByteBudget, HeldBytes};
use crate::message::{Class, End, Head, Message, PayloadType};
use crate::packet::{Content, DATAGRAM_BYTES_MAX, LinkPacket};
use crate::reassembly::{Outcome, Reassembly};
use crate::telemetry::ERRORS_MAX;

use commands::Commands;
use exchanges::Exchanges;
use handlers::Handlers;
use transmit::{Departure, Origin, TransmitQueue};

/// Every limit of a link. Octets, counts and times are what their names say.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Which end this is.
    pub end: End,
    /// How many `write` functions there are; at least one.
    pub writes: usize,
    /// The downlink endpoints: endpoint `i` feeds `write` `i`.
    pub downlink_ports: Vec<u16>,
    /// Queries with services at once.
    pub handlers_max: usize,
    /// Queries that wait for a handler.
    pub handler_queue_messages_max: usize,
    /// Local UDP sockets for request and answer (format `udp`).
    pub exchange_sockets: usize,
    /// How long a service may take for an answer.
    pub timeout: Duration,
    /// Messages before each `write`.
    pub transmit_queue_messages_max: usize,
    /// Octets of the largest message.
    pub message_bytes_max: usize,
    /// Octets of everything that is held.
    pub memory_bytes_max: usize,
    /// How long an open message waits for its next segment.
    pub reassembly_timeout: Duration,
}

impl LinkConfig {
    /// The defaults of the specification and of the house.
    pub fn new(end: End) -> Self {
        LinkConfig {
            end,
            writes: 1,
            downlink_ports: Vec::new(),
            handlers_max: 50,
            handler_queue_messages_max: 50,
            exchange_sockets: 0,
            timeout: Duration::from_millis(1500),
            transmit_queue_messages_max: 1024,
            message_bytes_max: 1 << 20,
            memory_bytes_max: 8 << 20,
            reassembly_timeout: Duration::from_secs(30),
        }
    }
}

/// What the shell around the engine is to do.
#[derive(Debug)]
pub enum Action {
    /// Post `body` to the service at `port` by HTTP; then
    /// [`Link::handle_answer`].
    Post {
        /// To be given back with the answer.
        handler: HandlerId,
        /// The service's port.
        port: u16,
        /// The body of the request.
        body: HeldBytes,
    },
    /// Send a datagram to the service at `port`, without waiting; then
    /// [`Link::handle_datagram_sent`].
    SendDatagram {
        /// The service's port.
        port: u16,
        /// The datagram.
        payload: HeldBytes,
    },
    /// Send a datagram to the service at `port` from local socket `socket`, and
    /// pass what comes back by that socket to [`Link::handle_reply`]. If it
    /// cannot be sent, [`Link::handle_exchange_failed`].
    Exchange {
        /// Which of the local sockets.
        socket: usize,
        /// The service's port.
        port: u16,
        /// The datagram.
        payload: HeldBytes,
    },
    /// An answer to a command of ours (ground).
    Answered {
        /// The command's id.
        command_id: u64,
        /// The answer.
        payload: HeldBytes,
    },
    /// `write` took a command that expects no answer (ground).
    Sent {
        /// The command's id.
        command_id: u64,
    },
    /// A command came to nothing (ground).
    Failed {
        /// The command's id.
        command_id: u64,
        /// Why.
        failure: CommandFailure,
    },
    /// Something that nobody asked for came down (ground).
    Heard(Message),
}

/// Why a service gave no answer that can go down as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceFailure {
    /// The counter.
    pub reason: DropReason,
    /// For the operator: which service, what happened.
    pub message: String,
}

/// One end of a link. See the head of this module.
pub struct Link {
    config: LinkConfig,
    format: Box<dyn LinkPacket>,
    budget: ByteBudget,
    reassembly: Reassembly,
    handlers: Handlers,
    exchanges: Exchanges,
    commands: Commands,
    /// Datagrams given to the shell that it has not yet reported.
    datagrams_in_flight: u64,
    transmit: Vec<TransmitQueue>,
    actions: VecDeque<Action>,
    counted: Statistics,
    errors: VecDeque<String>,
}

impl Link {
    /// A link that speaks `format`.
    pub fn new(config: LinkConfig, format: Box<dyn LinkPacket>) -> Self {
        let budget = ByteBudget::new(config.memory_bytes_max);
        let queue = || TransmitQueue::new(config.transmit_queue_messages_max);
        Link {
            reassembly: Reassembly::new(
                budget.clone(),
                config.message_bytes_max,
                config.reassembly_timeout,
            ),
            handlers: Handlers::new(config.handlers_max, config.handler_queue_messages_max),
            exchanges: Exchanges::new(
                config.exchange_sockets,
                config.handler_queue_messages_max,
                config.timeout,
            ),
            commands: Commands::default(),
            datagrams_in_flight: 0,
            transmit: (0..config.writes.max(1)).map(|_| queue()).collect(),
            actions: VecDeque::new(),
            counted: Statistics::default(),
            errors: VecDeque::new(),
            budget,
            config,
            format,
        }
    }

    /// The account that answers in the making are charged to.
    pub fn budget(&self) -> &ByteBudget {
        &self.budget
    }

    /// Octets of the largest message.
    pub fn message_bytes_max(&self) -> usize {
        self.config.message_bytes_max
    }

    // From the radio.

    /// `read` gave one packet.
    pub fn handle_packet(&mut self, now: Instant, octets: Vec<u8>) {
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
                    Err(reason) => self.drop_packets(reason, 1),
                }
            }
            Content::Segment(segment) => {
                let outcome = self.reassembly.accept(now, segment, octets);
                self.handle_outcome(now, outcome);
            }
        }
    }

    fn handle_outcome(&mut self, now: Instant, outcome: Outcome) {
        self.counted.sequence_gaps += u64::from(outcome.gap);
        self.counted.sender_restarts += u64::from(outcome.restart);
        for (reason, packets) in outcome.dropped {
            self.drop_packets(reason, packets);
        }
        if let Some((message, packets)) = outcome.whole {
            self.counted.packets_in.deliver(packets);
            self.handle_message(now, message);
        }
    }

    fn drop_packets(&mut self, reason: DropReason, packets: u64) {
        self.counted.packets_in.drop(reason, packets);
        self.note(format!("{packets} packet(s) dropped: {}", reason.as_str()));
    }

    /// `read` failed.
    pub fn handle_read_error(&mut self, error: &str) {
        self.counted.read_errors += 1;
        self.note(format!("read failed: {error}"));
    }

    /// A whole message came.
    fn handle_message(&mut self, now: Instant, message: Message) {
        self.counted.messages_in.offer();
        match (self.config.end, message.head.payload_type) {
            (End::Ground, _) => self.handle_message_on_ground(message),
            (End::Satellite, PayloadType::GraphQl) => self.start_query(message),
            (End::Satellite, PayloadType::Udp) => self.send_datagram(message),
            (End::Satellite, PayloadType::UdpExchange) => self.start_exchange(now, message),
            (End::Satellite, _) => self.drop_message(DropReason::NotCarried, &message.head),
        }
    }

    fn drop_message(&mut self, reason: DropReason, head: &Head) {
        self.counted.messages_in.drop(reason, 1);
        let (kind, port) = (head.payload_type.as_str(), head.port);
        self.note(format!(
            "{kind} message for port {port} dropped: {}",
            reason.as_str()
        ));
    }

    // Handlers: GraphQL over HTTP.

    fn start_query(&mut self, message: Message) {
        match self.handlers.admit(message) {
            Ok(started) => self.actions.extend(started),
            Err(refused) => self.refuse_busy(&refused.head),
        }
    }

    fn refuse_busy(&mut self, head: &Head) {
        self.drop_message(DropReason::HandlersBusy, head);
        let (busy, waiting) = (
            self.config.handlers_max,
            self.config.handler_queue_messages_max,
        );
        let text = format!(
            "the query for port {} was not run: all {busy} handlers are busy and {waiting} more queries wait",
            head.port
        );
        self.answer_with_error(head, DropReason::HandlersBusy, &text);
    }

    /// The service behind a [`Action::Post`] answered, or did not.
    pub fn handle_answer(&mut self, handler: HandlerId, answer: Result<HeldBytes, ServiceFailure>) {
        let Some((head, next)) = self.handlers.finish(handler) else {
            return;
        };
        self.actions.extend(next);
        match answer {
            Ok(payload) => {
                self.counted.messages_in.deliver(1);
                self.answer(&head, payload);
            }
            Err(failure) => {
                self.counted.messages_in.drop(failure.reason, 1);
                self.note(failure.message.clone());
                self.answer_with_error(&head, failure.reason, &failure.message);
            }
        }
    }

    // UDP passthrough.

    fn send_datagram(&mut self, message: Message) {
        let Message { head, payload } = message;
        if payload.len() > DATAGRAM_BYTES_MAX {
            self.drop_message(DropReason::TooLarge, &head);
            return;
        }
        self.datagrams_in_flight += 1;
        let port = head.port;
        self.actions
            .push_back(Action::SendDatagram { port, payload });
    }

    /// The socket took a [`Action::SendDatagram`], or did not.
    pub fn handle_datagram_sent(&mut self, result: Result<(), ServiceFailure>) {
        let Some(others) = self.datagrams_in_flight.checked_sub(1) else {
            // Already counted, when the service was told to stop.
            return;
        };
        self.datagrams_in_flight = others;
        match result {
            Ok(()) => self.counted.messages_in.deliver(1),
            Err(failure) => {
                self.counted.messages_in.drop(failure.reason, 1);
                self.note(failure.message);
            }
        }
    }

    // UDP request and answer (format `udp`).

    fn start_exchange(&mut self, now: Instant, message: Message) {
        match self.exchanges.admit(now, message) {
            Ok(started) => self.actions.extend(started),
            Err(refused) => self.refuse_busy(&refused.head),
        }
    }

    /// A datagram came from `service_port` by local socket `socket`.
    pub fn handle_reply(&mut self, now: Instant, socket: usize, service_port: u16, octets: &[u8]) {
        let Some(head) = self.exchanges.answered(now, socket, service_port) else {
            self.note(format!(
                "datagram from port {service_port} answers no open request"
            ));
            return;
        };
        self.counted.messages_in.deliver(1);
        match HeldBytes::copy_of(&self.budget, octets) {
            Ok(payload) => self.answer(&head, payload),
            Err(spent) => {
                self.note(spent.to_string());
                self.answer_with_error(&head, DropReason::MemorySpent, &spent.to_string());
            }
        }
        self.continue_exchanges(now);
    }

    /// The request of a [`Action::Exchange`] could not be sent.
    pub fn handle_exchange_failed(&mut self, now: Instant, socket: usize, failure: ServiceFailure) {
        if self.exchanges.failed(socket).is_some() {
            self.counted.messages_in.drop(failure.reason, 1);
            self.note(failure.message);
            self.continue_exchanges(now);
        }
    }

    fn continue_exchanges(&mut self, now: Instant) {
        while let Some(action) = self.exchanges.start_waiting(now) {
            self.actions.push_back(action);
        }
    }

    // Down to the ground, by the first `write`.

    fn answer(&mut self, question: &Head, payload: HeldBytes) {
        let head = answer_head(question);
        let bytes = payload.len();
        let refused = if bytes > self.config.message_bytes_max {
            let bytes_max = self.config.message_bytes_max;
            Some(format!(
                "{bytes} octets are more than a message may have ({bytes_max})"
            ))
        } else {
            let packets = self.format.packet_count(&head, bytes);
            packets.err().map(|error| error.to_string())
        };
        let Some(refused) = refused else {
            self.enqueue(0, Message { head, payload }, Origin::Unattended);
            return;
        };
        self.counted.messages_out.offer();
        self.counted.messages_out.drop(DropReason::TooLarge, 1);
        let text = format!("the answer of port {} cannot go down: {refused}", head.port);
        self.note(text.clone());
        self.answer_with_error(question, DropReason::TooLarge, &text);
    }

    /// A GraphQL error document (GraphQL, October 2021 edition, §7.1.2), so that
    /// the ground never waits for nothing.
    fn answer_with_error(&mut self, question: &Head, reason: DropReason, message: &str) {
        let document = crate::graphql_error::document(reason, message);
        let payload = HeldBytes::notice(&self.budget, document);
        let head = answer_head(question);
        self.enqueue(0, Message { head, payload }, Origin::Unattended);
    }

    /// An app sent a datagram to downlink endpoint `endpoint`.
    pub fn handle_datagram(&mut self, endpoint: usize, octets: &[u8]) {
        let Some(port) = self.config.downlink_ports.get(endpoint).copied() else {
            return;
        };
        let head = Head {
            payload_type: PayloadType::Udp,
            class: Class::Standard,
            command_id: 0,
            port,
        };
        match HeldBytes::copy_of(&self.budget, octets) {
            Ok(payload) => {
                self.enqueue(endpoint, Message { head, payload }, Origin::Unattended);
            }
            Err(spent) => {
                self.counted.messages_out.offer();
                self.counted.messages_out.drop(DropReason::MemorySpent, 1);
                self.note(format!("datagram on downlink port {port} dropped: {spent}"));
            }
        }
    }

    fn enqueue(&mut self, write: usize, message: Message, origin: Origin) {
        self.counted.messages_out.offer();
        let Message { head, payload } = message;
        let head = self.format.classify(head, payload.len());
        let dropped = match self.format.packet_count(&head, payload.len()) {
            Err(error) => Some((error.drop_reason(), error.to_string())),
            Ok(packets) => match self.transmit.get_mut(write) {
                Some(queue) if !queue.is_full() => {
                    queue.push(&*self.format, Message { head, payload }, packets, origin);
                    None
                }
                _ => {
                    let messages_max = self.config.transmit_queue_messages_max;
                    let text = format!("{messages_max} messages wait for `write` {write}");
                    Some((DropReason::QueueFull, text))
                }
            },
        };
        if let Some((reason, text)) = dropped {
            self.note(format!("message of port {} dropped: {text}", head.port));
            let result = Err(reason);
            self.depart(None, Departure { origin, result });
        }
    }

    /// Writes the next packet for `write` number `write` to `out`; false when
    /// there is none now. After true, call [`handle_written`](Self::handle_written).
    pub fn poll_packet(&mut self, now: Instant, write: usize, out: &mut Vec<u8>) -> bool {
        loop {
            let Some(queue) = self.transmit.get_mut(write) else {
                return false;
            };
            match queue.poll(&*self.format, out) {
                Ok(true) => {
                    self.counted.packets_out.offer();
                    return true;
                }
                Ok(false) => return false,
                Err((error, departure)) => {
                    self.note(format!("message dropped: {error}"));
                    self.depart(Some(now), departure);
                }
            }
        }
    }

    /// Whether [`poll_packet`](Self::poll_packet) would give one now.
    pub fn has_packet(&self, write: usize) -> bool {
        self.transmit
            .get(write)
            .is_some_and(TransmitQueue::has_packet)
    }

    /// `write` number `write` returned.
    pub fn handle_written(&mut self, now: Instant, write: usize, result: Result<(), String>) {
        match &result {
            Ok(()) => self.counted.packets_out.deliver(1),
            Err(error) => {
                self.counted.packets_out.drop(DropReason::WriteFailed, 1);
                self.note(format!("write {write} failed: {error}"));
            }
        }
        let queue = self.transmit.get_mut(write);
        if let Some(departure) = queue.and_then(|queue| queue.written(result.is_ok())) {
            self.depart(Some(now), departure);
        }
    }

    /// A message left the engine. `now` is none where it never got into a queue:
    /// then its command is told by the caller.
    fn depart(&mut self, now: Option<Instant>, departure: Departure) {
        match departure.result {
            Ok(()) => self.counted.messages_out.deliver(1),
            Err(reason) => self.counted.messages_out.drop(reason, 1),
        }
        if let (Some(now), Origin::Command(id)) = (now, departure.origin) {
            self.actions
                .extend(self.commands.departed(now, id, departure.result));
        }
    }

    // Commands of the ground.

    /// Sends a command up. What becomes of it comes as [`Action::Answered`],
    /// [`Action::Sent`] or [`Action::Failed`], exactly one.
    pub fn command(&mut self, command: Command) {
        let command_id = command.command_id;
        if self.commands.is_outstanding(command_id) {
            let failure = CommandFailure::IdInUse;
            self.actions.push_back(Action::Failed {
                command_id,
                failure,
            });
            return;
        }
        self.commands.add(command);
        self.send_command(command_id);
    }

    /// A command id that the format can carry, made of random bits.
    pub fn command_id(&self, random: u64) -> u64 {
        self.format.command_id(random)
    }

    fn send_command(&mut self, command_id: u64) {
        let Some((head, octets)) = self.commands.begin_try(command_id) else {
            return;
        };
        let refused = self.format.packet_count(&head, octets.len()).err();
        let too_large = octets.len() > self.config.message_bytes_max;
        let payload = HeldBytes::copy_of(&self.budget, octets);
        let failure = match (refused, payload) {
            (Some(error), _) => CommandFailure::NotCarried(error.to_string()),
            (None, _) if too_large => CommandFailure::NotCarried(format!(
                "{} octets are more than a message may have ({})",
                octets.len(),
                self.config.message_bytes_max
            )),
            (None, Err(spent)) => CommandFailure::NotCarried(spent.to_string()),
            (None, Ok(_)) if self.transmit.first().is_none_or(TransmitQueue::is_full) => {
                CommandFailure::Dropped(DropReason::QueueFull)
            }
            (None, Ok(payload)) => {
                self.enqueue(0, Message { head, payload }, Origin::Command(command_id));
                return;
            }
        };
        self.commands.remove(command_id);
        self.actions.push_back(Action::Failed {
            command_id,
            failure,
        });
    }

    fn handle_message_on_ground(&mut self, message: Message) {
        let command_id = message.head.command_id;
        if self.commands.answered(command_id) {
            self.counted.messages_in.deliver(1);
            let payload = message.payload;
            self.actions.push_back(Action::Answered {
                command_id,
                payload,
            });
        } else if message.head.payload_type == PayloadType::Udp {
            self.counted.messages_in.deliver(1);
            self.actions.push_back(Action::Heard(message));
        } else {
            self.drop_message(DropReason::NotAsked, &message.head);
        }
    }

    // Time.

    /// When [`handle_timeout`](Self::handle_timeout) is due, if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = [
            self.reassembly.next_deadline(),
            self.exchanges.next_deadline(),
            self.commands.next_deadline(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// It is `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        let packets = self.reassembly.expire(now);
        if packets > 0 {
            self.drop_packets(DropReason::ReassemblyTimeout, packets);
        }
        for head in self.exchanges.expire(now) {
            self.drop_message(DropReason::ServiceTimeout, &head);
        }
        self.continue_exchanges(now);
        let due = self.commands.expire(now);
        self.actions.extend(due.failed);
        for command_id in due.retry {
            self.send_command(command_id);
        }
    }

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The service stops: everything that is held is dropped, and counted.
    pub fn handle_shutdown(&mut self) {
        let packets = self.reassembly.clear();
        self.counted.packets_in.drop(DropReason::Shutdown, packets);
        let mut messages = self.handlers.clear() + self.exchanges.clear();
        messages += std::mem::take(&mut self.datagrams_in_flight);
        self.counted
            .messages_in
            .drop(DropReason::Shutdown, messages);
        for queue in &mut self.transmit {
            let messages = queue.clear();
            self.counted
                .messages_out
                .drop(DropReason::Shutdown, messages);
        }
        self.actions.clear();
    }

    // Looking.

    /// Everything counted, in one consistent snapshot.
    pub fn statistics(&self) -> Statistics {
        let mut all = self.counted.clone();
        all.packets_in.queued = self.reassembly.packets_held();
        all.messages_in.queued = self.handlers.waiting() + self.exchanges.waiting();
        all.messages_in.in_flight =
            self.handlers.active() + self.exchanges.active() + self.datagrams_in_flight;
        for queue in &self.transmit {
            queue.count_held(&mut all.messages_out);
            all.packets_out.in_flight += queue.packets_with_radio();
        }
        all.memory_bytes_used = self.budget.bytes_used() as u64;
        all.memory_bytes_max = self.budget.bytes_max() as u64;
        all.errors = self.errors.iter().cloned().collect();
        debug_assert!(all.balances(), "accounts do not add up: {all:?}");
        all
    }

    /// Adds a line to the errors that telemetry shows.
    pub fn note(&mut self, text: String) {
        log::debug!("{text}");
        if self.errors.len() == ERRORS_MAX {
            self.errors.pop_front();
        }
        self.errors.push_back(text);
    }
}

/// The head of an answer: same command, same port, same type.
fn answer_head(question: &Head) -> Head {
    let class = Class::Standard;
    Head { class, ..*question }
}
