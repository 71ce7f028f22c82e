//! Limits and timers of an entity, and what it knows of the others (the standard's
//! management information base, CCSDS 727.0-B-5 §8).

use std::time::Duration;

use crate::ChecksumType;
use crate::extents::RANGES_MAX_DEFAULT;
use crate::pdu::{ConditionCode, EntityId, FaultHandler, Width, Widths};

/// An entity's own limits.
#[derive(Clone, Debug)]
pub struct EntityConfig {
    /// Its id.
    pub id: EntityId,
    /// Octets of ids and numbers in the PDUs of its own transactions.
    pub widths: Widths,
    /// The first transaction has at least this number, and at least the journal's next.
    pub first_number: u64,
    /// Transactions that are under way at once, of each direction.
    pub transactions_max: usize,
    /// Transactions that are over and still known, so that nothing of them is done twice.
    pub ended_max: usize,
    /// Octets that are received, or sent for the first time, between two syncs of the
    /// journal: so many may go over the link again after a power cut.
    pub sync_bytes: u64,
    /// Octets of the largest file that is received.
    pub file_bytes_max: u64,
    /// Ranges of a file that are kept apart while holes are between them.
    pub ranges_max: usize,
}

impl EntityConfig {
    /// The defaults.
    pub fn new(id: EntityId) -> Self {
        EntityConfig {
            id,
            widths: Widths {
                entity_id: Width::for_value(id.0).max(Width::TWO),
                transaction_seq: Width::FOUR,
            },
            first_number: 0,
            transactions_max: 1024,
            ended_max: 4096,
            sync_bytes: 64 * 1024,
            file_bytes_max: 64 * 1024 * 1024 * 1024,
            ranges_max: RANGES_MAX_DEFAULT,
        }
    }
}

/// When a receiver asks for what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NakMode {
    /// Once EOF came, at AOS, when file data ceases to come, and when the NAK timer runs
    /// out.
    Deferred,
    /// As soon as a hole is seen, too.
    Immediate,
}

/// What an entity knows of another. All times count in contact only.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its id.
    pub id: EntityId,
    /// Octets of the largest PDU that goes to it; changeable at run time.
    pub pdu_bytes_max: usize,
    /// Whether PDUs to it end with a CRC.
    pub crc: bool,
    /// The checksum of files that are sent to it.
    pub checksum_type: ChecksumType,
    /// When it is asked for what is missing.
    pub nak_mode: NakMode,
    /// How long an answer takes at most, until that was measured in a transaction. What is
    /// not answered in that time goes again; then after twice as long, and so on up to
    /// `ack_timeout` or `nak_timeout`. Where a signal is on its way for seconds, give the
    /// time for both ways.
    pub round_trip_guess: Duration,
    /// From when an EOF or Finished PDU left the radio until it is sent again, at most.
    pub ack_timeout: Duration,
    /// So often it is sent after that time before that is a fault.
    pub ack_limit: u32,
    /// Silence after a list of what is missing until there is another, at most.
    pub nak_timeout: Duration,
    /// So many lists that bring nothing in that time, and that is a fault.
    pub nak_limit: u32,
    /// Silence of the other end, while it is its turn, until it is asked again.
    pub inactivity_timeout: Duration,
    /// So often it is asked before that is a fault.
    pub inactivity_limit: u32,
    /// After the EOF of an unacknowledged transaction, between looks whether its file
    /// is whole.
    pub check_timeout: Duration,
    /// So many looks before that is a fault.
    pub check_limit: u32,
    /// A transaction that rests, since a limit of retries was reached, tries again after
    /// so long; before, when contact begins anew or the other end is heard.
    pub rest_timeout: Duration,
    /// What is done about faults.
    pub faults: FaultHandlers,
    /// Whether this entity does what it asks for by messages to the user
    /// (CCSDS 727.0-B-5 §6): sends files and listings, suspends transactions. Where not,
    /// it is told so.
    pub may_ask: bool,
}

impl Peer {
    /// The defaults: PDUs of 220 octets, CRC-32, deferred NAK.
    pub fn new(id: EntityId) -> Self {
        Peer {
            id,
            pdu_bytes_max: 220,
            crc: false,
            checksum_type: ChecksumType::CRC_32,
            nak_mode: NakMode::Deferred,
            round_trip_guess: Duration::from_secs(1),
            ack_timeout: Duration::from_secs(10),
            ack_limit: 10,
            nak_timeout: Duration::from_secs(10),
            nak_limit: 10,
            inactivity_timeout: Duration::from_secs(30),
            inactivity_limit: 10,
            check_timeout: Duration::from_secs(10),
            check_limit: 2,
            rest_timeout: Duration::from_secs(600),
            faults: FaultHandlers::default(),
            may_ask: true,
        }
    }
}

/// What is done about each fault, unless the transaction says otherwise.
///
/// By default the limits of retries do not end a transaction: it rests until contact
/// begins anew or the other end is heard, and its user is told.
#[derive(Clone, Debug, Default)]
pub struct FaultHandlers {
    others: Vec<(ConditionCode, FaultHandler)>,
}

impl FaultHandlers {
    /// What is done about `fault`.
    pub fn of(&self, fault: ConditionCode) -> FaultHandler {
        use ConditionCode as Code;
        let mut others = self.others.iter();
        if let Some((_, handler)) = others.find(|(other, _)| *other == fault) {
            return *handler;
        }
        match fault {
            Code::PositiveAckLimitReached
            | Code::NakLimitReached
            | Code::InactivityDetected
            | Code::KeepAliveLimitReached => FaultHandler::IgnoreError,
            _ => FaultHandler::NoticeOfCancellation,
        }
    }

    /// Something else is done about `fault`.
    pub fn set(&mut self, fault: ConditionCode, handler: FaultHandler) {
        self.others.retain(|(other, _)| *other != fault);
        self.others.push((fault, handler));
    }
}
