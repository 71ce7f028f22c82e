//! What is with the entity.

use file_delivery::entity::{Outcome, RequestError};
use file_delivery::pdu::{ConditionCode, FileStatus, TransactionId};
use file_delivery::store::StoreError;

use crate::code::Code;
use crate::mover::Refused;

/// A transfer that is with the entity.
pub(super) struct Flight {
    /// Which leg of it: nobody knows of one that an earlier process handed over, until the
    /// desk says.
    pub(super) leg: usize,
    /// None where the entity did not take it.
    pub(super) transaction: Option<TransactionId>,
    /// Whether the desk takes it for running.
    pub(super) is_flying: bool,
    pub(super) is_suspended: bool,
    /// As what it was cancelled here.
    pub(super) stopped_as: Option<Code>,
    /// How it ended, until the desk knows.
    pub(super) landed: Option<Landed>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Landed {
    /// The other end has the file.
    There,
    /// It may be well another time.
    Again(Refused),
    /// The other end never gets it.
    Never(Refused),
}

impl Flight {
    /// One that was handed over just now.
    pub(super) fn begun(leg: usize, transaction: TransactionId) -> Self {
        Flight {
            leg,
            transaction: Some(transaction),
            is_flying: true,
            is_suspended: false,
            stopped_as: None,
            landed: None,
        }
    }

    /// One that an earlier process handed over.
    pub(super) fn found(transaction: TransactionId, is_suspended: bool) -> Self {
        Flight {
            is_flying: false,
            is_suspended,
            ..Flight::begun(0, transaction)
        }
    }

    /// One that the entity did not take.
    pub(super) fn not_taken(leg: usize, landed: Landed) -> Self {
        Flight {
            leg,
            transaction: None,
            is_flying: true,
            is_suspended: false,
            stopped_as: None,
            landed: Some(landed),
        }
    }
}

impl Landed {
    /// As the entity says.
    pub(super) fn of(outcome: &Outcome, stopped_as: Option<Code>) -> Self {
        if outcome.is_success() {
            return Landed::There;
        }
        let condition = outcome.condition;
        let refused = |code| Refused {
            code,
            text: match is_turned_away(outcome) {
                true => {
                    "the other end does not take it: it knows no such app, its policy does not \
                         allow it, or the app has a file of that name"
                        .to_owned()
                }
                false => format!("the other end does not have it: {condition:?}"),
            },
        };
        match (stopped_as, condition) {
            (Some(code), _) => Landed::Never(refused(code)),
            (None, ConditionCode::CancelRequestReceived) => Landed::Never(refused(Code::Cancelled)),
            (
                None,
                ConditionCode::UnsupportedChecksumType | ConditionCode::InvalidTransmissionMode,
            ) => Landed::Never(refused(Code::InvalidArgument)),
            (None, _) if is_turned_away(outcome) => Landed::Never(refused(Code::Forbidden)),
            // Its disk may be full, or ours have failed.
            (None, _) => Landed::Again(refused(Code::Unavailable)),
        }
    }

    /// Why the entity did not take it.
    pub(super) fn not_taken(error: &RequestError) -> Self {
        let text = error.to_string();
        let refused = |code| Refused { code, text };
        match error {
            RequestError::Stopped(_)
            | RequestError::TooMany { .. }
            | RequestError::Journal(_)
            | RequestError::Store(StoreError::Failed { .. }) => {
                Landed::Again(refused(Code::Unavailable))
            }
            RequestError::Store(_) => Landed::Never(refused(Code::SourceChanged)),
            _ => Landed::Never(refused(Code::InvalidArgument)),
        }
    }
}

/// Whether the store at the other end never takes such a file: what it has no room for, it
/// only rejects.
fn is_turned_away(outcome: &Outcome) -> bool {
    outcome.condition == ConditionCode::FilestoreRejection
        && outcome.file_status == FileStatus::Discarded
}

#[cfg(test)]
mod tests {
    use file_delivery::pdu::DeliveryCode;

    use super::*;

    fn ended(condition: ConditionCode, file_status: FileStatus) -> Outcome {
        Outcome {
            condition,
            delivery: DeliveryCode::Incomplete,
            file_status,
            responses: Vec::new(),
        }
    }

    fn landed(condition: ConditionCode, stopped_as: Option<Code>) -> Landed {
        let outcome = ended(condition, FileStatus::RejectedByFilestore);
        Landed::of(&outcome, stopped_as)
    }

    #[test]
    fn what_the_other_end_never_takes_goes_back_and_is_not_sent_again() {
        let outcome = ended(ConditionCode::FilestoreRejection, FileStatus::Discarded);
        let landed = Landed::of(&outcome, None);
        assert!(
            matches!(&landed, Landed::Never(refused) if refused.code == Code::Forbidden),
            "{landed:?}"
        );
    }

    #[test]
    fn what_may_heal_at_the_ground_is_tried_again_and_what_somebody_wanted_is_not() {
        let full = landed(ConditionCode::FilestoreRejection, None);
        assert!(matches!(full, Landed::Again(_)), "{full:?}");
        for (condition, stopped_as, code) in [
            (ConditionCode::CancelRequestReceived, None, Code::Cancelled),
            (
                ConditionCode::CancelRequestReceived,
                Some(Code::Expired),
                Code::Expired,
            ),
            (
                ConditionCode::UnsupportedChecksumType,
                None,
                Code::InvalidArgument,
            ),
        ] {
            let landed = landed(condition, stopped_as);
            assert!(
                matches!(&landed, Landed::Never(refused) if refused.code == code),
                "{landed:?}"
            );
        }
    }

    #[test]
    fn what_the_entity_does_not_take_now_is_handed_to_it_again() {
        let full = Landed::not_taken(&RequestError::TooMany {
            transactions_max: 1,
        });
        assert!(matches!(full, Landed::Again(_)), "{full:?}");
        let gone = StoreError::Missing {
            name: "claims/1".to_owned(),
        };
        let gone = Landed::not_taken(&RequestError::Store(gone));
        assert!(matches!(gone, Landed::Never(_)), "{gone:?}");
    }
}
