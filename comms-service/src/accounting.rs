//! Exact accounting: whatever is offered is delivered, held or dropped for a
//! reason that is counted.

use crate::link::ByClass;
use crate::security::SecurityStatus;

macro_rules! drop_reasons {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)*) => {
        /// Why something was dropped. One reason, one counter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum DropReason { $($(#[$doc])* $variant,)* }

        impl DropReason {
            /// Every reason.
            pub const ALL: &'static [DropReason] = &[$(DropReason::$variant,)*];

            /// The reason's name in telemetry, metrics and error answers.
            pub fn as_str(self) -> &'static str {
                match self { $(DropReason::$variant => $name,)* }
            }
        }
    };
}

drop_reasons! {
    /// Packet: fewer octets than its headers.
    TooShort => "too-short",
    /// Packet: its length field cannot be true.
    Length => "length",
    /// Packet: unknown version.
    Version => "version",
    /// Packet: of the type that this end sends.
    Direction => "direction",
    /// Packet: with a secondary header.
    SecondaryHeader => "secondary-header",
    /// Packet: sequence flags that do not occur.
    SequenceFlags => "sequence-flags",
    /// Packet: CRC or checksum does not match.
    ErrorControl => "error-control",
    /// Packet: its APID is in no map.
    UnknownApid => "unknown-apid",
    /// Packet: fill.
    Idle => "idle",
    /// Packet: the same once more.
    Duplicate => "duplicate",
    /// Packet: a further segment of a message whose first was not received.
    NoFirstSegment => "no-first-segment",
    /// Packets of a message that misses one.
    SequenceGap => "sequence-gap",
    /// Packets of a message that its sender never finished.
    Unfinished => "unfinished",
    /// Packets of a message whose next segment did not come in time.
    ReassemblyTimeout => "reassembly-timeout",
    /// Larger than the message or the format may be.
    TooLarge => "too-large",
    /// The memory budget is spent.
    MemorySpent => "memory-spent",
    /// No part of this engine takes this payload type.
    NotCarried => "not-carried",
    /// Link control of a type that this end does not know or is never told.
    LinkControlUnknown => "link-control-unknown",
    /// Link control that no sender makes.
    LinkControlInvalid => "link-control-invalid",
    /// The destination port is in no allow-list.
    NotAllowed => "not-allowed",
    /// More messages for the destination port, or for all, than its rate allows.
    RateLimited => "rate-limited",
    /// All handlers are busy and the queue before them is full.
    HandlersBusy => "handlers-busy",
    /// The service refused the connection or the datagram.
    ServiceUnreachable => "service-unreachable",
    /// The service did not answer in time.
    ServiceTimeout => "service-timeout",
    /// The service's answer was cut short, not HTTP, or a failure.
    ServiceError => "service-error",
    /// The socket could not take the datagram now.
    SocketBusy => "socket-busy",
    /// A command that runs came once more: it gets the answer of the first.
    CommandJoined => "command-joined",
    /// A command came once more and was answered from memory.
    AnsweredFromMemory => "answered-from-memory",
    /// A message for a service without answers came once more.
    DuplicateCommand => "duplicate-command",
    /// A command with the id of another.
    CommandIdReused => "command-id-reused",
    /// A mutation came once more whose answer is not kept any more.
    AnswerNotKept => "answer-not-kept",
    /// A mutation came once more of which nobody knows what became.
    OutcomeUnknown => "outcome-unknown",
    /// As many commands run as can be remembered.
    CommandMemoryFull => "command-memory-full",
    /// A mutation could not be recorded before it was to run.
    StorageFailed => "storage-failed",
    /// One answer more than the reply window of its service allows.
    SurplusReply => "surplus-reply",
    /// An answer to a command that is not outstanding.
    NotAsked => "not-asked",
    /// A command taken back before it was sent: answered already, or cancelled.
    Withdrawn => "withdrawn",
    /// Its security header names no association that this end has.
    UnknownAssociation => "unknown-association",
    /// Its authentication does not match.
    BadMac => "bad-mac",
    /// It, or a later one, was taken already.
    Replay => "replay",
    /// In the clear on a link with security.
    NoSecurity => "no-security",
    /// The two ends have no keys in common yet: a resync is due.
    NotInSync => "not-in-sync",
    /// Its number could not be made durable.
    NotSaved => "not-saved",
    /// A challenge or resync that is not taken.
    ResyncRefused => "resync-refused",
    /// The transmit queue is full.
    QueueFull => "queue-full",
    /// It made room for a newer one in a transmit queue that was full.
    Displaced => "displaced",
    /// Its time to live was over before it began to be sent.
    Expired => "expired",
    /// The radio's `write` failed.
    WriteFailed => "write-failed",
    /// Under way, or of no use in the packet format, when the configuration changed.
    Reconfigured => "reconfigured",
    /// The service was told to stop.
    Shutdown => "shutdown",
    /// A fault of the framework or of a mission's packet format.
    InternalFault => "internal-fault",
}

/// A counter per [`DropReason`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropCounts {
    counts: Vec<u64>,
}

impl Default for DropCounts {
    fn default() -> Self {
        let counts = vec![0; DropReason::ALL.len()];
        DropCounts { counts }
    }
}

impl DropCounts {
    /// How many were dropped for `reason`.
    pub fn of(&self, reason: DropReason) -> u64 {
        self.counts.get(reason as usize).copied().unwrap_or(0)
    }

    /// How many were dropped.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The reasons that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        let pairs = DropReason::ALL
            .iter()
            .map(|reason| (*reason, self.of(*reason)));
        pairs.filter(|(_, count)| *count > 0)
    }

    fn add(&mut self, reason: DropReason, count: u64) {
        if let Some(counter) = self.counts.get_mut(reason as usize) {
            *counter += count;
        }
    }
}

/// The account of one flow: packets or messages, in or out.
///
/// `offered == delivered + queued + in_flight + dropped.total()` in every
/// snapshot. `queued` and `in_flight` are counted from what is really held at
/// the moment of the snapshot, so the equation can fail, and is tested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// All that came.
    pub offered: u64,
    /// What reached its goal.
    pub delivered: u64,
    /// What waits.
    pub queued: u64,
    /// What is being worked on.
    pub in_flight: u64,
    /// What was lost, by reason.
    pub dropped: DropCounts,
}

impl Flow {
    /// Whether the account adds up.
    pub fn balances(&self) -> bool {
        self.offered == self.delivered + self.queued + self.in_flight + self.dropped.total()
    }

    /// What was offered and is nowhere: 0, unless a call was cut off by a panic.
    pub(crate) fn missing(&self) -> u64 {
        let accounted = self.delivered + self.queued + self.in_flight + self.dropped.total();
        self.offered.saturating_sub(accounted)
    }

    pub(crate) fn offer(&mut self) {
        self.offered += 1;
    }

    pub(crate) fn deliver(&mut self, count: u64) {
        self.delivered += count;
    }

    pub(crate) fn drop(&mut self, reason: DropReason, count: u64) {
        self.dropped.add(reason, count);
    }
}

/// The account of one class of the transmit queues, all queues together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassAccount {
    /// Messages; in flight is what is begun.
    pub messages: Flow,
    /// Octets of payload held now.
    pub bytes_held: u64,
}

/// The four accounts of a link, and what else it counts, in one consistent
/// snapshot.
///
/// "In" is what comes from the radio (up on a satellite, down on the ground),
/// "out" what goes to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets from `read`; delivered when their message is whole.
    pub packets_in: Flow,
    /// Whole messages from the radio; delivered when their service answered, the
    /// socket took them, or they are on their way to the file entity.
    pub messages_in: Flow,
    /// Answers, datagrams, PDUs and commands for the radio; delivered when `write`
    /// took their last packet.
    pub messages_out: Flow,
    /// The same messages by class: each of `messages_out` is in one of these.
    pub classes_out: ByClass<ClassAccount>,
    /// Packets handed to `write`.
    pub packets_out: Flow,
    /// Packets from `read` that were valid.
    pub packets_valid: u64,
    /// Times that sequence counts were missing.
    pub sequence_gaps: u64,
    /// Times that a sender began anew at count 0.
    pub sender_restarts: u64,
    /// Octets cut off after the declared end of packets.
    pub surplus_bytes: u64,
    /// Failures of `read`.
    pub read_errors: u64,
    /// Commands that are remembered.
    pub commands_remembered: u64,
    /// State files that were damaged and begun anew.
    pub state_files_damaged: u64,
    /// Octets of answers that are remembered, which give way to everything else.
    pub answer_bytes_remembered: u64,
    /// Apps that submitted messages and were cut off, as they did not read their
    /// receipts.
    pub submitters_cut_off: u64,
    /// Octets held now.
    pub memory_bytes_used: u64,
    /// Octets held at most.
    pub memory_bytes_max: u64,
    /// How the security layer stands; none on a link without.
    pub security: Option<SecurityStatus>,
    /// The newest errors, oldest first, at most
    /// [`ERRORS_MAX`](crate::telemetry::ERRORS_MAX).
    pub errors: Vec<String>,
}

impl Statistics {
    /// Whether all four accounts add up, and those of the classes.
    pub fn balances(&self) -> bool {
        let classes = || self.classes_out.iter().map(|(_, class)| &class.messages);
        self.packets_in.balances()
            && self.messages_in.balances()
            && self.messages_out.balances()
            && self.packets_out.balances()
            && classes().all(Flow::balances)
            && classes().map(|class| class.offered).sum::<u64>() == self.messages_out.offered
    }
}
