//! What the desk counts since it was opened.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Desk;
use super::submit::Receipt;
use crate::code::Code;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::mover::Refused;
use crate::record::{LegPhase, Transfer};

/// Since the desk was opened: accepted = open, less what was open before, + ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were accepted.
    pub accepted: u64,
    /// Requests that were made before.
    pub known: u64,
    /// Requests that were refused, by why.
    pub refused: BTreeMap<Code, u64>,
    /// Files that came over a link and were not let in, by why.
    pub turned_away: BTreeMap<Code, u64>,
    /// Transfers that ended, by how.
    pub ended: BTreeMap<Code, u64>,
    /// Octets that recipients have, of transfers that ended.
    pub delivered_bytes: u64,
    /// Transfers that were forgotten although not all that they delivered was acknowledged.
    pub unread_forgotten: u64,
}

/// What the desk has now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depths {
    /// Transfers that have not ended.
    pub open: usize,
    /// Transfers that are known.
    pub known: usize,
    /// Deliveries that are not acknowledged.
    pub unread: usize,
    /// Transfers that run in a thread of the mover.
    pub running: usize,
    /// The longest time since one of these gave a sign of life, as it does before each chunk.
    pub silent: Duration,
}

impl Counts {
    pub(super) fn note_submitted(&mut self, submitted: &Result<Receipt, Refused>) {
        match submitted {
            Ok(receipt) if receipt.is_known => self.known += 1,
            Ok(_) => self.accepted += 1,
            Err(refused) => *self.refused.entry(refused.code).or_default() += 1,
        }
    }

    pub(super) fn note_end(&mut self, transfer: &Transfer) {
        let Some(outcome) = transfer.outcome() else {
            return;
        };
        *self.ended.entry(outcome.code).or_default() += 1;
        let legs = transfer.legs.iter();
        let delivered = legs.filter(|leg| leg.phase == LegPhase::Committed);
        for _ in delivered {
            self.delivered_bytes = self.delivered_bytes.saturating_add(transfer.bytes());
        }
    }
}

impl<F: Folders, J: Journal> Desk<F, J> {
    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    /// What there is.
    #[must_use]
    pub fn depths(&self) -> Depths {
        let now = self.clock.now().monotonic;
        let state = self.state();
        let signs = state.running.values();
        let silent = signs.map(|sign| now.saturating_duration_since(*sign)).max();
        Depths {
            open: state.queue.len(),
            known: state.transfers.len(),
            unread: state.inboxes.values().map(|inbox| inbox.len()).sum(),
            running: state.running.len(),
            silent: silent.unwrap_or_default(),
        }
    }
}
