//! How a transfer stands, for whoever may know.

use crate::code::{Code, StatusCode};
use crate::queue::Standing;
use crate::record::{LegPhase, Phase, Transfer};
use crate::request::{Priority, Recipient};

use super::entry::Entry;

/// How a transfer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferView {
    /// What is known of it.
    pub transfer: Transfer,
    /// [`Code::Accepted`] until it has ended.
    pub code: Code,
    /// What there is to say beside it.
    pub text: String,
    /// Where it stands in the queue; nothing once it has ended.
    pub standing: Option<Standing>,
    /// What it has now: that of the request, or what was asked for since.
    pub priority: Priority,
    /// One for each recipient.
    pub legs: Vec<LegView>,
}

/// How the delivery to one recipient stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegView {
    /// Who.
    pub recipient: Recipient,
    /// [`Code::Accepted`] until it is over.
    pub code: Code,
    /// Octets that are there.
    pub octets: u64,
}

impl TransferView {
    /// Nothing where nothing is known of it any more.
    pub(super) fn of(entry: &Entry, standing: Option<Standing>) -> Option<Self> {
        let transfer = entry.transfer()?.into_owned();
        let (code, text) = match &transfer.phase {
            Phase::Ended(outcome) => (outcome.code, outcome.text.clone()),
            _ => match &entry.waits_for {
                Some((code, text)) => (Code::Accepted, format!("{code}: {text}")),
                None => (Code::Accepted, String::new()),
            },
        };
        let bytes = transfer.bytes();
        let legs = transfer.legs.iter().map(|leg| LegView {
            recipient: leg.recipient.clone(),
            code: leg.phase.code().unwrap_or(Code::Accepted),
            octets: match leg.phase {
                LegPhase::Waiting | LegPhase::Failed(_) => 0,
                LegPhase::Copying { done_bytes } => done_bytes,
                LegPhase::Verified { .. } | LegPhase::Committed => bytes,
            },
        });
        Some(TransferView {
            code,
            text,
            standing,
            priority: entry.priority(&transfer),
            legs: legs.collect(),
            transfer,
        })
    }

    /// The same in the codes of the original.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.standing {
            Some(Standing::Running) => StatusCode::Transmitting,
            _ => self.code.status(),
        }
    }

    /// Whether nothing more becomes of it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.transfer.phase, Phase::Ended(_))
    }
}
