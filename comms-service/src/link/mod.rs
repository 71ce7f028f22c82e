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

mod commanding;
mod commands;
mod dispatch;
mod exchanges;
mod handlers;
mod receiving;
mod securing;
mod sending;
mod transmit;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use commands::{Command, CommandFailure};
pub use handlers::HandlerId;

use crate::accounting::{DropReason, Statistics};
use crate::budget::{ByteBudget, HeldBytes};
use crate::message::{End, Message};
use crate::packet::LinkPacket;
use crate::reassembly::{Dropped, Reassembly};
use crate::security::Security;
use crate::telemetry::ERRORS_MAX;

use commands::Commands;
use exchanges::Exchanges;
use handlers::Handlers;
use transmit::TransmitQueue;

/// Longest time-out of any kind; longer ones are cut to it.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

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
    /// Octets of the largest packet that may reach `write`, whatever the format
    /// makes; none where the format's own limit is enough.
    pub packet_bytes_max: Option<usize>,
    /// Octets of the largest message.
    pub message_bytes_max: usize,
    /// Octets of everything that is held.
    pub memory_bytes_max: usize,
    /// Commands of the ground whose outcome is open.
    pub commands_max: usize,
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
            packet_bytes_max: None,
            message_bytes_max: 1 << 20,
            memory_bytes_max: 8 << 20,
            commands_max: 1024,
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
    /// Make `octets`, the state of the security layer, durable; then
    /// [`Link::handle_security_stored`].
    StoreSecurity {
        /// To be given back.
        token: u64,
        /// One copy of the state.
        octets: Vec<u8>,
    },
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
    security: Option<Security>,
    /// Authentic messages whose numbers are not durable yet.
    unsaved: VecDeque<Message>,
    actions: VecDeque<Action>,
    counted: Statistics,
    errors: VecDeque<String>,
}

impl Link {
    /// A link that speaks `format`.
    pub fn new(mut config: LinkConfig, format: Box<dyn LinkPacket>) -> Self {
        // So that a time-out can be added to any time.
        config.timeout = config.timeout.min(TIMEOUT_MAX);
        config.reassembly_timeout = config.reassembly_timeout.min(TIMEOUT_MAX);
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
            security: None,
            unsaved: VecDeque::new(),
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

    /// When [`handle_timeout`](Self::handle_timeout) is due, if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = [
            self.reassembly.next_deadline(),
            self.exchanges.next_deadline(),
            self.commands.next_deadline(),
            self.security.as_ref().and_then(Security::next_deadline),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// It is `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        let packets = self.reassembly.expire(now);
        if packets > 0 {
            self.drop_packets(Dropped {
                reason: DropReason::ReassemblyTimeout,
                packets,
                head: None,
            });
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
        if let Some(security) = &mut self.security {
            security.handle_timeout(now);
        }
        self.drive_security(now);
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
        messages += self.unsaved.drain(..).count() as u64;
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
        // Whoever waits for a command is told.
        self.actions.extend(self.commands.clear());
    }

    // Looking.

    /// Everything counted, in one consistent snapshot.
    pub fn statistics(&self) -> Statistics {
        let all = self.snapshot();
        debug_assert!(all.balances(), "accounts do not add up: {all:?}");
        all
    }

    /// A call of this engine, or of a mission's packet format in it, was cut off
    /// by a panic: what it left unaccounted is counted as dropped.
    pub fn handle_panic(&mut self, text: &str) {
        self.transmit
            .iter_mut()
            .for_each(TransmitQueue::discard_unbuilt);
        let all = self.snapshot();
        let reason = DropReason::InternalFault;
        self.counted
            .packets_in
            .drop(reason, all.packets_in.missing());
        self.counted
            .messages_in
            .drop(reason, all.messages_in.missing());
        self.counted
            .messages_out
            .drop(reason, all.messages_out.missing());
        self.counted
            .packets_out
            .drop(reason, all.packets_out.missing());
        self.note(format!("internal fault: {text}"));
    }

    fn snapshot(&self) -> Statistics {
        let mut all = self.counted.clone();
        all.packets_in.queued = self.reassembly.packets_held();
        all.messages_in.queued = self.handlers.waiting() + self.exchanges.waiting();
        all.messages_in.queued += self.unsaved.len() as u64;
        all.messages_in.in_flight =
            self.handlers.active() + self.exchanges.active() + self.datagrams_in_flight;
        for queue in &self.transmit {
            queue.count_held(&mut all.messages_out);
            all.packets_out.in_flight += queue.packets_with_radio();
        }
        all.memory_bytes_used = self.budget.bytes_used() as u64;
        all.memory_bytes_max = self.budget.bytes_max() as u64;
        all.errors = self.errors.iter().cloned().collect();
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
