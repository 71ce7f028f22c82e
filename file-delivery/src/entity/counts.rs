//! What became of PDUs that came.

use std::collections::BTreeMap;

/// Why a PDU that came was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PduDropReason {
    /// No PDU, or one that breaks a rule of its layout.
    Malformed,
    /// For another entity.
    NotForUs,
    /// Of an entity that is not among the peers.
    UnknownEntity,
    /// Of a transaction that is not under way, and does not begin so.
    UnknownTransaction,
    /// Of a transaction that is over.
    Ended,
    /// Of a new transaction, where as many as may be are under way.
    TooManyTransactions,
    /// All of it was there.
    Duplicate,
    /// There was no room for another range of octets; it is asked for later.
    NoRoom,
    /// It came when nothing of its kind was needed any more.
    Late,
    /// It made the transaction fail, or a rule of the store did.
    Fault,
}

impl PduDropReason {
    /// As in statistics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotForUs => "not-for-us",
            Self::UnknownEntity => "unknown-entity",
            Self::UnknownTransaction => "unknown-transaction",
            Self::Ended => "ended",
            Self::TooManyTransactions => "too-many-transactions",
            Self::Duplicate => "duplicate",
            Self::NoRoom => "no-room",
            Self::Late => "late",
            Self::Fault => "fault",
        }
    }
}

/// Counts since the entity was started: `pdus_in` = `used` + all of `dropped`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityCounts {
    /// PDUs that came.
    pub pdus_in: u64,
    /// Those that had an effect.
    pub used: u64,
    /// The others, by reason.
    pub dropped: BTreeMap<PduDropReason, u64>,
    /// PDUs that were handed out.
    pub pdus_out: u64,
    /// File Data PDUs among them that had been handed out before.
    pub data_again: u64,
    /// Commits of the journal, each of which is durable.
    pub commits: u64,
    /// Syncs of files.
    pub file_syncs: u64,
    /// What other entities asked for, and was begun or done.
    pub requests_done: u64,
    /// What they asked for and was refused; they are told.
    pub requests_refused: u64,
    /// Answers to them that could not be begun.
    pub answers_dropped: u64,
    /// Messages to the user beyond the most of a transaction, and answers to nothing.
    pub messages_dropped: u64,
}

impl EntityCounts {
    /// Whether the counts of what came add up.
    pub fn balances(&self) -> bool {
        self.used + self.dropped.values().sum::<u64>() == self.pdus_in
    }
}
