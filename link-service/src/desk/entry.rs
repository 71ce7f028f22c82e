//! One transfer, as the desk has it in memory. Most have ended, and are there for whoever asks
//! again: these are kept as the journal has them, which is a third of what they take else.

use std::borrow::Cow;

use crate::code::Code;
use crate::names::AppId;
use crate::record::{Order, Transfer};
use crate::request::Priority;

/// One transfer.
pub(super) struct Entry {
    /// Whose it is.
    pub(super) sender: AppId,
    kept: Kept,
    /// Why it was not delivered when it was tried last.
    pub(super) waits_for: Option<(Code, String)>,
    /// What was asked of it since it was accepted.
    pub(super) order: Order,
    /// How often what it left could not be cleared, of this process.
    pub(super) clearings: u32,
    /// Its place among those that have ended.
    pub(super) ended: Option<u64>,
}

enum Kept {
    Open(Box<Transfer>),
    Ended(Box<[u8]>),
}

impl Kept {
    fn of(transfer: Transfer) -> Self {
        let encoded = transfer.outcome().map(|_| transfer.encode());
        match encoded {
            Some(Ok(octets)) => Kept::Ended(octets.into()),
            _ => Kept::Open(Box::new(transfer)),
        }
    }
}

impl Entry {
    pub(super) fn new(transfer: Transfer) -> Self {
        Entry {
            sender: transfer.sender.clone(),
            kept: Kept::of(transfer),
            waits_for: None,
            order: Order::default(),
            clearings: 0,
            ended: None,
        }
    }

    /// What is known of it; nothing never happens, as it was encoded here.
    pub(super) fn transfer(&self) -> Option<Cow<'_, Transfer>> {
        match &self.kept {
            Kept::Open(transfer) => Some(Cow::Borrowed(transfer)),
            Kept::Ended(octets) => Transfer::decode(octets).ok().map(Cow::Owned),
        }
    }

    /// The same, of one that has not ended, to be changed.
    pub(super) fn open_mut(&mut self) -> Option<&mut Transfer> {
        match &mut self.kept {
            Kept::Open(transfer) => Some(transfer),
            Kept::Ended(_) => None,
        }
    }

    /// It is another from now on.
    pub(super) fn is_now(&mut self, transfer: Transfer) {
        self.kept = Kept::of(transfer);
    }

    /// Whether nothing more becomes of it.
    pub(super) fn has_ended(&self) -> bool {
        match &self.kept {
            Kept::Open(transfer) => transfer.outcome().is_some(),
            Kept::Ended(_) => true,
        }
    }

    /// The priority that it has now, beside what is known of it.
    pub(super) fn priority(&self, transfer: &Transfer) -> Priority {
        self.order.priority.unwrap_or(transfer.request.priority)
    }
}
