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

/// How many of the checks prove what all others need.
pub(super) const BASIC_CHECKS: usize = 2;

pub(super) const CHECKS: [Check; 19] = [
    Check {
        rules: &[Rule::ReceivedOnceInOrder],
        run: receiving::once_in_order,
    },
    Check {
        rules: &[Rule::TransmittedOnceInOrder],
        run: transmitting::once_in_order,
    },
    Check {
        rules: &[Rule::EmptyReceiveWaits, Rule::ReceiveReturns],
        run: waiting::nothing_comes,
    },
    Check {
        rules: &[Rule::ReceiveIsPrompt],
        run: waiting::something_comes,
    },
    Check {
        rules: &[Rule::CutAnywhere],
        run: receiving::cut_anywhere,
    },
    Check {
        rules: &[Rule::SeveralAtOnce],
        run: receiving::several_at_once,
    },
    Check {
        rules: &[Rule::OnePieceEach],
        run: receiving::one_piece_each,
    },
    Check {
        rules: &[Rule::EveryOctet],
        run: garbage::every_octet,
    },
    Check {
        rules: &[Rule::RecoversAfterGarbage, Rule::NeverPanics],
        run: garbage::recovers,
    },
    Check {
        rules: &[Rule::GivenBeforeInterruption],
        run: interruption::given_before,
    },
    Check {
        rules: &[Rule::InterruptionIsTold],
        run: interruption::is_told,
    },
    Check {
        rules: &[Rule::ReceivesAgain],
        run: interruption::receives_again,
    },
    Check {
        rules: &[Rule::TransmitsAgain],
        run: interruption::transmits_again,
    },
    Check {
        rules: &[Rule::MtuIsKept],
        run: transmitting::mtu,
    },
    Check {
        rules: &[
            Rule::OkMeansTaken,
            Rule::ErrorMeansNotSent,
            Rule::TransmitReturns,
        ],
        run: stalling::back_pressure,
    },
    Check {
        rules: &[Rule::CreditsAreGood],
        run: stalling::credits,
    },
    Check {
        rules: &[Rule::TransmitAllCounts],
        run: stalling::transmit_all,
    },
    Check {
        rules: &[Rule::HalvesAreIndependent],
        run: halves::independent,
    },
    Check {
        rules: &[Rule::DroppedIsReleased],
        run: release::dropped,
    },
];
