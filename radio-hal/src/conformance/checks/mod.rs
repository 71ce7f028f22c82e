//! The checks, in the order they are run.

mod garbage;
mod halves;
mod interruption;
mod receiving;
mod release;
mod stalling;
mod transmitting;
mod waiting;

use super::rig::Rig;
use super::rule::Rule;
use super::violation::Violation;

/// Proves rules on a freshly opened driver.
pub(super) struct Check {
    /// The first one is broken if the check finds nothing more precise.
    pub(super) rules: &'static [Rule],
    /// Nothing can be said where one of these is broken.
    pub(super) needs: &'static [Rule],
    pub(super) run: fn(&mut Rig) -> Result<(), Stop>,
}

/// Why a check ends before its end.
pub(super) enum Stop {
    Broken(Violation),
    /// The rules do not concern this driver, for this reason.
    NotApplicable(&'static str),
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Broken(violation)
    }
}

/// A driver that does not carry frames at all need not be asked for more.
const FRAMES_CROSS: [Rule; 2] = [Rule::ReceivedOnceInOrder, Rule::TransmittedOnceInOrder];

pub(super) const CHECKS: [Check; 19] = [
    Check {
        rules: &[Rule::ReceivedOnceInOrder],
        needs: &[],
        run: receiving::once_in_order,
    },
    Check {
        rules: &[Rule::TransmittedOnceInOrder],
        needs: &[],
        run: transmitting::once_in_order,
    },
    Check {
        rules: &[Rule::EmptyReceiveWaits, Rule::ReceiveReturns],
        needs: &FRAMES_CROSS,
        run: waiting::nothing_comes,
    },
    Check {
        rules: &[Rule::ReceiveIsPrompt],
        needs: &FRAMES_CROSS,
        run: waiting::something_comes,
    },
    Check {
        rules: &[Rule::CutAnywhere],
        needs: &FRAMES_CROSS,
        run: receiving::cut_anywhere,
    },
    Check {
        rules: &[Rule::SeveralAtOnce],
        needs: &FRAMES_CROSS,
        run: receiving::several_at_once,
    },
    Check {
        rules: &[Rule::OnePieceEach],
        needs: &FRAMES_CROSS,
        run: receiving::one_piece_each,
    },
    Check {
        rules: &[Rule::EveryOctet],
        needs: &FRAMES_CROSS,
        run: garbage::every_octet,
    },
    Check {
        rules: &[Rule::RecoversAfterGarbage, Rule::NeverPanics],
        needs: &FRAMES_CROSS,
        run: garbage::recovers,
    },
    Check {
        rules: &[Rule::GivenBeforeInterruption],
        needs: &FRAMES_CROSS,
        run: interruption::given_before,
    },
    Check {
        rules: &[Rule::InterruptionIsTold],
        needs: &FRAMES_CROSS,
        run: interruption::is_told,
    },
    Check {
        rules: &[Rule::ReceivesAgain],
        needs: &FRAMES_CROSS,
        run: interruption::receives_again,
    },
    Check {
        rules: &[Rule::TransmitsAgain],
        needs: &FRAMES_CROSS,
        run: interruption::transmits_again,
    },
    Check {
        rules: &[Rule::MtuIsKept],
        needs: &FRAMES_CROSS,
        run: transmitting::mtu,
    },
    Check {
        rules: &[
            Rule::OkMeansTaken,
            Rule::ErrorMeansNotSent,
            Rule::TransmitReturns,
        ],
        needs: &FRAMES_CROSS,
        run: stalling::back_pressure,
    },
    Check {
        rules: &[Rule::CreditsAreGood],
        needs: &FRAMES_CROSS,
        run: stalling::credits,
    },
    Check {
        rules: &[Rule::TransmitAllCounts],
        needs: &[
            Rule::ReceivedOnceInOrder,
            Rule::TransmittedOnceInOrder,
            Rule::OkMeansTaken,
            Rule::ErrorMeansNotSent,
        ],
        run: stalling::transmit_all,
    },
    Check {
        rules: &[Rule::HalvesAreIndependent],
        needs: &FRAMES_CROSS,
        run: halves::independent,
    },
    Check {
        rules: &[Rule::DroppedIsReleased],
        needs: &FRAMES_CROSS,
        run: release::dropped,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_proven_by_a_check() {
        for rule in Rule::ALL {
            let proven = CHECKS.iter().any(|check| check.rules.contains(&rule));
            assert!(proven, "no check proves {rule}");
        }
    }

    #[test]
    fn what_a_check_needs_is_proven_before_it() {
        let mut proven = Vec::new();
        for check in &CHECKS {
            assert!(check.needs.iter().all(|rule| proven.contains(rule)));
            proven.extend_from_slice(check.rules);
        }
    }
}
