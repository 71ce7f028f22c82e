//! What is with the entity.

use file_delivery::entity::Outcome;
use file_delivery::pdu::{EntityId, TransactionId, TransactionSeq};

use crate::code::Code;
use crate::mover::Refused;

/// A transfer that is with the entity.
pub(super) struct Flight {
    pub(super) transaction: TransactionId,
    /// Whether the desk takes it for running.
    pub(super) is_flying: bool,
    pub(super) is_suspended: bool,
    /// As what it was cancelled here.
    pub(super) stopped_as: Option<Code>,
    /// How it ended, until the desk knows.
    pub(super) ended: Option<Result<(), Refused>>,
}

impl Flight {
    /// One that was handed over just now.
    pub(super) fn begun(transaction: TransactionId) -> Self {
        Flight {
            transaction,
            is_flying: true,
            is_suspended: false,
            stopped_as: None,
            ended: None,
        }
    }

    /// One that an earlier process handed over.
    pub(super) fn found(transaction: TransactionId, is_suspended: bool) -> Self {
        Flight {
            is_flying: false,
            is_suspended,
            ..Flight::begun(transaction)
        }
    }

    /// One that the entity did not take.
    pub(super) fn failed(refused: Refused) -> Self {
        let nobodys = TransactionId {
            source: EntityId(u64::MAX),
            number: TransactionSeq(u64::MAX),
        };
        Flight {
            ended: Some(Err(refused)),
            ..Flight::begun(nobodys)
        }
    }
}

/// What the desk is to know of it.
pub(super) fn outcome_of(outcome: &Outcome, stopped_as: Option<Code>) -> Result<(), Refused> {
    if outcome.is_success() {
        return Ok(());
    }
    let text = format!("the ground does not have it: {:?}", outcome.condition);
    Err(Refused {
        code: stopped_as.unwrap_or(Code::Unavailable),
        text,
    })
}
