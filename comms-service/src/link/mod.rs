//! The engine of a link: every decision, and no socket, clock or thread.
//!
//! [`Link`] stands between a radio and what lies behind it, on either end. Its
//! methods are of three kinds:
//!
//! - `handle_*(now, …)` tells it what happened: a packet came, a service
//!   answered, an app sent a datagram, `write` returned, time passed.
//! - `poll_*` asks it what to do: [`poll_action`](Link::poll_action) until it
//!   gives `None`, [`poll_packets`](Link::poll_packets) for each `write` whenever
//!   something may have been queued or a write ended, and
//!   [`poll_timeout`](Link::poll_timeout) for the time at which to call
//!   [`handle_timeout`](Link::handle_timeout).
//! - [`statistics`](Link::statistics) and the like only look.
//!
//! Time is a parameter that never goes back; random bits too. So a whole link,
//! both ends and the radio between them, runs on virtual time in one thread, and
//! a capture can be replayed.

mod admission;
mod commanding;
mod commands;
mod contact;
mod control;
mod dispatch;
mod endpoint;
mod exchanges;
mod handlers;
mod journal;
mod memory;
mod pdus;
mod recall;
mod receiving;
mod reception;
mod reconfigure;
mod repair;
mod repairing;
mod resending;
mod securing;
mod sending;
mod submissions;
mod transmit;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

pub use admission::{Admission, RateLimit};
pub use commands::{Command, CommandFailure};
pub use contact::{
    CONTACT_WINDOWS_MAX, ContactConfig, ContactPlan, ContactPlanError, ContactReason, ContactState,
    ContactWindow, HeldClass,
};
pub use dispatch::DatagramId;
pub use endpoint::DownlinkPort;
pub use exchanges::ReplyWindow;
pub use handlers::HandlerId;
pub use journal::{JournalEntry, RecordId};
pub use memory::{CommandKey, CommandMemoryConfig, RecordedCommand};
pub use pdus::{PduRefused, PduToSend};
pub use submissions::{Receipt, Submission};
pub use transmit::{
    ByClass, ClassLimits, ONE_CREDIT_BPS_MAX, Pace, QueueClass, QueueLimits, WhenFull,
};

use crate::accounting::{DropReason, Statistics};
use crate::budget::{ByteBudget, HeldBytes};
use crate::message::{End, Head, Message};
use crate::packet::LinkPacket;
use crate::reassembly::Reassembly;
use crate::security::Security;
use crate::telemetry::ERRORS_MAX;

use admission::Gate;
use commands::Commands;
use contact::Contact;
use exchanges::{Exchanges, Over};
use handlers::Handlers;
use memory::CommandMemory;
use receiving::Whole;
use reception::Reception;
use resending::Resending;
use submissions::Submissions;
use transmit::TransmitQueue;

/// Longest time-out of any kind; longer ones are cut to it.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an answer may take to arrive, from its first segment on.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(4 * 60 * 60);

/// Every limit of a link. Octets, counts and times are what their names say.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Which end this is.
    pub end: End,
    /// How many `write` functions there are; at least one.
    pub writes: usize,
    /// The plain downlink endpoints: endpoint `i` feeds `write` `i`, as telemetry.
    pub downlink_ports: Vec<u16>,
    /// Further downlink endpoints, numbered on from the plain ones.
    pub downlink_map: Vec<DownlinkPort>,
    /// Queries with services at once.
    pub handlers_max: usize,
    /// Queries that wait for a handler.
    pub handler_queue_messages_max: usize,
    /// Local UDP sockets for request and answer.
    pub exchange_sockets: usize,
    /// Who may be called, and how often (satellite).
    pub admission: Admission,
    /// UDP services that may answer, by port (satellite).
    pub reply_windows: BTreeMap<u16, ReplyWindow>,
    /// When the ground counts as being there (satellite).
    pub contact: ContactConfig,
    /// How long a service may take for an answer.
    pub timeout: Duration,
    /// Messages before each `write`, in each class without a limit of its own: so
    /// many of apps, so many PDUs, and so many others.
    pub transmit_queue_messages_max: usize,
    /// The limits of the classes of each queue.
    pub queue: QueueLimits,
    /// How fast the radio of each `write` sends; none for no pacing.
    pub pace: Option<Pace>,
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
    /// How long the ground may take to put an answer together, from its first
    /// segment on, however steadily more of them come.
    pub answer_time_max: Duration,
    /// Whether the ground keeps an answer that arrived in part, and asks for the
    /// rest. Of no use where a part of a message is none (encryption).
    pub keeps_answers_in_part: bool,
    /// What the satellite remembers of commands, so that none runs twice; nothing
    /// where the format does not tell one command from another.
    pub command_memory: Option<CommandMemoryConfig>,
    /// How often the ground reports at most which datagrams it heard; none for never.
    pub reception_report: Option<Duration>,
    /// Whether mutations are recorded before they run ([`Action::Journal`]).
    pub records_commands: bool,
    /// Whether there is a file entity that takes PDUs ([`Action::Pdu`]) and is told of
    /// contact ([`Action::ContactChanged`]).
    pub takes_pdus: bool,
    /// Random bits, drawn anew at each start, from which the first sequence count of
    /// each channel is made: so nobody takes the packets of a link that began anew for
    /// the rest of a message from before. 0: counts begin at 0.
    pub first_counts_seed: u64,
}

impl LinkConfig {
    /// The defaults of the specification and of the house.
    pub fn new(end: End) -> Self {
        LinkConfig {
            end,
            writes: 1,
            downlink_ports: Vec::new(),
            downlink_map: Vec::new(),
            handlers_max: 50,
            handler_queue_messages_max: 50,
            exchange_sockets: 0,
            admission: Admission::default(),
            reply_windows: BTreeMap::new(),
            contact: ContactConfig::default(),
            timeout: Duration::from_millis(1500),
            transmit_queue_messages_max: 1024,
            queue: QueueLimits::standard(),
            pace: None,
            packet_bytes_max: None,
            message_bytes_max: 1 << 20,
            memory_bytes_max: 8 << 20,
            commands_max: 1024,
            reassembly_timeout: Duration::from_secs(30),
            answer_time_max: ANSWER_TIME_MAX,
            keeps_answers_in_part: true,
            command_memory: None,
            reception_report: None,
            records_commands: false,
            takes_pdus: false,
            first_counts_seed: 0,
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
    /// [`Link::handle_datagrams_sent`].
    SendDatagram {
        /// To be given back with the result.
        datagram: DatagramId,
        /// The service's port.
        port: u16,
        /// The datagram.
        payload: HeldBytes,
    },
    /// Send a datagram to the service at `port` from local socket `socket`, and
    /// pass what comes back by that socket to [`Link::handle_reply`]. Then
    /// [`Link::handle_exchange_sent`]; if it cannot be sent,
    /// [`Link::handle_exchange_failed`].
    Exchange {
        /// Which of the local sockets.
        socket: usize,
        /// The service's port.
        port: u16,
        /// The datagram.
        payload: HeldBytes,
    },
    /// One of several answers to a command of ours, which stays open (ground).
    Replied {
        /// The command's id.
        command_id: u64,
        /// The answer.
        payload: HeldBytes,
    },
    /// Enter this in the journal of commands.
    Journal(JournalEntry),
    /// An answer to a command of ours (ground).
    Answered {
        /// The command's id.
        command_id: u64,
        /// The answer.
        payload: HeldBytes,
    },
    /// `write` took a command that expects no answer; of one that asked for
    /// replies: nothing more is waited for (ground).
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
    /// A PDU came for the file entity. What is kept of it counts against the memory
    /// budget.
    Pdu {
        /// The PDU.
        octets: HeldBytes,
    },
    /// `write` took a PDU of [`Link::handle_pdu_to_send`], or it was dropped.
    PduDeparted {
        /// The PDU's.
        token: u64,
        /// Why it was dropped, if it was.
        result: Result<(), DropReason>,
    },
    /// There is contact, or none, or another reason for either: for the file entity.
    /// The first comes by the first [`Link::handle_timeout`].
    ContactChanged(ContactState),
    /// What became of a message after [`Link::handle_submission`] (satellite).
    Receipt {
        /// The number of the submission.
        submission: u64,
        /// What became of it.
        receipt: Receipt,
    },
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
    proof: reconfigure::Proof,
    budget: ByteBudget,
    reassembly: Reassembly,
    handlers: Handlers,
    gate: Gate,
    exchanges: Exchanges,
    contact: Contact,
    commands: Commands,
    memory: Option<CommandMemory>,
    /// The next to send something of first.
    resendings: VecDeque<Resending>,
    submissions: Submissions,
    reception: Reception,
    /// Mutations that wait to be on the disk.
    recording: BTreeMap<RecordId, Message>,
    next_record: u64,
    /// Datagrams given to the shell that it has not yet reported, oldest first.
    datagrams: VecDeque<(DatagramId, Head)>,
    next_datagram: u64,
    transmit: Vec<TransmitQueue>,
    security: Option<Security>,
    /// Authentic messages whose numbers are not durable yet.
    unsaved: VecDeque<Whole>,
    actions: VecDeque<Action>,
    /// Where a packet is built before it joins others.
    built: Vec<u8>,
    counted: Statistics,
    errors: VecDeque<String>,
}

impl Link {
    /// A link that speaks `format`.
    pub fn new(mut config: LinkConfig, format: Box<dyn LinkPacket>) -> Self {
        // So that a time-out can be added to any time.
        config.timeout = config.timeout.min(TIMEOUT_MAX);
        config.reassembly_timeout = config.reassembly_timeout.min(TIMEOUT_MAX);
        config.reception_report = config
            .reception_report
            .map(|period| period.min(TIMEOUT_MAX));
        let budget = ByteBudget::new(config.memory_bytes_max);
        let messages_max = config.transmit_queue_messages_max;
        let pause_max = config.reassembly_timeout;
        let queue = |write: usize| {
            let (limits, pace) = (&config.queue, config.pace);
            let seed = match config.first_counts_seed {
                0 => 0,
                seed => seed.wrapping_add(write as u64).max(1),
            };
            TransmitQueue::new(messages_max, limits, pace, pause_max, seed)
        };
        Link {
            reassembly: Reassembly::new(
                budget.clone(),
                config.message_bytes_max,
                config.reassembly_timeout,
            ),
            handlers: Handlers::new(config.handlers_max, config.handler_queue_messages_max),
            gate: Gate::new(config.admission.clone()),
            exchanges: Exchanges::new(
                config.exchange_sockets,
                config.handler_queue_messages_max,
                config.timeout,
                config.reply_windows.clone(),
            ),
            contact: Contact::new(config.contact.clone(), config.takes_pdus),
            commands: Commands::default(),
            memory: config.command_memory.map(CommandMemory::new),
            resendings: VecDeque::new(),
            submissions: Submissions::default(),
            reception: Reception::new(config.reception_report),
            recording: BTreeMap::new(),
            next_record: 0,
            datagrams: VecDeque::new(),
            next_datagram: 0,
            transmit: (0..config.writes.max(1)).map(queue).collect(),
            security: None,
            unsaved: VecDeque::new(),
            actions: VecDeque::new(),
            built: Vec::new(),
            counted: Statistics::default(),
            errors: VecDeque::new(),
            proof: reconfigure::Proof::default(),
            budget,
            config,
            format,
        }
    }

    /// The account that answers in the making are charged to.
    pub fn budget(&self) -> &ByteBudget {
        &self.budget
    }

    /// The shell has so many more local sockets for request and answer, numbered on.
    pub fn add_exchange_sockets(&mut self, sockets: usize) {
        self.exchanges.add_sockets(sockets);
        self.config.exchange_sockets = self.exchanges.sockets();
    }

    /// How many local sockets for request and answer there are.
    pub fn exchange_sockets(&self) -> usize {
        self.exchanges.sockets()
    }

    /// Octets of the largest message.
    pub fn message_bytes_max(&self) -> usize {
        self.config.message_bytes_max
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due, if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        // A pass that begins matters only to whoever waits for it.
        let waits =
            self.config.takes_pdus || self.transmit.iter().any(TransmitQueue::has_something);
        let contact = self.contact.next_deadline().filter(|_| waits);
        let deadlines = [
            self.reassembly.next_deadline(),
            self.exchanges.next_deadline(),
            self.commands.next_deadline(),
            self.submissions.next_deadline(),
            self.reception.next_deadline(),
            contact,
            self.security.as_ref().and_then(Security::next_deadline),
        ];
        let queues = self
            .transmit
            .iter()
            .filter_map(TransmitQueue::next_deadline);
        deadlines.into_iter().flatten().chain(queues).min()
    }

    /// It is `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.expire_reassembly(now);
        for over in self.exchanges.expire(now) {
            match over {
                Over::Unanswered(head) => self.drop_message(DropReason::ServiceTimeout, &head),
                Over::Window { delivers } => self.counted.messages_in.deliver(delivers.into()),
            }
        }
        self.continue_exchanges(now);
        self.contact.pass(now);
        self.tell_contact(now);
        self.pass_queues(now);
        self.expire_submissions(now);
        self.report_reception(now);
        for command_id in self.commands.overdue(now) {
            self.handle_silence(now, command_id);
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
        let packets = self.reassembly.clear() + self.commands.packets_held();
        self.counted.packets_in.drop(DropReason::Shutdown, packets);
        let mut messages = self.handlers.clear() + self.exchanges.clear();
        messages += self.datagrams.drain(..).count() as u64;
        messages += std::mem::take(&mut self.recording).len() as u64;
        self.resendings.clear();
        if let Some(memory) = &mut self.memory {
            memory.clear(&self.budget);
        }
        messages += self.unsaved.drain(..).count() as u64;
        self.counted
            .messages_in
            .drop(DropReason::Shutdown, messages);
        // Whoever was promised the end of a PDU is told.
        let is_of_pdu = |action: &Action| matches!(action, Action::PduDeparted { .. });
        self.actions.retain(is_of_pdu);
        let held = self.transmit.iter_mut().flat_map(TransmitQueue::clear);
        for departure in held.collect::<Vec<_>>() {
            self.count_departure(&departure);
        }
        self.close_submissions();
        // Whoever waits for a command is told.
        self.actions.extend(self.commands.clear());
    }

    /// Says when the ground is planned to listen; none when nobody knows.
    ///
    /// # Errors
    /// [`ContactPlanError`]; the plan before stays.
    pub fn set_contact_plan(
        &mut self,
        now: Instant,
        plan: Option<ContactPlan>,
    ) -> Result<(), ContactPlanError> {
        self.contact.set_plan(now, plan)?;
        self.tell_contact(now);
        Ok(())
    }

    // Looking.

    /// Whether the ground is there.
    pub fn contact(&self, now: Instant) -> ContactState {
        self.contact.state(now)
    }

    /// Whether messages of this class wait for contact.
    pub fn holds(&self, class: HeldClass, now: Instant) -> bool {
        self.contact.holds(class, now)
    }

    /// The next moment at which [`contact`](Self::contact) can differ, if nothing
    /// is heard before.
    pub fn next_contact_change(&self, now: Instant) -> Option<Instant> {
        self.contact.next_change(now)
    }

    /// How long the longest window of the contact plan is.
    pub fn longest_contact_window(&self) -> Option<Duration> {
        self.contact.longest_window()
    }

    /// Everything counted, in one consistent snapshot.
    pub fn statistics(&self) -> Statistics {
        let all = self.snapshot();
        debug_assert!(all.balances(), "accounts do not add up: {all:?}");
        all
    }

    /// A call of this engine, or of a mission's packet format in it, was cut off
    /// by a panic: what it left unaccounted is counted as dropped.
    pub fn handle_panic(&mut self, text: &str) {
        let unbuilt = self.transmit.iter_mut();
        let unbuilt = unbuilt.filter_map(TransmitQueue::discard_unbuilt);
        for departure in unbuilt.collect::<Vec<_>>() {
            self.tell_submitter(&departure);
            self.fail_command_of(&departure);
        }
        for command_id in self.commands.cut_off() {
            self.fail_command(
                command_id,
                CommandFailure::Dropped(DropReason::InternalFault),
            );
        }
        let all = self.snapshot();
        let reason = DropReason::InternalFault;
        self.memory.iter_mut().for_each(CommandMemory::interrupted);
        self.counted
            .packets_in
            .drop(reason, all.packets_in.missing());
        self.counted
            .messages_in
            .drop(reason, all.messages_in.missing());
        self.counted
            .messages_out
            .drop(reason, all.messages_out.missing());
        for (class, account) in all.classes_out.iter() {
            let counted = self.counted.classes_out.of_mut(class);
            counted.messages.drop(reason, account.messages.missing());
        }
        self.counted
            .packets_out
            .drop(reason, all.packets_out.missing());
        self.note(format!("internal fault: {text}"));
    }

    fn snapshot(&self) -> Statistics {
        let mut all = self.counted.clone();
        all.packets_in.queued = self.reassembly.packets_held() + self.commands.packets_held();
        all.messages_in.queued = self.handlers.waiting() + self.exchanges.waiting();
        all.messages_in.queued += self.recording.len() as u64;
        all.messages_in.queued += self.unsaved.len() as u64;
        all.messages_in.in_flight =
            self.handlers.active() + self.exchanges.active() + self.datagrams.len() as u64;
        for queue in &self.transmit {
            queue.count_held(&mut all.classes_out);
            all.packets_out.in_flight += queue.packets_with_radio() as u64;
        }
        let classes = all.classes_out.iter().map(|(_, class)| &class.messages);
        for class in classes {
            all.messages_out.queued += class.queued;
            all.messages_out.in_flight += class.in_flight;
        }
        all.commands_remembered = self.memory.as_ref().map_or(0, CommandMemory::len) as u64;
        all.answer_bytes_remembered = self.budget.bytes_stored() as u64;
        all.memory_bytes_used = self.budget.bytes_used() as u64;
        all.memory_bytes_max = self.budget.bytes_max() as u64;
        all.security = self.security.as_ref().map(Security::status);
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
